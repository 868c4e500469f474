"""Resampling with an activation between for pictures of many channels: what `numba_filter_kernels` is told.

Serves `explorer.ops.numba_path`, which has the rest of the compiled path.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from explorer.ops import numba_filter_kernels as kernels
from explorer.ops.act import NO_ACT, Act
from explorer.ops.filter_design import Floats
from explorer.ops.geometry import Axis, channels_last
from explorer.ops.numba_lanes import LANES
from explorer.ops.numba_stage import Stage, make_stage
from explorer.ops.workers import share_out

# Results of a tile along either axis: what is computed twice at its rim stays little, and the rows that a filter reads
# stay in the first cache level.
TILE_ROWS, TILE_COLUMNS = 32, 36


def pays(src: Tensor, gate: tuple[Tensor, Stage] | None) -> bool:
    """Whether vectors of pictures are well filled."""
    pictures = src.shape[1] if _by_channel(src, gate) else src.shape[0] * src.shape[1]
    return pictures >= LANES // 2


def run(
    src: Tensor, b: Tensor | None, first: Stage, last: Stage, *, mode: int, act: Act, gate: tuple[Tensor, Stage] | None
) -> Tensor:
    """Up-sample by ``first``, act by ``mode`` (see `kernels.filtered`), down-sample by ``last``.

    Args:
        src: ``[N, C, H, W]``, planes or channels-last; the result is in the order of what the activation saw.
        b: ``[C]``, added to what the activation sees; 0 when None.
        first: With no down-sampling.
        last: With no up-sampling.
        mode: 0 only filters, 1 activates, 2 multiplies by the activation's derivative.
        act: The activation.
        gate: In mode 2 what the activation saw, before it was up-sampled, and the filter that it was up-sampled by.
    """
    n, c = src.shape[:2]
    seen, seen_by = (src, first) if gate is None else gate
    out = torch.empty(n, c, last.shape.y.out, last.shape.x.out)
    if channels_last(seen):
        out = torch.empty_like(out, memory_format=torch.channels_last)
    if out.numel() == 0:
        return out
    by_channel = _by_channel(src, gate)
    source, looked_at, result = (_Pictures.of(x, together=not by_channel) for x in (src, seen, out))
    taps = (first.taps, seen_by.taps, last.taps)
    coef, at = np.concatenate(taps), (0, len(taps[0]), len(taps[0]) + len(taps[1]))
    x, y = _axes(first.shape.x, last.shape.x), _axes(first.shape.y, last.shape.y)
    gate_x, gate_y = _axes(seen_by.shape.x, last.shape.x)[:4], _axes(seen_by.shape.y, last.shape.y)[:4]
    full = (first.shape.full, seen_by.shape.full, last.shape.full, last.shape.mirrored)
    tile = _share(y[8], TILE_ROWS), _share(x[8], TILE_COLUMNS)
    bias = np.zeros(1, np.float32) if b is None else b.detach().to(torch.float32).contiguous().numpy()
    planes = c if by_channel else n * c
    items = (n if by_channel else 1) * -(-planes // LANES) * -(-y[8] // tile[0]) * -(-x[8] // tile[1])

    def work(low: int, high: int) -> None:
        kernels.filtered(
            source.flat, source.steps, bias, looked_at.flat, looked_at.steps, result.flat, result.steps, planes, mode,
            act.numbers, x, y, gate_x, gate_y, full, coef, at, tile, low, high,
        )  # fmt: skip

    # The work is in the samples between the filters.
    share_out(work, items, n * c * first.shape.x.out * first.shape.y.out)
    return out


@dataclass(frozen=True, slots=True)
class _Pictures:
    """A tensor as flat memory and the steps in it: to the next sample, channel, row and column."""

    flat: Floats
    steps: tuple[int, int, int, int]

    @classmethod
    def of(cls, x: Tensor, *, together: bool) -> "_Pictures":
        """``together``: the channels of all samples are as those of a single one."""
        x = x.detach()
        c, h, w = x.shape[1:]
        if channels_last(x):
            return cls(x.permute(0, 2, 3, 1).reshape(-1).numpy(), (c * h * w, 1, w * c, c))
        return cls(x.contiguous().numpy().reshape(-1), (0 if together else c * h * w, h * w, w, 1))


def _by_channel(src: Tensor, gate: tuple[Tensor, Stage] | None) -> bool:
    """Whether vectors are channels of one sample; planes that lie one after another may be of several."""
    return channels_last(src) or (gate is not None and channels_last(gate[0]))


def _axes(first: Axis, last: Axis) -> tuple[int, ...]:
    return (first.size, first.up, first.before, first.taps, first.out, last.down, last.before, last.taps, last.out)


def _share(size: int, most: int) -> int:
    """The size of about equal parts, none longer than ``most``; a multiple of 4, as sums come in fours."""
    parts = -(-size // most)
    return min(most, -(-size // (4 * parts)) * 4)


def compile_all() -> None:
    """Compile the loops, or load them from the cache on disk, by running them once on almost nothing."""
    point = (Axis(2, 1, 1, 1, 0, 0), Axis(2, 1, 1, 1, 0, 0))
    plain = make_stage(None, point, flip_filter=False, gain=1.0)
    run(torch.zeros(1, 1, 2, 2), None, plain, plain, mode=0, act=NO_ACT, gate=None)
