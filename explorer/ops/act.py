"""What the compiled paths do between filters or at a layer's end: leaky ReLU, gain and clamp, as three numbers."""

from dataclasses import dataclass

import numpy as np

__all__ = ["NO_ACT", "Act", "slope_of"]


@dataclass(frozen=True, slots=True)
class Act:
    """Leaky ReLU, then a factor, then a limit."""

    gain: float
    slope: float
    clamp: float | None

    @property
    def numbers(self) -> tuple[np.float32, np.float32, np.float32]:
        """Gain, slope and clamp as loops and kernels take them."""
        return np.float32(self.gain), np.float32(self.slope), np.float32(-1 if self.clamp is None else self.clamp)


NO_ACT = Act(1.0, 1.0, None)
"""Changes nothing."""


def slope_of(act: str, alpha: float) -> float:
    """The slope below zero of an activation that is a leaky ReLU: ``linear``, ``relu``, or ``lrelu`` of `alpha`."""
    return {"linear": 1.0, "relu": 0.0, "lrelu": alpha}[act]
