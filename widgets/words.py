"""Text as short as its room: what is drawn by hand, and lists of names."""

from collections.abc import Callable, Sequence

import dearpygui.dearpygui as dpg

__all__ = ["fitting", "in_short", "width_of"]

_LEAST = 4


def width_of(words: str) -> float:
    """The width of a text in the body font, in pixels on screen; 0 before the first frame, which loads the font."""
    size = dpg.get_text_size(words)
    return float(size[0]) if size else 0.0


def fitting(words: str, width: float, measure: Callable[[str], float]) -> str:
    """As much of some words as is not wider than ``width``, cut with an ellipsis; empty when that tells nothing.

    Args:
        words: To be shown.
        width: That there is.
        measure: The width of a text.
    """
    if measure(words) <= width:
        return words
    for kept in range(len(words) - 1, _LEAST - 1, -1):
        cut = words[:kept].rstrip() + "…"
        if measure(cut) <= width:
            return cut
    return ""


def in_short(names: Sequence[str], most: int = 3) -> str:
    """The first few of some names, and how many more there are."""
    listed = ", ".join(names[:most])
    return listed if len(names) <= most else f"{listed} and {len(names) - most} more"
