"""How far a picture is from the photo: features of several scales, and pixels.

What a mask covers is painted grey in both before anything looks at them, so nothing of it can have an influence, not
even through the features of its neighbours: the gradient by a covered pixel of the photo is exactly zero.

Models draw brighter than white and darker than black, which no screen and no photo shows. Where the photo is white or
black, what lies beyond counts as equal; elsewhere it counts as it is, so that there is a slope back.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from explorer.features.network import FeatureNetwork, feature_distance, unit_features
from explorer.projection.target import Target

__all__ = ["Loss", "perceptual_distance", "psnr"]

PIXEL_WEIGHT = 10.0
"""Of the mean squared difference of pixels, beside features at 1. Measured, see docs/projection.md."""
SCALES = 4
"""Of the feature network's; the coarsest one costs as much as two others and made results worse."""
# So near to white or black, of -1 to 1, is white or black: a level of a byte.
_END = 1 - 1 / 127.5
# Features are looked at at this size at most, as in the published projector.
_FEATURE_SIDE = 256


class Loss:
    """The distance of pictures to one target. Differentiable in the pictures.

    Args:
        target: What is looked for.
        features: The network that looks.
        pixel_weight: See `PIXEL_WEIGHT`.
        scales: How many of the network's scales, fine to coarse.
    """

    def __init__(
        self, target: Target, features: FeatureNetwork, *, pixel_weight: float = PIXEL_WEIGHT, scales: int = SCALES
    ) -> None:
        self.target = target
        self._features = features
        self._pixel_weight = pixel_weight
        self._scales = min(scales, len(features.strides))
        self._wanted = _covered(target.image, target.mask)
        self._darkest = self._wanted.masked_fill(self._wanted > -_END, -math.inf)
        self._brightest = self._wanted.masked_fill(self._wanted < _END, math.inf)
        self._mask = None if target.mask is None else _shrunk(target.mask)
        with torch.no_grad():
            self._looks = self._look(self._wanted)

    def __call__(self, images: Tensor) -> Tensor:
        """``[N, C, H, W]`` to ``[N]``."""
        seen = _covered(images, self.target.mask).clamp(self._darkest, self._brightest)
        distance = feature_distance(
            self._look(seen), self._looks, heads=self._features.heads[: self._scales], mask=self._mask
        )
        difference = (seen - self._wanted).square()
        counted = 1.0 if self.target.mask is None else float(self.target.mask.mean())
        return distance + self._pixel_weight * difference.mean(dim=(1, 2, 3)) / counted

    def _look(self, images: Tensor) -> tuple[Tensor, ...]:
        return unit_features(self._features(_shrunk(images), scales=self._scales))


def psnr(images: Tensor, target: Target) -> float:
    """Peak signal to noise of one picture ``[1, C, H, W]``, in decibels, over the pixels that count."""
    difference = (images.clamp(-1, 1) - target.image).square()
    if target.mask is not None:
        difference = difference * target.mask / target.mask.mean()
    return 10 * math.log10(4 / max(float(difference.mean()), 1e-12))


def perceptual_distance(images: Tensor, target: Target, features: FeatureNetwork) -> float:
    """The distance by features alone, all scales, of one picture ``[1, C, H, W]``."""
    with torch.no_grad():
        a, b = (_shrunk(_covered(part, target.mask)) for part in (images.clamp(-1, 1), target.image))
        mask = None if target.mask is None else _shrunk(target.mask)
        pair = [unit_features(features(part)) for part in (a, b)]
        return float(feature_distance(pair[0], pair[1], heads=features.heads, mask=mask))


def _covered(images: Tensor, mask: Tensor | None) -> Tensor:
    return images if mask is None else images * mask


def _shrunk(images: Tensor) -> Tensor:
    height, width = images.shape[2:]
    share = _FEATURE_SIDE / max(height, width)
    if share >= 1:
        return images
    return functional.interpolate(images, size=(round(height * share), round(width * share)), mode="area")
