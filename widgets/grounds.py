"""Which panels paint their own ground: where the processor draws, filling a window costs more than its controls."""

import dearpygui.dearpygui as dpg

from widgets.layout import Place, docked
from widgets.native import Native

__all__ = ["Grounds"]

_FRAMES_BETWEEN = 30


class Grounds:
    """Leaves the ground of docked panels to what the viewport is cleared with, and paints that of floating ones.

    Where it cannot be told which is which, all of them are painted.
    """

    def __init__(self, native: Native, theme: int, panels: frozenset[Place]) -> None:
        """``theme``: of a docked panel, `Look.docked`. ``panels``: the windows that have the panels' colour."""
        self._native = native
        self._theme = theme
        self._panels = panels
        self._docked: frozenset[Place] = frozenset()
        self._text = ""
        self._frames = 0

    def poll(self) -> None:
        """Once a frame: only a hand that holds a panel can undock it, so a look now and then is enough otherwise."""
        self._frames += 1
        if self._frames % _FRAMES_BETWEEN and not dpg.is_mouse_button_down(dpg.mvMouseButton_Left):
            return
        text = self._native.layout_text()
        # A hand mostly holds a slider: then nothing moved, and there is nothing to read.
        if text is None or text == self._text:
            return
        self._text = text
        now = docked(text) & self._panels
        for place in now ^ self._docked:
            dpg.bind_item_theme(int(place), self._theme if place in now else 0)
        self._docked = now
