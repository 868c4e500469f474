"""The second window as the main one sees it: an item in the menu, and the picture that is shown passed on."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from widgets.controls import show_value
from widgets.picture import PictureView
from widgets.presentation.placement import Rect
from widgets.presentation.process import Presentation

__all__ = ["SecondWindow"]


class SecondWindow:
    """Shows the picture alone, for another screen.

    Args:
        picture: What is passed on.
        say: Tells a person that it failed.
    """

    item = "menu_presentation"
    """Its item in the menu, with a check mark while it is open."""

    def __init__(self, picture: PictureView, say: Callable[[str, str], None]) -> None:
        self._picture = picture
        self._presentation = Presentation(lambda text: say("error", text))

    @property
    def pid(self) -> int | None:
        """Its process; ``None`` while it is closed."""
        return self._presentation.pid

    def toggle(self) -> None:
        """Open or close it."""
        if self._presentation.is_open:
            self._presentation.close()
        else:
            left, top = dpg.get_viewport_pos()
            self._presentation.open(Rect(left, top, dpg.get_viewport_width(), dpg.get_viewport_height()))

    def poll(self) -> bool:
        """Pass on what is new, once a frame; true when it was closed since the last call."""
        if self._picture.pixels is not None:
            self._presentation.show(self._picture.pixels, smooth=not self._picture.is_crisp)
        closed = self._presentation.poll()
        show_value(self.item, self._presentation.is_open)
        return closed

    def close(self) -> None:
        """Close it and wait for its end."""
        self._presentation.close()
