"""What stands where the picture will be, while there is none."""

import dearpygui.dearpygui as dpg

from widgets.controls import Kit, heading, show_value
from widgets.files import FileDialogs
from widgets.layout import Place

__all__ = ["Welcome"]

_WIDTH_PX = 380
_HEIGHT_PX = 190


class Welcome:
    """Says what to do first. Must be made inside the picture's window, after the picture."""

    def __init__(self, kit: Kit, dialogs: FileDialogs) -> None:
        self._kit = kit
        look, session = kit.look, kit.session
        with dpg.group(tag="welcome", pos=(0, 0)):
            heading(look, "Open a model to begin")
            dpg.add_text("", tag="welcome_text", wrap=look.px(_WIDTH_PX), color=(*look.palette.quiet, 255))
            dpg.add_spacer(height=look.px(6))
            with dpg.group(horizontal=True):
                dpg.add_button(tag="welcome_open", label="Open a model…", callback=lambda: dialogs.open_checkpoint())
                if session.bundled:
                    first = session.bundled[0]
                    dpg.add_button(
                        tag="welcome_bundled",
                        label=f"Try {first.title}",
                        callback=lambda: session.open(f"bundled:{first.name}"),
                    )
        dpg.bind_item_theme("welcome_open", look.primary)

    def refresh(self) -> None:
        """Show it while no model is open, in the middle."""
        session, look = self._kit.session, self._kit.look
        empty = session.spec is None
        if dpg.is_item_shown("welcome") != empty:
            dpg.configure_item("welcome", show=empty)
        if not empty:
            return
        jobs = session.jobs
        show_value(
            "welcome_text",
            f"{jobs[0].name}…"
            if jobs
            else "A model of the StyleGAN family (.pkl, .pt, .safetensors), a .latent project, or a picture that was "
            "saved here. Choose one, drop it on this window, or type its path or address in the Model panel. Then drag "
            "the picture, the seed pad or any slider, and it follows.",
        )
        left = (dpg.get_item_width(Place.PICTURE) - look.px(_WIDTH_PX)) // 2
        top = (dpg.get_item_height(Place.PICTURE) - look.px(_HEIGHT_PX)) // 2
        dpg.set_item_pos("welcome", [max(0, left), max(0, top)])
