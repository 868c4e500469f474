"""Image-space filtering, noise and cutout.

Source: StyleGAN2-ADA (Karras et al. 2020), appendix B.
"""

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from training.augment.draws import AugmentDraws

__all__ = ["SYM2", "add_noise", "cut_out", "filter_bands", "filter_randomly"]

# The symlet of 2 vanishing moments, whose halves make up the bands.
SYM2 = (-0.12940952255092145, 0.22414386804185735, 0.836516303737469, 0.48296291314469025)
_BANDS = 4
# How much of a natural picture's power each band holds, lowest first.
_POWER = (10 / 13, 1 / 13, 1 / 13, 1 / 13)
_BAND_DEVIATION = math.log(2)
_NOISE = 0.1
_CUTOUT = 0.5
"""Share of each side."""


def filter_bands() -> Tensor:
    """Four centred filters ``[4, K]`` for the bands up to 1/8, 1/4, 1/2 and 1 of the Nyquist limit; their sum is 1."""
    low = np.convolve(SYM2, SYM2[::-1]) / 2
    # What the lower half leaves out.
    high = -low
    high[len(low) // 2] += 1
    bands, below = [], np.ones(1)
    for level in range(_BANDS - 1):
        bands.append(np.convolve(below, _spread(high, 2**level)))
        below = np.convolve(below, _spread(low, 2**level))
    bands.append(below)
    longest = max(map(len, bands))
    centred = [np.pad(band, (longest - len(band)) // 2) for band in reversed(bands)]
    return torch.from_numpy(np.stack(centred)).float()


def _spread(taps: np.ndarray, step: int) -> np.ndarray:
    spread = np.zeros((len(taps) - 1) * step + 1)
    spread[::step] = taps
    return spread


def filter_randomly(images: Tensor, draws: AugmentDraws, p: float) -> Tensor:
    """Amplify each band with probability ``p``, keeping a natural picture's power."""
    count, channels = images.shape[:2]
    power = torch.tensor(_POWER, device=images.device)
    gains = torch.ones(count, _BANDS, device=images.device)
    for i in range(_BANDS):
        gain = torch.where(draws.happens(f"band{i}", p), (draws.normal(f"band{i}") * _BAND_DEVIATION).exp(), 1.0)
        step = torch.ones_like(gains)
        step[:, i] = gain
        gains = gains * step / (power * step.square()).sum(dim=1, keepdim=True).sqrt()
    bands = filter_bands().to(images.device)
    taps = (gains @ bands).repeat_interleave(channels, dim=0)[:, None, None, :]  # [N * C, 1, 1, K]

    reach = bands.shape[1] // 2
    x = _reflected(images, reach).reshape(1, count * channels, *(size + 2 * reach for size in images.shape[2:]))
    x = F.conv2d(x, taps, groups=count * channels)
    x = F.conv2d(x, taps.transpose(2, 3), groups=count * channels)
    return x.view_as(images)


def _reflected(images: Tensor, reach: int) -> Tensor:
    """Go on by reflection, as often as a small picture needs it."""
    left = reach
    while left > 0:
        step = min(left, *(size - 1 for size in images.shape[2:]))
        images = F.pad(images, [step] * 4, mode="reflect")
        left -= step
    return images


def add_noise(images: Tensor, draws: AugmentDraws, p: float) -> Tensor:
    """Add noise of a random strength with probability ``p``."""
    assert draws.pictures is not None, "drawn with pictures"
    strength = torch.where(draws.happens("noise", p), draws.normal("noise").abs() * _NOISE, 0.0)
    return images + draws.pictures * strength[:, None, None, None]


def cut_out(images: Tensor, draws: AugmentDraws, p: float) -> Tensor:
    """Blank a rectangle of half the sides about a random centre with probability ``p``."""
    height, width = images.shape[2:]
    outside_x = _outside(draws.uniform("cutout"), width)[:, None, :]
    outside_y = _outside(draws.uniform("cutout_y"), height)[:, :, None]
    kept = outside_x | outside_y | ~draws.happens("cutout", p)[:, None, None]
    return images * kept[:, None].to(images.dtype)


def _outside(centre: Tensor, size: int) -> Tensor:
    axis = (torch.arange(size, device=centre.device) + 0.5) / size
    return (axis - centre[:, None]).abs() >= _CUTOUT / 2
