"""Pixel blitting and geometric transformations, as one matrix and one resampling.

Convention
    Coordinates are pixels from the picture's centre, x right and y down. A matrix ``[N, 3, 3]`` leads back: from a
    place in the new picture to where it comes from. Every factor is built as its own inverse, so nothing is inverted.

Source: StyleGAN2-ADA (Karras et al. 2020), appendix B.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.ops import downsample2d, setup_filter, upsample2d
from training.augment.draws import AugmentDraws
from training.augment.sampling import sample_bilinear

__all__ = ["SYM6", "blit_matrix", "geometry_matrix", "identity", "transform"]

# The symlet of 6 vanishing moments: enlarging with it and shrinking again gives the same picture.
SYM6 = (
    0.015404109327027373, 0.0034907120842174702, -0.11799011114819057, -0.048311742585633, 0.4910559419267466,
    0.787641141030194, 0.3379294217276218, -0.07263752278646252, -0.021060292512300564, 0.04472490177066578,
    0.0017677118642428036, -0.007800708325034148,
)  # fmt: skip
# What either resampling reads beyond the picture, in its pixels.
_REACH = len(SYM6) // 4
# The symlet is not quite symmetric: its centre of mass lies this far from its middle, in samples.
_LEAN = sum(i * tap for i, tap in enumerate(SYM6)) / sum(SYM6) - (len(SYM6) - 1) / 2

_LARGEST_SHIFT = 0.125
"""Of the side, to either direction, by whole pixels."""
_SCALE_DEVIATION = 0.2 * math.log(2)
_DRIFT_DEVIATION = 0.125
"""Of the side."""


def identity(like: Tensor) -> Tensor:
    """One unit matrix for each row of ``like``, ``[N, 3, 3]``."""
    return torch.eye(3, device=like.device).expand(len(like), 3, 3)


def blit_matrix(draws: AugmentDraws, p: float, *, height: int, width: int) -> Tensor:
    """Mirroring, quarter turns and whole-pixel shifts, each with probability ``p``: ``[N, 3, 3]``.

    A picture that is not square turns by half turns only: a quarter would show its edges' reflections.
    """
    mirrored = draws.happens("flip", p) & (draws.uniform("flip") < 0.5)
    back = _scaling(torch.where(mirrored, -1.0, 1.0), torch.ones_like(draws.uniform("flip")))
    turns = (draws.uniform("quarter_turn") * 4).floor()
    if height != width:
        turns = (turns / 2).floor() * 2
    turns = torch.where(draws.happens("quarter_turn", p), turns, 0)
    back = back @ _quarter_turn(turns)
    shift_x = ((draws.uniform("shift") * 2 - 1) * _LARGEST_SHIFT * width).round()
    shift_y = ((draws.uniform("shift_y") * 2 - 1) * _LARGEST_SHIFT * height).round()
    return back @ _shift(*_where(draws.happens("shift", p), shift_x, shift_y))


def geometry_matrix(draws: AugmentDraws, p: float, *, height: int, width: int) -> Tensor:
    """Scaling, turning, stretching, turning again and shifting, each with probability ``p``: ``[N, 3, 3]``."""
    scale = _gated(draws.happens("scale", p), (draws.normal("scale") * _SCALE_DEVIATION).exp())
    back = _scaling(1 / scale, 1 / scale)
    # Two turns, of which at least one happens with probability p.
    p_turn = 1 - math.sqrt(1 - p)
    back = back @ _turn(_angle(draws, "turn_before", p_turn))
    stretch = _gated(draws.happens("stretch", p), (draws.normal("stretch") * _SCALE_DEVIATION).exp())
    back = back @ _scaling(1 / stretch, stretch)
    back = back @ _turn(_angle(draws, "turn_after", p_turn))
    drift_x = draws.normal("drift") * _DRIFT_DEVIATION * width
    drift_y = draws.normal("drift_y") * _DRIFT_DEVIATION * height
    return back @ _shift(*_where(draws.happens("drift", p), drift_x, drift_y))


def transform(images: Tensor, back: Tensor) -> Tensor:
    """Move pictures ``[N, C, H, W]`` by matrices ``[N, 3, 3]``; what comes in at the edges is their reflection.

    Sampled at twice the resolution between two orthogonal wavelet filters, so that whole shifts are exact and others
    hardly alias. Pictures whose matrix is the unit pass untouched.
    """
    moved = (back != identity(back)).flatten(1).any(dim=1)
    if not bool(moved.any()):
        return images
    rows = moved.nonzero().squeeze(1)
    return images.index_copy(0, rows, _resample(images[rows], back[rows]).to(images.dtype))


def _resample(images: Tensor, back: Tensor) -> Tensor:
    height, width = images.shape[2:]
    places = _places(back, height, width)  # [N, h, w, 2], centred pixels
    left, right, top, bottom = _margins(places, height, width)
    taps = setup_filter(SYM6, separable=True, device=images.device)
    larger = upsample2d(F.pad(images.float(), [left, right, top, bottom], mode="reflect"), taps)

    corner = torch.tensor([width / 2 + left, height / 2 + top], device=images.device) + _LEAN / 2
    whole = torch.tensor([width + left + right, height + top + bottom], device=images.device)
    grid = (places + corner) / whole * 2 - 1
    return downsample2d(sample_bilinear(larger, grid), taps, pad=-2 * _REACH, flip_filter=True)


def _places(back: Tensor, height: int, width: int) -> Tensor:
    """Where every sample of the new picture, at twice the resolution and with a margin for the filter, comes from."""
    axes = [
        (torch.arange(2 * (size + 2 * _REACH), device=back.device) + (0.5 - _LEAN)) / 2 - _REACH - size / 2
        for size in (width, height)
    ]
    x, y = torch.meshgrid(*axes, indexing="xy")
    target = torch.stack([x, y, torch.ones_like(x)], dim=2)  # [h, w, 3]
    return torch.einsum("nij,hwj->nhwi", back[:, :2], target)


def _margins(places: Tensor, height: int, width: int) -> tuple[int, int, int, int]:
    """How far the picture has to go on at the left, right, top and bottom; a reflection ends after its length."""
    low, high = places.amin(dim=(0, 1, 2)), places.amax(dim=(0, 1, 2))
    beyond = torch.stack([-low[0] - width / 2, high[0] - width / 2, -low[1] - height / 2, high[1] - height / 2])
    left, right, top, bottom = (beyond.ceil().int() + _REACH).clamp(min=0).tolist()
    return min(left, width - 1), min(right, width - 1), min(top, height - 1), min(bottom, height - 1)


def _gated(happens: Tensor, factor: Tensor) -> Tensor:
    return torch.where(happens, factor, 1.0)


def _where(happens: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    return torch.where(happens, x, 0.0), torch.where(happens, y, 0.0)


def _angle(draws: AugmentDraws, name: str, p: float) -> Tensor:
    return torch.where(draws.happens(name, p), (draws.uniform(name) * 2 - 1) * math.pi, 0.0)


def _scaling(x: Tensor, y: Tensor) -> Tensor:
    return _matrix([[x, None, None], [None, y, None]])


def _shift(x: Tensor, y: Tensor) -> Tensor:
    """Leads back from a shift by ``x`` and ``y``."""
    one = torch.ones_like(x)
    return _matrix([[one, None, -x], [None, one, -y]])


def _turn(angle: Tensor) -> Tensor:
    cos, sin = angle.cos(), angle.sin()
    return _matrix([[cos, sin, None], [-sin, cos, None]])


def _quarter_turn(turns: Tensor) -> Tensor:
    # Whole numbers, so that a turn by quarters lands on pixels exactly.
    cos = torch.where(turns == 0, 1.0, torch.where(turns == 2, -1.0, 0.0))
    sin = torch.where(turns == 1, 1.0, torch.where(turns == 3, -1.0, 0.0))
    return _matrix([[cos, sin, None], [-sin, cos, None]])


def _matrix(rows: list[list[Tensor | None]]) -> Tensor:
    like = next(entry for entry in rows[0] if entry is not None)
    zero, one = torch.zeros_like(like), torch.ones_like(like)
    entries = [zero if entry is None else entry for row in rows for entry in row]
    return torch.stack([*entries, zero, zero, one], dim=1).view(-1, 3, 3)
