"""Adam, without what torch's own loads on first use: its compiler, for a second in which a person waits.

Source: Kingma and Ba 2015, algorithm 1.
"""

import math
from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

__all__ = ["Adam"]

_BETA1, _BETA2, _EPSILON = 0.9, 0.99, 1e-8


class Adam:
    """Changes tensors in place, each at a rate of its own.

    Args:
        values: By name.
    """

    def __init__(self, values: Mapping[str, Tensor]) -> None:
        self._values = dict(values)
        self._means = {name: torch.zeros_like(value) for name, value in values.items()}
        self._squares = {name: torch.zeros_like(value) for name, value in values.items()}
        self._taken = 0

    @torch.no_grad()
    def step(self, slopes: Sequence[Tensor], rates: Mapping[str, float]) -> None:
        """Go down.

        Args:
            slopes: Of the values, in their order.
            rates: How fast each moves now, by name.
        """
        self._taken += 1
        unbiased, unbiased_root = 1 - _BETA1**self._taken, math.sqrt(1 - _BETA2**self._taken)
        for (name, value), slope in zip(self._values.items(), slopes, strict=True):
            mean = self._means[name].lerp_(slope, 1 - _BETA1)
            squares = self._squares[name].mul_(_BETA2).addcmul_(slope, slope, value=1 - _BETA2)
            value.addcdiv_(mean, squares.sqrt().div_(unbiased_root).add_(_EPSILON), value=-rates[name] / unbiased)
