"""Lists of points with one thing changed, and their words."""

from collections.abc import Sequence
from dataclasses import replace

from explorer.state import Point

__all__ = ["at_the_end", "fresh_name", "moved", "path_words", "renamed", "restored", "without"]

Points = tuple[Point, ...]


def fresh_name(points: Points) -> str:
    """A name that no point has."""
    taken = {point.name for point in points}
    number = len(points) + 1
    while f"Point {number}" in taken:
        number += 1
    return f"Point {number}"


def renamed(points: Points, index: int, name: str) -> Points:
    """With another name for one; as it was when the name is empty."""
    name = name.strip()
    return (*points[:index], replace(points[index], name=name), *points[index + 1 :]) if name else points


def without(points: Points, index: int) -> Points:
    """Without one."""
    return (*points[:index], *points[index + 1 :])


def restored(points: Points, index: int, point: Point) -> Points:
    """With one back where it was, or last when there are fewer now."""
    return (*points[:index], point, *points[index:])


def at_the_end(points: Points, point: Point) -> Points:
    """With this point last, under the name that it has there already if it is one of them."""
    there = next((old for old in points if old.state == point.state), point)
    return (*(old for old in points if old is not there), there)


def moved(points: Points, index: int, by: int) -> Points:
    """With one further up (below 0) or down; as it was at the end of the list."""
    target = index + by
    if not 0 <= target < len(points):
        return points
    return restored(without(points, index), target, points[index])


def path_words(names: Sequence[str], position: float) -> str:
    """A place on the way through points: 0 is the first, 1 the second."""
    if not names:
        return ""
    index = min(max(int(position), 0), max(len(names) - 2, 0))
    share = round((position - index) * 100)
    if share <= 0 or len(names) == 1:
        return names[index]
    return names[index + 1] if share >= 100 else f"{names[index]} → {names[index + 1]}  {share}%"
