"""Dragging on something that is drawn rather than a control: the picture, the seed pad."""

from dataclasses import dataclass

import dearpygui.dearpygui as dpg

__all__ = ["Drag", "Grip"]


@dataclass(frozen=True, slots=True)
class Drag:
    """A drag as seen in one frame, in pixels on screen."""

    start: tuple[float, float]
    """Where the button went down, relative to the item's top left corner."""
    now: tuple[float, float]
    """Where the mouse is, on the same scale."""
    began: bool
    """Whether this is the first frame."""
    ended: bool
    """Whether the button was released in this frame."""

    @property
    def moved(self) -> tuple[float, float]:
        """How far the mouse is from where it went down."""
        return self.now[0] - self.start[0], self.now[1] - self.start[1]


class Grip:
    """Watches one item for drags that begin on it. Ask once a frame.

    Args:
        item: Which.
        button: Of the mouse; the left one when ``None``.
    """

    def __init__(self, item: int | str, *, button: int | None = None) -> None:
        self._item = item
        self._button = dpg.mvMouseButton_Left if button is None else button
        self._was_down = False
        self._start: tuple[float, float] | None = None

    def poll(self) -> Drag | None:
        """The drag going on, or ``None``."""
        down = bool(dpg.is_mouse_button_down(self._button))
        pressed, released = down and not self._was_down, self._was_down and not down
        self._was_down = down
        if pressed and dpg.is_item_hovered(self._item):
            self._start = self._mouse()
            return Drag(self._start, self._start, began=True, ended=False)
        if self._start is None:
            return None
        drag = Drag(self._start, self._mouse(), began=False, ended=released or not down)
        if drag.ended:
            self._start = None
        return drag

    def _mouse(self) -> tuple[float, float]:
        x, y = dpg.get_mouse_pos(local=False)
        left, top = dpg.get_item_rect_min(self._item)
        return x - left, y - top
