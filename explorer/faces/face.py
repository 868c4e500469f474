"""A face that was found."""

from dataclasses import dataclass

__all__ = ["Face", "Point"]

Point = tuple[float, float]
"""Across and down, in pixels of the photo, from its upper left corner."""


@dataclass(frozen=True, slots=True)
class Face:
    """A face: left and right are the viewer's."""

    box: tuple[float, float, float, float]
    """Left, top, right and bottom, in pixels of the photo."""
    score: float
    """How sure the network is, 0 to 1."""
    left_eye: Point
    right_eye: Point
    nose: Point
    mouth_left: Point
    mouth_right: Point

    @property
    def height(self) -> float:
        """Of the box, in pixels."""
        return self.box[3] - self.box[1]
