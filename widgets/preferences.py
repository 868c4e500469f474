"""Preferences: the settings that a person chooses once."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import dearpygui.dearpygui as dpg

from widgets.controls import caption_row, tooltip
from widgets.dialogs import close_dialog, open_dialog
from widgets.display_scale import automatic_scale
from widgets.picture import Background, PictureView, Sampling
from widgets.settings import SettingsStore
from widgets.theme import Look

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["BACKGROUNDS", "SAMPLINGS", "Preferences", "scale_label"]

_DIALOG = "preferences"
_SCALES = (None, 1.0, 1.25, 1.5, 1.75, 2.0, 2.5, 3.0)
_CAPTION_PX = 130
SAMPLINGS: dict[Sampling, str] = {
    "auto": "Square pixels when small",
    "crisp": "Square pixels",
    "smooth": "Smooth",
}
"""How a picture may be enlarged, in words."""
BACKGROUNDS: dict[Background, str] = {
    "dark": "Dark",
    "mid": "Middle grey",
    "light": "Light",
    "checker": "Checkerboard under transparent pictures",
}
"""What may be around it, in words."""


def scale_label(scale: float | None, automatic: float) -> str:
    """A size of everything in words."""
    return f"Automatic ({automatic:.0%})" if scale is None else f"{scale:.0%}"


class Preferences:
    """The dialog, and the one way to change what the View menu changes too.

    Args:
        look: For its size.
        session: What computes.
        store: Where settings are kept.
        picture: What shows them at once.
    """

    def __init__(self, look: Look, session: "Session", store: SettingsStore, picture: PictureView) -> None:
        self._look = look
        self._session = session
        self._store = store
        self._picture = picture
        self._picture.set_sampling(store.settings.sampling)
        self._picture.set_background(store.settings.background)
        # Dear PyGui asks for it once, when the window is shown.
        dpg.configure_app(keyboard_navigation=store.settings.keyboard)

    def set_sampling(self, sampling: Sampling) -> None:
        """Choose how the picture is enlarged."""
        self._picture.set_sampling(sampling)
        self._store.change(sampling=sampling)

    def set_background(self, background: Background) -> None:
        """Choose what is around it."""
        self._picture.set_background(background)
        self._store.change(background=background)

    def set_previews(self, on: bool) -> None:
        """Let a coarse picture come first while something moves, or not."""
        self._session.previews = on
        self._store.change(previews=on)

    def set_keyboard(self, on: bool) -> None:
        """Let Tab and arrow keys go from control to control, or let the arrow keys go from seed to seed."""
        self._store.change(keyboard=on)
        dpg.configure_item("restart_note", show=True)

    def set_compiled(self, on: bool) -> None:
        """Let compiled kernels serve, or torch alone."""
        self._session.use_compiled(on)
        self._store.change(compiled=on)

    def open(self) -> None:
        """Show the dialog."""
        open_dialog(self._look, _DIALOG, "Preferences", self._build)

    def _build(self) -> None:
        look, settings = self._look, self._store.settings
        automatic = automatic_scale()
        scales = {scale_label(scale, automatic): scale for scale in _SCALES}

        def set_scale(_sender: object, label: str) -> None:
            self._store.change(scale=scales[label])
            dpg.configure_item("restart_note", show=True)

        with caption_row(look, "Size of everything", width_px=_CAPTION_PX):
            chosen = scale_label(settings.scale, automatic)
            dpg.add_combo(list(scales), tag="pref_scale", default_value=chosen, width=look.px(290), callback=set_scale)
        tooltip(look, "pref_scale", "Automatic follows the desktop; --scale overrides it for one start.")
        self._choice("Enlarge with", "pref_sampling", SAMPLINGS, settings.sampling, self.set_sampling)
        self._choice("Background", "pref_background", BACKGROUNDS, settings.background, self.set_background)
        for tag, words, tip, value, change in (
            ("pref_keyboard", "Keyboard reaches every control", _KEYBOARD, settings.keyboard, self.set_keyboard),
            ("pref_previews", "Coarse previews while something moves", _PREVIEWS, settings.previews, self.set_previews),
            ("pref_compiled", "Compiled kernels", _COMPILED, settings.compiled, self.set_compiled),
        ):
            dpg.add_checkbox(
                label=words, tag=tag, default_value=value, callback=lambda _s, on, act: act(on), user_data=change
            )
            tooltip(look, tag, tip)
        dpg.add_text("It holds from the next start on.", tag="restart_note", show=False)
        dpg.add_text(f"Kept in {self._store.path}", wrap=look.px(430), color=(*look.palette.quiet, 255))
        dpg.add_button(label="Close", tag="pref_close", width=look.px(110), callback=lambda: close_dialog(_DIALOG))
        dpg.bind_item_theme("pref_close", look.primary)

    def _choice(
        self, caption: str, tag: str, choices: dict[Any, str], value: object, choose: Callable[[Any], None]
    ) -> None:
        by_words = {words: choice for choice, words in choices.items()}
        with caption_row(self._look, caption, width_px=_CAPTION_PX):
            dpg.add_combo(
                list(by_words),
                tag=tag,
                default_value=choices[value],
                width=self._look.px(290),
                callback=lambda _sender, words: choose(by_words[words]),
            )


_KEYBOARD = (
    "Tab and the arrow keys go from control to control, Space or Enter presses, Alt reaches the menus. The arrow keys "
    "then no longer go from seed to seed. From the next start on."
)
_PREVIEWS = (
    "A StyleGAN2 network with skip outputs has a coarse picture long before the full one: it is shown while a hand "
    "moves and a full picture takes over 80 ms."
)
_COMPILED = (
    "Loops compiled for this processor, faster than torch on resampling and small convolutions. Off, torch alone "
    "computes; the last bits of pictures may differ."
)
