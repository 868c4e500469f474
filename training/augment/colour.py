"""Colour transformations as one matrix for each picture.

Source: StyleGAN2-ADA (Karras et al. 2020), appendix B.
"""

import math

import torch
from torch import Tensor

from training.augment.draws import AugmentDraws

__all__ = ["colour_matrix", "recolour"]

_BRIGHTNESS = 0.2
_CONTRAST = 0.5 * math.log(2)
_SATURATION = 1.0 * math.log(2)


def colour_matrix(draws: AugmentDraws, p: float) -> Tensor:
    """Brightness, contrast, mirrored luma, hue and saturation, each with probability ``p``: ``[N, 4, 4]``.

    A matrix takes ``(red, green, blue, 1)``; it has an inverse.
    """
    device = draws.gates.device
    unit, grey = torch.eye(4, device=device), torch.zeros(4, device=device)
    grey[:3] = 1 / math.sqrt(3)
    along = torch.outer(grey, grey)  # onto the grey axis

    brightness = torch.where(draws.happens("brightness", p), draws.normal("brightness") * _BRIGHTNESS, 0.0)
    matrix = unit.repeat(len(brightness), 1, 1)
    matrix[:, :3, 3] = brightness[:, None]

    contrast = torch.where(draws.happens("contrast", p), (draws.normal("contrast") * _CONTRAST).exp(), 1.0)
    matrix = _diagonal(contrast) @ matrix
    mirrored = (draws.happens("luma_flip", p) & (draws.uniform("luma_flip") < 0.5)).float()
    matrix = (unit - 2 * along * mirrored[:, None, None]) @ matrix
    angle = torch.where(draws.happens("hue", p), (draws.uniform("hue") * 2 - 1) * math.pi, 0.0)
    matrix = _about_grey(angle) @ matrix
    saturation = torch.where(draws.happens("saturation", p), (draws.normal("saturation") * _SATURATION).exp(), 1.0)
    return (along + (unit - along) * _keep_last(saturation)) @ matrix


def recolour(images: Tensor, matrix: Tensor) -> Tensor:
    """Apply matrices ``[N, 4, 4]`` to pictures ``[N, C, H, W]``; grey ones follow the mean, and alpha stays."""
    if images.shape[1] == 1:
        rows = matrix[:, :3].mean(dim=1)  # [N, 4]
        return images * rows[:, :3].sum(dim=1)[:, None, None, None] + rows[:, 3, None, None, None]
    colours, rest = images[:, :3], images[:, 3:]
    mixed = (matrix[:, :3, :3] @ colours.flatten(2) + matrix[:, :3, 3:]).view_as(colours)
    return torch.cat([mixed, rest], dim=1) if rest.shape[1] else mixed


def _diagonal(factor: Tensor) -> Tensor:
    return torch.diag_embed(torch.stack([factor, factor, factor, torch.ones_like(factor)], dim=1))


def _keep_last(factor: Tensor) -> Tensor:
    """Factors ``[N, 4, 1]`` on rows: the colours', and 1 for the constant."""
    return torch.stack([factor, factor, factor, torch.ones_like(factor)], dim=1)[:, :, None]


def _about_grey(angle: Tensor) -> Tensor:
    """Rotations about the grey axis, ``[N, 4, 4]`` (Rodrigues)."""
    v = 1 / math.sqrt(3)
    cross = torch.tensor([[0.0, -v, v], [v, 0.0, -v], [-v, v, 0.0]], device=angle.device)
    unit, along = torch.eye(3, device=angle.device), torch.full((3, 3), 1 / 3, device=angle.device)
    cos, sin = angle.cos()[:, None, None], angle.sin()[:, None, None]
    turned = torch.zeros(len(angle), 4, 4, device=angle.device)
    turned[:, :3, :3] = along + (unit - along) * cos + cross * sin
    turned[:, 3, 3] = 1
    return turned
