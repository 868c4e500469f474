"""What every feature network offers, and the distance that is measured with one.

Convention: pictures are ``[N, C, H, W]`` of any size, about -1 to 1, of 1 (grey), 3 (RGB) or 4 (RGBA) channels.

Source: the distance is that of LPIPS (Zhang et al. 2018, section 3): features of several layers, each position's
vector brought to unit length; squared differences averaged over positions and added over layers.
"""

from collections.abc import Sequence
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from explorer.generators.colours import as_rgb

__all__ = ["FeatureNetwork", "as_rgb", "feature_distance", "unit_features"]

# LPIPS divides by a length that is never zero.
_TINY = 1e-10


class FeatureNetwork(Protocol):
    """A frozen network: differentiable in the picture, the same bits for the same picture, any picture size."""

    name: str
    """For a person: ``EfficientNet-lite0``."""
    channels: tuple[int, ...]
    """Channels of each scale, fine to coarse."""
    strides: tuple[int, ...]
    """Pixels of the picture to one of each scale."""
    heads: tuple[Tensor | None, ...]
    """How much each channel of a scale counts in a distance, ``[C]`` at least 0; ``None``: all alike."""

    def __call__(self, images: Tensor, *, scales: int | None = None) -> tuple[Tensor, ...]:
        """Features of pictures, ``[N, C_i, ceil(H / stride_i), ceil(W / stride_i)]`` each, fine to coarse.

        Args:
            images: See the module's convention.
            scales: Only so many of the finest ones; coarser ones then cost nothing.
        """

    def embed(self, images: Tensor) -> Tensor:
        """One vector for each picture, ``[N, D]``: what the last layer knows, averaged over positions."""


def unit_features(features: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """Each position's vector at length 1, so that no layer and no bright place counts more than another."""
    return tuple(part * torch.rsqrt(part.square().sum(dim=1, keepdim=True) + _TINY) for part in features)


def feature_distance(
    a: Sequence[Tensor],
    b: Sequence[Tensor],
    *,
    heads: Sequence[Tensor | None] | None = None,
    mask: Tensor | None = None,
) -> Tensor:
    """How far pictures are apart, ``[N]``; 0 for equal ones.

    Args:
        a: From `unit_features`.
        b: Of the same network and size of picture; one picture, or as many as ``a``.
        heads: `FeatureNetwork.heads`.
        mask: ``[1, 1, H, W]``, 0 to 1: how much each pixel counts. A position counts as much as the pixels it covers.
    """
    total = a[0].new_zeros(max(len(a[0]), len(b[0])))
    for index, (left, right) in enumerate(zip(a, b, strict=True)):
        difference = (left - right).square()
        head = None if heads is None else heads[index]
        per_place = (
            difference.sum(dim=1) if head is None else (difference * head[:, None, None].to(difference)).sum(dim=1)
        )
        if mask is None:
            total = total + per_place.mean(dim=(1, 2))
            continue
        weight = functional.interpolate(mask, size=per_place.shape[1:], mode="area")[:, 0]
        total = total + (per_place * weight).sum(dim=(1, 2)) / weight.sum().clamp_min(_TINY)
    return total
