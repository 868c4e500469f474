"""What a person asks of a data set, as one frozen value."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Literal

from explorer.errors import DatasetError

__all__ = ["COLOURS", "FORMATS", "HOWS", "LARGEST_SIDE", "Options", "parse_size"]

How = Literal["crop", "fit", "pad"]
Colour = Literal["rgb", "grey", "rgba"]
Format = Literal["png", "jpg", "webp"]

HOWS: tuple[How, ...] = ("crop", "fit", "pad")
COLOURS: tuple[Colour, ...] = ("rgb", "grey", "rgba")
FORMATS: tuple[Format, ...] = ("png", "jpg", "webp")
LARGEST_SIDE = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How pictures are prepared. The same options and pictures give the same zip, byte for byte."""

    size: tuple[int, int] | None = None
    """Height and width in pixels; ``None``: as the pictures are, which then have to be equally large."""
    how: How = "crop"
    """``crop`` cuts off what is too long, ``fit`` stretches, ``pad`` leaves bars."""
    colour: Colour = "rgb"
    """Channels of every picture."""
    background: tuple[int, int, int] = (255, 255, 255)
    """Behind what is transparent, and of the bars."""
    labels: str = "auto"
    """``auto``: those of a dataset.json; ``none``; ``folders``: each folder a class; or the name of a CSV file."""
    xflip: bool = False
    """Add every picture's mirror image."""
    format: Format = "png"
    """PNG keeps every number; JPEG and WebP are smaller."""
    enlarge: bool = False
    """Keep pictures that have fewer pixels than ``size``; they are skipped without it."""
    drop_duplicates: bool = False
    """Keep only the first of pictures that look alike; without it they are reported and stay."""
    every: int = 1
    """Of a video, one frame in so many."""
    keep_order: bool = False
    """By name. Without it the order is mixed, the same each time, so that the last ones are like all."""

    def __post_init__(self) -> None:
        sides = self.size or (1, 1)
        if not all(1 <= side <= LARGEST_SIDE for side in sides):
            raise DatasetError(
                f"a size of {sides[1]} x {sides[0]} cannot be made: sides are 1 to {LARGEST_SIDE} pixels"
            )
        if self.every < 1:
            raise DatasetError(f"one frame in {self.every} cannot be taken: give 1 or more")
        if self.format == "jpg" and self.colour == "rgba":
            raise DatasetError("JPEG has no transparency: use --format png, or --colour rgb")

    @property
    def channels(self) -> int:
        """Of every picture."""
        return {"grey": 1, "rgb": 3, "rgba": 4}[self.colour]

    def to_json(self) -> str:
        """One line that is equal for equal options."""
        return json.dumps(dataclasses.asdict(self), sort_keys=True)


def parse_size(text: str) -> tuple[int, int]:
    """``64`` or ``192x256`` (width x height) to height and width.

    Raises:
        DatasetError: It is neither.
    """
    sides = text.lower().replace("×", "x").split("x")
    if len(sides) > 2 or not all(side.strip().isdecimal() for side in sides):
        raise DatasetError(f"'{text}' is no size: give the side of a square, as 64, or width x height, as 192x256")
    numbers = [int(side) for side in sides]
    return numbers[-1], numbers[0]
