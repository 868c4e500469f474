"""Where a picture goes on screen: fitted, enlarged, moved. Arithmetic alone.

Convention: lengths in pixels on screen, y downwards; a point of the picture counts in its widths and heights, (0, 0)
its top left corner.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

__all__ = ["FITTED", "Placement", "View", "around", "cells", "fit", "pan", "place", "stepped", "zoom_about"]

_LOWEST, _HIGHEST = 1 / 16, 64.0
_STEP = 1.2


@dataclass(frozen=True, slots=True)
class View:
    """What a person chose to see of the picture."""

    zoom: float | None = None
    """Pixels on screen for one of the picture; as large as the space allows when ``None``."""
    centre: tuple[float, float] = (0.5, 0.5)
    """The point of the picture that is in the middle of the space."""


FITTED = View()
"""The whole picture."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where the picture is."""

    left: float
    """Its left edge."""
    top: float
    """Its top edge."""
    zoom: float
    """Pixels on screen for one of the picture."""


def fit(size: tuple[int, int], space: tuple[float, float], *, whole: bool) -> tuple[float, float, float]:
    """Where a picture goes in a space: its left, its top and its enlargement.

    Args:
        size: Width and height of the picture.
        space: Width and height that there is.
        whole: Enlarge by whole numbers only, so that all pixels come out equal. A picture too large is shrunk freely.
    """
    zoom = min(space[0] / size[0], space[1] / size[1])
    if whole and zoom >= 1:
        zoom = float(int(zoom))
    # Starting on whole pixels, or square pixels would be resampled after all.
    left, top = (space[0] - size[0] * zoom) // 2, (space[1] - size[1] * zoom) // 2
    return max(0.0, left), max(0.0, top), zoom


def place(
    size: tuple[int, int], space: tuple[float, float], view: View, *, whole: bool, margin: float = 0
) -> Placement:
    """Where a picture goes in a space.

    Args:
        size: Width and height of the picture.
        space: Width and height that there is.
        view: What a person chose.
        whole: As for `fit`.
        margin: Left free on every side when the picture is fitted.
    """
    if view.zoom is None:
        left, top, zoom = fit(size, (space[0] - 2 * margin, space[1] - 2 * margin), whole=whole)
        return Placement(left + margin, top + margin, zoom)
    zoom = view.zoom
    left, top = (space[axis] / 2 - view.centre[axis] * size[axis] * zoom for axis in (0, 1))
    return Placement(float(round(left)), float(round(top)), zoom)


def stepped(zoom: float, steps: float, *, whole: bool) -> float:
    """The enlargement some clicks of the wheel further; from 1 on a whole number where all pixels are to be equal."""
    wanted = min(max(zoom * math.pow(_STEP, steps), _LOWEST), _HIGHEST)
    if not whole or wanted < 1:
        return wanted
    if steps > 0:
        return min(float(max(round(wanted), int(zoom) + 1)), _HIGHEST)
    lower = float(min(round(wanted), math.ceil(zoom) - 1))
    return lower if lower >= 1 else wanted


def zoom_about(
    point: tuple[float, float], zoom: float, at: Placement, size: tuple[int, int], space: tuple[float, float]
) -> View:
    """The view with another enlargement in which what is under a point of the space stays there, if it can.

    Args:
        point: In the space, as under a mouse.
        zoom: Wanted.
        at: Where the picture is.
        size: Of the picture.
        space: Width and height that there is.
    """
    x, y = (
        (point[axis] - (at.left, at.top)[axis]) / (size[axis] * at.zoom)
        + (space[axis] / 2 - point[axis]) / (size[axis] * zoom)
        for axis in (0, 1)
    )
    return View(zoom, _held(x, y))


def pan(
    view: View, at: Placement, moved: tuple[float, float], size: tuple[int, int], space: tuple[float, float]
) -> View:
    """The view with the picture moved by some pixels; a fitted one stays as large as it is.

    Args:
        view: Before.
        at: Where the picture was then.
        moved: By how much.
        size: Of the picture.
        space: Width and height that there is.
    """
    x, y = ((space[axis] / 2 - (at.left, at.top)[axis] - moved[axis]) / (size[axis] * at.zoom) for axis in (0, 1))
    return replace(view, zoom=at.zoom, centre=_held(x, y))


def around(
    rect: tuple[float, float, float, float] | None, space: tuple[float, float]
) -> Iterator[tuple[float, float, float, float]]:
    """The parts of the space that a picture leaves free: left, top, right, bottom; all of it without a picture.

    Args:
        rect: Left, top, right and bottom of the picture.
        space: Width and height that there is.
    """
    width, height = space
    if rect is None:
        yield 0, 0, width, height
        return
    left, right = (min(max(x, 0.0), width) for x in (rect[0], rect[2]))
    top, bottom = (min(max(y, 0.0), height) for y in (rect[1], rect[3]))
    parts = ((0, 0, width, top), (0, bottom, width, height), (0, top, left, bottom), (right, top, width, bottom))
    yield from (part for part in parts if part[0] < part[2] and part[1] < part[3])


def cells(
    rect: tuple[float, float, float, float], space: tuple[float, float], side: float
) -> Iterator[tuple[float, float, float, float]]:
    """The darker squares of a checkerboard under a picture: left, top, right, bottom, as far as they are in the space.

    Args:
        rect: Left, top, right and bottom of the picture.
        space: Width and height that there is.
        side: Of a square.
    """
    left, top, right, bottom = rect
    first_row, first_column = int(max(0, -top) // side), int(max(0, -left) // side)
    row = first_row
    while (y := top + row * side) < min(bottom, space[1]):
        column = first_column + (first_column + row) % 2
        while (x := left + column * side) < min(right, space[0]):
            yield x, y, min(x + side, right), min(y + side, bottom)
            column += 2
        row += 1


def _held(x: float, y: float) -> tuple[float, float]:
    """A centre that keeps the picture in sight."""
    return min(max(x, 0.0), 1.0), min(max(y, 0.0), 1.0)
