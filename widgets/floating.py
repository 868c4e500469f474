"""A small window that lies over the others by itself: no title, no docking, and the keyboard stays where it is."""

from collections.abc import Iterator
from contextlib import contextmanager

import dearpygui.dearpygui as dpg

__all__ = ["floating_window"]


@contextmanager
def floating_window(tag: str, *, min_width_px: int = 10, no_scrollbar: bool = False) -> Iterator[None]:
    """Make its controls inside. It is hidden at first, and as large as what is in it.

    Args:
        tag: Its name among the items.
        min_width_px: On screen.
        no_scrollbar: Whether it never scrolls.
    """
    with dpg.window(
        tag=tag,
        show=False,
        no_title_bar=True,
        no_resize=True,
        no_move=True,
        no_docking=True,
        no_saved_settings=True,
        no_focus_on_appearing=True,
        no_scrollbar=no_scrollbar,
        autosize=True,
        min_size=(min_width_px, 10),
    ):
        yield
