"""Keeping noise maps noise while they are optimised.

Source: StyleGAN2 (Karras et al. 2020), appendix D: neighbours must not be alike at any scale, and each map has mean 0
and deviation 1.
"""

from collections.abc import Iterable

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["noise_penalty", "normalised"]

_SMALLEST = 8


def noise_penalty(maps: Iterable[Tensor]) -> Tensor:
    """How alike neighbours in noise maps ``[H, W]`` are, at every scale down to 8; 0 where they are independent."""
    total = torch.zeros(())
    for kept in maps:
        x = kept[None, None]
        while True:
            total = total.to(x) + sum((x * x.roll(1, dims=axis)).mean().square() for axis in (2, 3))
            if min(x.shape[2:]) <= _SMALLEST:
                break
            # The mean of four independent numbers has half their deviation.
            x = functional.avg_pool2d(x, 2) * 2
    return total


def normalised(maps: Iterable[Tensor]) -> Tensor:
    """The maps with mean 0 and deviation 1 each, as one array ``[n]``."""
    parts = [(kept - kept.mean()).flatten() for kept in maps]
    return torch.cat([part * part.square().mean().clamp_min(1e-12).rsqrt() for part in parts])
