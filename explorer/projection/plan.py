"""What a projection is asked for, as plain data."""

from dataclasses import dataclass
from typing import Literal, get_args

__all__ = ["SPACES", "Plan", "Space"]

Space = Literal["w", "w_plus", "style"]
SPACES: tuple[Space, ...] = get_args(Space)

_FEWEST_SAMPLES = 8
_LARGEST_STEPS, _LONGEST_S = 100_000, 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Plan:
    """Where to look and for how long. With ``steps`` the result depends on nothing else.

    With ``time_s`` it depends on how fast the machine is. Without either, `DEFAULT_STEPS` are taken.
    """

    space: Space = "w"
    """``w``: one style for all layers, which edits best; ``w_plus``: one a layer, near it; ``style``: StyleSpace."""
    steps: int | None = None
    """How many steps to take."""
    time_s: float | None = None
    """How long to go on, in seconds; the schedule fits itself to it."""
    noise: bool = False
    """Find noise maps, too, where the model has them: the finest texture, which nothing else reaches."""
    transform: bool = False
    """Find where the picture stands, too, where the model can move it: shift and rotation."""
    tune: bool = False
    """Tune the generator around what was found, at last."""
    seed: int = 0
    """Of what is drawn on the way."""

    samples: int | None = None
    """How many samples of the model the first guess is learned from; as many as a minute gives when ``None``."""

    def __post_init__(self) -> None:
        if self.space not in SPACES:
            raise ValueError(f"there is no space {self.space!r}: use one of {', '.join(SPACES)}")
        if self.steps is not None and not 1 <= self.steps <= _LARGEST_STEPS:
            raise ValueError(f"{self.steps} steps cannot be taken: choose 1 to {_LARGEST_STEPS}")
        if self.time_s is not None and not 0 < self.time_s <= _LONGEST_S:
            raise ValueError(f"{self.time_s} s cannot be waited: choose up to {_LONGEST_S:g}")
        if self.samples is not None and self.samples < _FEWEST_SAMPLES:
            raise ValueError(f"{self.samples} samples teach nothing: choose {_FEWEST_SAMPLES} at least")
        if self.steps is not None and self.time_s is not None:
            raise ValueError("give either steps or a time, not both")


DEFAULT_STEPS = 300
"""Taken when a plan names neither steps nor a time."""
