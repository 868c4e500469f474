"""DiffAugment: three plain augmentations that always happen.

Source: Differentiable Augmentation (Zhao et al. 2020), section 4 and appendix.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from training.augment.draws import AugmentDraws

__all__ = ["POLICIES", "diff_augment"]

POLICIES = ("colour", "translation", "cutout")

_SHIFT = 0.125
_CUTOUT = 0.5


def diff_augment(images: Tensor, draws: AugmentDraws, *, policies: tuple[str, ...] = POLICIES) -> Tensor:
    """Augment pictures ``[N, C, H, W]``; see `training.augment.augment` for the draws."""
    if "colour" in policies:
        images = _recoloured(images, draws)
    if "translation" in policies:
        images = _shifted(images, draws)
    return _cut(images, draws) if "cutout" in policies else images


def _recoloured(images: Tensor, draws: AugmentDraws) -> Tensor:
    def spread(name: str) -> Tensor:
        return draws.uniform(name)[:, None, None, None]

    colours, rest = (images, images[:, :0]) if images.shape[1] < 4 else (images[:, :3], images[:, 3:])
    colours = colours + (spread("brightness") - 0.5)
    grey = colours.mean(dim=1, keepdim=True)
    colours = (colours - grey) * (spread("saturation") * 2) + grey
    middle = colours.mean(dim=(1, 2, 3), keepdim=True)
    colours = (colours - middle) * (spread("contrast") + 0.5) + middle
    return torch.cat([colours, rest], dim=1) if rest.shape[1] else colours


def _shifted(images: Tensor, draws: AugmentDraws) -> Tensor:
    """Move by whole pixels; zeros come in."""
    count, _, height, width = images.shape
    most_x, most_y = int(width * _SHIFT + 0.5), int(height * _SHIFT + 0.5)
    room = F.pad(images, [most_x, most_x, most_y, most_y])
    left = (draws.uniform("shift") * (2 * most_x + 1)).long().clamp(max=2 * most_x)
    top = (draws.uniform("shift_y") * (2 * most_y + 1)).long().clamp(max=2 * most_y)
    columns = left[:, None] + torch.arange(width, device=images.device)
    rows = top[:, None] + torch.arange(height, device=images.device)
    batch = torch.arange(count, device=images.device)[:, None, None]
    return room.permute(0, 2, 3, 1)[batch, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def _cut(images: Tensor, draws: AugmentDraws) -> Tensor:
    height, width = images.shape[2:]
    inside_x = _inside(draws.uniform("cutout"), width)[:, None, :]
    inside_y = _inside(draws.uniform("cutout_y"), height)[:, :, None]
    return images * (~(inside_x & inside_y))[:, None].to(images.dtype)


def _inside(place: Tensor, size: int) -> Tensor:
    """Which pixels of a line lie in a piece of half its length about a random pixel; parts may lie outside."""
    length = int(size * _CUTOUT + 0.5)
    centre = (place * (size + (1 - length % 2))).long()
    axis = torch.arange(size, device=place.device)
    start = (centre - length // 2)[:, None]
    return (axis >= start) & (axis < start + length)
