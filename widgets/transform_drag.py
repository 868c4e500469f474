"""Dragging the picture itself: shifting it, turning it, scaling it, shearing it."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Literal

import dearpygui.dearpygui as dpg

from explorer.state import EditState, Transform
from widgets.controls import Kit
from widgets.drag_modes import PictureDrag

__all__ = ["Move", "TransformDrag", "dragged", "transform_words"]

Move = Literal["shift", "turn", "scale", "shear"]
Point = tuple[float, float]

# Nearer to the middle than this, in picture widths, the hand's direction and distance mean nothing.
_NEAREST = 0.02
_LARGEST = 4.0
_STEEPEST = 1.0


def dragged(transform: Transform, move: Move, start: Point, now: Point, *, size: tuple[int, int]) -> Transform:
    """The transform after a drag, so that what the hand took stays under it.

    Args:
        transform: When the drag began.
        move: What the drag does; all but shifting is around the middle of the picture, wherever that is shifted to.
            Shearing keeps what the hand took under it in the direction of the picture's rows alone.
        start: Where it began, in widths and heights of the frame, (0, 0) its top left corner.
        now: Where the hand is, on the same scale.
        size: Height and width of the frame, in pixels.
    """
    if move == "shift":
        return replace(
            transform,
            translate_x=round(transform.translate_x + now[0] - start[0], 3) + 0.0,
            translate_y=round(transform.translate_y + now[1] - start[1], 3) + 0.0,
        )
    before, after = (_from_middle(transform, point, size) for point in (start, now))
    if move == "shear":
        return _sheared(transform, before, after)
    if min(math.hypot(*before), math.hypot(*after)) < _NEAREST:
        return transform
    if move == "scale":
        scale = transform.scale * math.hypot(*after) / math.hypot(*before)
        return replace(transform, scale=round(max(-_LARGEST, min(_LARGEST, scale)), 3))
    # Angles count against the clock while y points down.
    turned = math.atan2(before[1], before[0]) - math.atan2(after[1], after[0])
    degrees = math.remainder(transform.rotate_deg + math.degrees(turned), 360)
    return replace(transform, rotate_deg=round(degrees, 1) + 0.0)


def _sheared(transform: Transform, before: Point, after: Point) -> Transform:
    angle = math.radians(transform.rotate_deg)
    # Along the picture's own rows and columns, which the rotation turned.
    (x, y), (end, _) = (
        (math.cos(angle) * across - math.sin(angle) * down, math.sin(angle) * across + math.cos(angle) * down)
        for across, down in (before, after)
    )
    if abs(y) < _NEAREST:
        return transform
    shear = transform.shear + (end - x) / y
    return replace(transform, shear=round(max(-_STEEPEST, min(_STEEPEST, shear)), 3) + 0.0)


def _from_middle(transform: Transform, point: Point, size: tuple[int, int]) -> Point:
    height, width = size
    x, y = point[0] - 0.5 - transform.translate_x, point[1] - 0.5 - transform.translate_y
    return x, y * height / width


def transform_words(transform: Transform) -> str:
    """A transform as the label of a step."""
    parts = []
    if transform.translate_x or transform.translate_y:
        parts.append(f"shift {transform.translate_x:.2f}, {transform.translate_y:.2f}")
    if transform.rotate_deg:
        parts.append(f"turn {transform.rotate_deg:.0f}°")
    if transform.scale != 1:
        parts.append(f"scale {transform.scale:.2f}")
    if transform.shear:
        parts.append(f"shear {transform.shear:.2f}")
    words = ", ".join(parts) or "no transform"
    return words[0].upper() + words[1:]


class TransformDrag:
    """A way to drag the picture: shift it; with Shift turn it; with Ctrl scale it; with both shear it.

    Args:
        kit: Look and session.
        is_on: Whether a person chose that dragging means this.
    """

    def __init__(self, kit: Kit, is_on: Callable[[], bool]) -> None:
        self._session = kit.session
        self._is_on = is_on
        self._move: Move = "shift"
        self._from = EditState()

    def takes(self, drag: PictureDrag) -> bool:
        """Whether the picture can be moved, and dragging is to move it."""
        spec = self._session.spec
        return self._is_on() and spec is not None and spec.has_transform

    def drag(self, drag: PictureDrag) -> None:
        """Follow the hand; one drag is one step."""
        session = self._session
        if drag.began:
            self._from, self._move = session.state, _chosen_by_keys()
        if drag.moved_px != (0, 0) and session.spec is not None:
            size = session.spec.resolution
            moved = dragged(self._from.transform, self._move, drag.start, drag.now, size=size)
            session.preview(replace(session.state, transform=moved))
        if drag.ended:
            session.commit(transform_words(session.state.transform))


def _chosen_by_keys() -> Move:
    shift = dpg.is_key_down(dpg.mvKey_LShift) or dpg.is_key_down(dpg.mvKey_RShift)
    control = dpg.is_key_down(dpg.mvKey_LControl) or dpg.is_key_down(dpg.mvKey_RControl)
    if shift and control:
        return "shear"
    return "turn" if shift else "scale" if control else "shift"
