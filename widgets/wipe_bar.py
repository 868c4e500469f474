"""The bar over a comparison: how to flip it, what is amiss, and the way out."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from widgets.controls import show_value
from widgets.floating import floating_window
from widgets.layout import Place
from widgets.theme import Look

__all__ = ["WipeBar"]

_WINDOW = "wipe_bar"
_HINT = "Drag the line. Hold F to flip."


class WipeBar:
    """It lies at the bottom of the picture while something is compared. Must be made outside of every window.

    Args:
        look: Colours and scale.
        end: Ends the comparison.
    """

    def __init__(self, look: Look, end: Callable[[], None]) -> None:
        self._look = look
        self._note = ""
        with (
            floating_window(_WINDOW, no_scrollbar=True),
            dpg.group(horizontal=True, horizontal_spacing=look.px(14)),
        ):
            dpg.add_text("", tag="wipe_words")
            dpg.add_button(tag="wipe_end", label="End comparison  (Esc)", callback=lambda: end())
        dpg.bind_item_theme(_WINDOW, look.notice)

    def say(self, note: str) -> None:
        """Say what is amiss, or nothing."""
        self._note = note

    def poll(self, reason: str, *, can_flip: bool) -> None:
        """Stay at the bottom of the picture, and away while another tab covers it."""
        visible = bool(dpg.is_item_visible("picture"))
        if dpg.is_item_shown(_WINDOW) != visible:
            dpg.configure_item(_WINDOW, show=visible)
        if not visible:
            return
        show_value("wipe_words", self._note or reason or (_HINT if can_flip else "Nothing to compare with"))
        dock = int(Place.PICTURE)
        left, top = dpg.get_item_pos(dock)
        width, height = dpg.get_item_rect_size(_WINDOW)
        x, y = left + (dpg.get_item_width(dock) - width) / 2, top + dpg.get_item_height(dock) - height
        place = [int(x), int(y - self._look.px(10))]
        if dpg.get_item_pos(_WINDOW) != place:
            dpg.set_item_pos(_WINDOW, place)

    def hide(self) -> None:
        """Go away."""
        dpg.configure_item(_WINDOW, show=False)
