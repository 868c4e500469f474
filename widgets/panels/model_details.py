"""The window with everything that the open model's file says about itself."""

import dearpygui.dearpygui as dpg

from explorer.state import GeneratorSpec
from widgets.controls import Kit, caption_row, heading
from widgets.layout import Place
from widgets.model_facts import details
from widgets.popup import Popup

__all__ = ["ModelDetails"]

_WIDTH_PX = 470
_HEIGHT_PX = 480
_CAPTION_PX = 110


class ModelDetails:
    """Made when it is opened, and anew when another model is."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._shown: GeneratorSpec | None = None
        size = (_WIDTH_PX, _HEIGHT_PX)
        self._popup = Popup(kit.look, "details", "About this model", beside=Place.MODEL, size_px=size, fill=self._fill)

    def toggle(self) -> None:
        """Open or close it."""
        self._shown = None
        if self._popup.toggle():
            self.refresh(self._kit.session.spec)

    def refresh(self, spec: GeneratorSpec | None) -> None:
        """Show another model; close when there is none."""
        if spec is None:
            self._popup.close()
        if spec is None or spec is self._shown or not self._popup.is_open:
            return
        self._shown = spec
        look = self._kit.look
        dpg.delete_item("details_text", children_only=True)
        dpg.push_container_stack("details_text")
        wrap = look.px(_WIDTH_PX - _CAPTION_PX - 24)
        for title, rows in details(spec, self._kit.session.info):
            heading(look, title)
            for place, (caption, words) in enumerate(rows):
                if not caption and title == "Notes":
                    dpg.add_text(words, wrap=look.px(_WIDTH_PX - 24))
                    continue
                with caption_row(look, caption, width_px=_CAPTION_PX):
                    dpg.add_text(words, tag=f"detail_{title.lower()}_{place}", wrap=wrap)
            dpg.add_spacer(height=look.px(4))
        dpg.pop_container_stack()

    def _fill(self) -> None:
        look = self._kit.look
        dpg.add_child_window(tag="details_text", width=look.px(_WIDTH_PX), height=look.px(_HEIGHT_PX), border=False)
