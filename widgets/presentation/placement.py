"""Where things go on the other screen: plain arithmetic."""

from dataclasses import dataclass

__all__ = ["Rect", "letterbox", "other_screen"]


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in the pixels of the desktop or of a window."""

    left: float
    """Of its left edge, to the right."""
    top: float
    """Of its upper edge, downwards."""
    width: float
    """Above 0."""
    height: float
    """Above 0."""

    def overlap(self, other: "Rect") -> float:
        """The area that both cover."""
        width = min(self.left + self.width, other.left + other.width) - max(self.left, other.left)
        height = min(self.top + self.height, other.top + other.height) - max(self.top, other.top)
        return max(0.0, width) * max(0.0, height)


def letterbox(size: tuple[int, int], space: tuple[int, int], *, whole: bool) -> Rect:
    """The largest place for a picture in a space, centred, in its own proportions.

    Args:
        size: Width and height of the picture.
        space: Width and height that there is.
        whole: Enlarge by whole numbers only, so that square pixels come out equal. One too large is shrunk freely.
    """
    zoom = min(space[0] / size[0], space[1] / size[1])
    if whole and zoom >= 1:
        zoom = float(int(zoom))
    width, height = size[0] * zoom, size[1] * zoom
    # On whole pixels, or square pixels would be resampled after all.
    return Rect(max(0.0, (space[0] - width) // 2), max(0.0, (space[1] - height) // 2), width, height)


def other_screen(screens: list[Rect], near: Rect) -> int:
    """The first screen that a window does not lie on; where there is none, the one that it covers least."""
    return min(range(len(screens)), key=lambda number: screens[number].overlap(near))
