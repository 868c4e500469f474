"""Two pictures in one place, parted by a line that a hand moves: what they differ in is seen where the line passes.

`Wipe` draws two textures, whatever is in them, on any drawing, and knows nothing of states. `PictureWipe` in
picture_wipe.py lays one over the picture in the middle of the window, and is what most panels want.

Convention: lengths in pixels on screen, from the top left corner of the drawing, y downwards.
"""

from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from widgets.theme import Look
from widgets.words import fitting, width_of

__all__ = ["Rect", "Side", "Wipe", "in_sight", "why_apart"]

_GRAB_PX = 9
_LINE_PX = 2
_HANDLE_PX = 11
_LABEL_MARGIN_PX = 8
_LABEL_PADDING_PX = 6


@dataclass(frozen=True, slots=True)
class Rect:
    """A place on the drawing."""

    left: float
    """Its left edge."""
    top: float
    """Its top edge."""
    width: float
    """To the right."""
    height: float
    """Downwards."""

    @property
    def right(self) -> float:
        """Its right edge."""
        return self.left + self.width

    @property
    def bottom(self) -> float:
        """Its bottom edge."""
        return self.top + self.height


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two pictures."""

    texture: int
    """Dear PyGui's tag of the texture that holds it, and nothing beside it."""
    words: str
    """What it is, for a person; no label when empty."""


def why_apart(first: tuple[int, ...], second: tuple[int, ...]) -> str:
    """Why two pictures ``[H, W, ...]`` cannot lie in one place: their proportions differ; empty when they can.

    Pictures of different sizes can: the smaller one is enlarged.
    """
    if first[0] * second[1] == first[1] * second[0]:
        return ""
    one, other = (f"{shape[1]} × {shape[0]}" for shape in (first, second))
    return f"One picture is {one}, the other {other}: they do not cover each other"


def in_sight(rect: Rect, space: tuple[float, float]) -> Rect | None:
    """The part of a place that is on a drawing of this width and height; ``None`` when nothing is."""
    left, top = max(0.0, rect.left), max(0.0, rect.top)
    right, bottom = min(space[0], rect.right), min(space[1], rect.bottom)
    return Rect(left, top, right - left, bottom - top) if right > left and bottom > top else None


class Wipe:
    """The line and the two pictures on both sides of it.

    Args:
        look: Colours and scale.
        layer: The draw layer, or the drawing, that it has for itself.
    """

    def __init__(self, look: Look, layer: int | str) -> None:
        self._look = look
        self._layer = layer
        self._drawn: tuple[object, ...] = ()
        self.share = 0.5
        """Where the line is, 0 to 1 in widths of the picture."""
        self.flipped = False
        """Whether the pictures have changed places, for as long as a key is held."""
        self.lit = False
        """Whether the line is marked, because the mouse is on it."""

    def is_on_line(self, x: float, rect: Rect) -> bool:
        """Whether a hand at ``x`` takes the line of a wipe in this place."""
        return abs(x - (rect.left + self.share * rect.width)) <= self._look.px(_GRAB_PX)

    def move_to(self, x: float, rect: Rect) -> None:
        """Bring the line to ``x``, or as near as the picture goes."""
        self.share = min(max((x - rect.left) / rect.width, 0.0), 1.0) if rect.width else self.share

    def draw(self, left: Side, right: Side, rect: Rect, space: tuple[float, float]) -> bool:
        """Show two pictures in one place; true when anything is drawn anew.

        Args:
            left: Shown to the left of the line.
            right: Shown to its right.
            rect: Where both are; each fills it.
            space: Width and height of the drawing.
        """
        if self.flipped:
            left, right = right, left
        state = (left, right, rect, space, self.share, self.lit)
        if state == self._drawn:
            return False
        self._drawn = state
        dpg.delete_item(self._layer, children_only=True)
        x = rect.left + self.share * rect.width
        if self.share > 0:
            self._part(left, rect, 0.0, self.share)
        if self.share < 1:
            self._part(right, rect, self.share, 1.0)
        seen = in_sight(rect, space)
        if seen is not None:
            self._labels(left, right, x, seen)
            self._line(x, seen)
        return True

    def clear(self) -> None:
        """Draw nothing."""
        if self._drawn:
            self._drawn = ()
            dpg.delete_item(self._layer, children_only=True)

    def _part(self, side: Side, rect: Rect, start: float, end: float) -> None:
        dpg.draw_image(
            side.texture,
            (rect.left + start * rect.width, rect.top),
            (rect.left + end * rect.width, rect.bottom),
            uv_min=(start, 0.0),
            uv_max=(end, 1.0),
            parent=self._layer,
        )

    def _line(self, x: float, seen: Rect) -> None:
        palette, px = self._look.palette, self._look.px
        ends = (x, seen.top), (x, seen.bottom)
        colour = (*(palette.accent if self.lit else palette.text), 255)
        # Dark beside light, so that it is seen on any picture.
        dpg.draw_line(*ends, color=(*palette.backdrop, 160), thickness=px(_LINE_PX + 2), parent=self._layer)
        dpg.draw_line(*ends, color=colour, thickness=px(_LINE_PX), parent=self._layer)
        y, radius = seen.top + seen.height / 2, px(_HANDLE_PX)
        ring = (*palette.backdrop, 160)
        dpg.draw_circle((x, y), radius, fill=colour, color=ring, thickness=px(1), parent=self._layer)
        for way in (-1, 1):
            tip, foot, half = x + way * radius * 0.68, x + way * radius * 0.22, radius * 0.4
            dpg.draw_triangle(
                (tip, y),
                (foot, y - half),
                (foot, y + half),
                fill=(*palette.backdrop, 255),
                color=(*palette.backdrop, 255),
                parent=self._layer,
            )

    def _labels(self, left: Side, right: Side, x: float, seen: Rect) -> None:
        margin, padding = self._look.px(_LABEL_MARGIN_PX), self._look.px(_LABEL_PADDING_PX)
        around = 2 * (margin + padding)
        # Each label stays on its own side of the line, and goes when that becomes too narrow.
        room_left, room_right = min(x, seen.right) - seen.left, seen.right - max(x, seen.left)
        y = seen.top + margin
        if words := fitting(left.words, room_left - around, width_of):
            self._label(words, seen.left + margin, y, padding)
        if words := fitting(right.words, room_right - around, width_of):
            self._label(words, seen.right - margin - 2 * padding - width_of(words), y, padding)

    def _label(self, words: str, x: float, y: float, padding: int) -> None:
        palette, size = self._look.palette, self._look.px(15)
        corner = (x + width_of(words) + 2 * padding, y + size + padding)
        ground = (*palette.raised, 225)
        dpg.draw_rectangle((x, y), corner, fill=ground, color=ground, rounding=self._look.px(4), parent=self._layer)
        dpg.draw_text((x + padding, y + padding / 2), words, size=size, color=(*palette.text, 255), parent=self._layer)
