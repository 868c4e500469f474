"""How a resampling is laid out along one axis: sizes, paddings and which taps meet which samples.

Convention
    Axis order is ``[N, C, H, W]``; pairs are given as ``(x, y)`` and paddings as ``(x0, x1, y0, y1)``, x before y.
    Up-sampling puts sample ``i`` at position ``up * i``, followed by ``up - 1`` zeros. Padding counts those
    positions; a negative padding crops. Filtering keeps only positions where every tap is inside.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.ops.dispatch import exporting

Scale = int | Sequence[int]
Padding = int | Sequence[int]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of an up-sample, pad, filter, decimate chain."""

    size: int
    """Samples that come in."""
    taps: int
    """Length of the filter along this axis."""
    up: int
    """Factor of zero insertion."""
    down: int
    """Factor of decimation."""
    before: int
    """Positions added (or cropped, below 0) in front, after zero insertion."""
    after: int
    """Positions added behind."""

    @property
    def out(self) -> int:
        """Samples that go out."""
        return (self.size * self.up + self.before + self.after - self.taps) // self.down + 1


def parse_scale(value: Scale, *, name: str) -> tuple[int, int]:
    """Read a factor given as ``s`` or ``(x, y)`` into ``(x, y)``."""
    pair = (value, value) if isinstance(value, int) else tuple(int(v) for v in value)
    if len(pair) != 2 or min(pair) < 1:
        raise ValueError(f"{name} must be a whole number of at least 1, or (x, y) of them; it is {value!r}")
    return pair[0], pair[1]


def parse_padding(value: Padding) -> tuple[int, int, int, int]:
    """Read a padding given as ``p``, ``(x, y)`` or ``(x0, x1, y0, y1)`` into the last form."""
    parts = (value, value) if isinstance(value, int) else tuple(int(v) for v in value)
    if len(parts) == 2:
        return parts[0], parts[0], parts[1], parts[1]
    if len(parts) == 4:
        return parts[0], parts[1], parts[2], parts[3]
    raise ValueError(f"padding must be p, (x, y) or (x0, x1, y0, y1); it is {value!r}")


def filter_size(f: Tensor | None) -> tuple[int, int]:
    """Taps of a filter along x and y; an absent filter is a single tap."""
    if f is None:
        return 1, 1
    if f.ndim not in (1, 2) or f.numel() == 0:
        raise ValueError(f"a filter has one (separable) or two dimensions and at least one tap; it is {list(f.shape)}")
    return int(f.shape[-1]), int(f.shape[0])


def plan_axes(x: Tensor, f: Tensor | None, *, up: Scale, down: Scale, pad: Padding) -> tuple[Axis, Axis]:
    """Check a resampling's arguments and lay out its two axes, ``(x, y)``."""
    if x.ndim != 4:
        raise ValueError(f"expected [N, C, H, W], got a tensor of shape {list(x.shape)}")
    up_x, up_y = parse_scale(up, name="up")
    down_x, down_y = parse_scale(down, name="down")
    x0, x1, y0, y1 = parse_padding(pad)
    taps_x, taps_y = filter_size(f)
    axes = (
        Axis(x.shape[3], taps_x, up_x, down_x, x0, x1),
        Axis(x.shape[2], taps_y, up_y, down_y, y0, y1),
    )
    for axis, name in zip(axes, ("width", "height"), strict=True):
        padded = axis.size * axis.up + axis.before + axis.after
        if padded < axis.taps:
            raise ValueError(
                f"nothing is left to filter: the {name} is {axis.size}, up {axis.up}, padded by "
                f"{axis.before} and {axis.after} to {padded}, and the filter has {axis.taps} taps"
            )
    return axes


def pad_or_crop(x: Tensor, left: int, right: int, top: int, bottom: int) -> Tensor:
    """Add zeros around ``[..., H, W]``, or crop where a number is below 0."""
    if not (left or right or top or bottom):
        return x
    height, width = x.shape[-2:]
    if min(left, right) < -width or min(top, bottom) < -height:
        # torch crops before it pads, so a crop that reaches into the other side's padding takes two steps.
        x = F.pad(x, [max(p, 0) for p in (left, right, top, bottom)])
        left, right, top, bottom = (min(p, 0) for p in (left, right, top, bottom))
    return F.pad(x, [left, right, top, bottom])


def band(axis: Axis, device: torch.device) -> Tensor:
    """Which tap joins output and input: int32 ``[out, size]``, the number of taps where none does."""
    # A graph that is being recorded makes tensors without values, which must not outlive it.
    return _band.__wrapped__(axis, device) if exporting() else _band(axis, device)


@lru_cache(maxsize=64)
def _band(axis: Axis, device: torch.device) -> Tensor:
    o = torch.arange(axis.out, dtype=torch.int32, device=device)[:, None]
    i = torch.arange(axis.size, dtype=torch.int32, device=device)[None, :]
    tap = axis.up * i + axis.before - axis.down * o
    return torch.where((tap >= 0) & (tap < axis.taps), tap, axis.taps)


def channels_last(x: Tensor) -> bool:
    """Whether the channels of ``[N, C, H, W]`` lie next to one another."""
    return x.ndim == 4 and not x.is_contiguous() and x.is_contiguous(memory_format=torch.channels_last)
