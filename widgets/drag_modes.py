"""What dragging the picture means: a small strategy each, asked in turn when a drag begins."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from widgets.theme import Look

__all__ = ["DragMode", "PictureDrag", "SeedDrag"]

_SEED_PX = 180


@dataclass(frozen=True, slots=True)
class PictureDrag:
    """A drag on the picture's space as seen in one frame."""

    start: tuple[float, float]
    """Where the button went down, in widths and heights of the picture: (0, 0) its top left corner."""
    now: tuple[float, float]
    """Where the mouse is, on the same scale; it may be outside of 0 to 1."""
    moved_px: tuple[float, float]
    """How far the mouse is from where it went down, in pixels on screen."""
    began: bool
    """Whether this is the first frame."""
    ended: bool
    """Whether the button was released in this frame."""

    @property
    def moved(self) -> tuple[float, float]:
        """How far the mouse is from where it went down, in widths and heights of the picture."""
        return self.now[0] - self.start[0], self.now[1] - self.start[1]


class DragMode(Protocol):
    """One meaning of a drag."""

    def takes(self, drag: PictureDrag) -> bool:
        """Whether this drag, which just began, is its own."""

    def drag(self, drag: PictureDrag) -> None:
        """Follow it: once a frame, from the one in which it began to the one in which it ended."""


class SeedDrag:
    """The picture is a map of the seeds: pulling it to the right brings what was on the left.

    Args:
        look: For how far a seed is.
        where: The point of the seed plane when a drag begins.
        move: Called with the point that the hand is at.
        release: Called when it lets go after moving.
    """

    def __init__(
        self,
        look: Look,
        where: Callable[[], tuple[float, float]],
        move: Callable[[float, float], None],
        release: Callable[[], None],
    ) -> None:
        self._seed_px = look.px(_SEED_PX)
        self._where = where
        self._move = move
        self._release = release
        self._anchor = (0.0, 0.0)

    def takes(self, drag: PictureDrag) -> bool:
        """Every drag that nobody else wants."""
        return True

    def drag(self, drag: PictureDrag) -> None:
        """Move through the seeds."""
        if drag.began:
            self._anchor = self._where()
        if drag.moved_px != (0, 0):
            self._move(
                self._anchor[0] - drag.moved_px[0] / self._seed_px, self._anchor[1] - drag.moved_px[1] / self._seed_px
            )
        if drag.ended:
            self._release()
