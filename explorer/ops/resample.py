"""Resampling of pictures with FIR filters: upfirdn2d and its three everyday forms.

Convention
    ``up`` and ``down`` are ``s`` or ``(x, y)``; ``pad`` is ``p``, ``(x, y)`` or ``(x0, x1, y0, y1)`` and counts
    samples after zero insertion, negative ones crop. A filter is ``[K]`` (separable: the same taps along x and y),
    ``[KH, KW]``, or None. ``flip_filter=False`` is a true convolution. All are linear in ``x``, differentiable
    any number of times, and hold for every device and floating dtype.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.ops import reference
from explorer.ops.dispatch import choose, numba_lacks
from explorer.ops.filter_design import separate
from explorer.ops.geometry import (
    Axis,
    Padding,
    Polyphase,
    Scale,
    band,
    filter_size,
    parse_padding,
    parse_scale,
    plan_axes,
    polyphase,
)

# A filter along one axis is a banded matrix. Its blocks hold zeros too, yet up to about this size a dense matrix
# product beats a short convolution.
BLOCK = 128
# Below this many samples of output the call to the compiled loops costs more than it saves.
NUMBA_FROM_SAMPLES = 1 << 14


def upfirdn2d(
    x: Tensor,
    f: Tensor | None,
    *,
    up: Scale = 1,
    down: Scale = 1,
    pad: Padding = 0,
    flip_filter: bool = False,
    gain: float = 1.0,
    impl: str | None = None,
) -> Tensor:
    """Insert zeros, pad, filter and decimate.

    Args:
        x: ``[N, C, H, W]``, floating.
        f: Filter, see the module's convention.
        up: Samples that each input sample becomes, the others zero.
        down: Every how many-th sample is kept.
        pad: Zeros added (or samples cropped) after zero insertion.
        flip_filter: Correlate instead of convolving.
        gain: Factor on the result. To keep the brightness of an up-sampled picture, ``up`` squared.
        impl: Path to take, see `explorer.ops.dispatch`.

    Returns:
        ``[N, C, H', W']`` with ``W' = (W * up + x0 + x1 - KW) // down + 1``, in the dtype of ``x``.

    Raises:
        ValueError: Shapes or paddings leave nothing to compute.
        KernelUnavailable: ``impl`` names a path that does not exist here.
    """
    axes = plan_axes(x, f, up=up, down=down, pad=pad)
    path = choose("upfirdn2d", x, impl, lacks=numba_lacks(x, f), pays=_pays(x, axes))
    if path == "reference":
        return reference.upfirdn2d(x, f, axes, flip_filter=flip_filter, gain=gain)
    if path == "numba":
        from explorer.ops import numba_path

        return numba_path.upfirdn2d(x, f, axes, flip_filter=flip_filter, gain=gain)
    return torch_upfirdn2d(x, f, axes, flip_filter=flip_filter, gain=gain)


def _pays(x: Tensor, axes: tuple[Axis, Axis]) -> bool:
    return x.shape[0] * x.shape[1] * axes[0].out * axes[1].out >= NUMBA_FROM_SAMPLES


def filter2d(
    x: Tensor,
    f: Tensor | None,
    *,
    pad: Padding = 0,
    flip_filter: bool = False,
    gain: float = 1.0,
    impl: str | None = None,
) -> Tensor:
    """Filter and keep the size; ``pad`` adds to it."""
    x0, x1, y0, y1 = parse_padding(pad)
    fw, fh = filter_size(f)
    around = (x0 + fw // 2, x1 + (fw - 1) // 2, y0 + fh // 2, y1 + (fh - 1) // 2)
    return upfirdn2d(x, f, pad=around, flip_filter=flip_filter, gain=gain, impl=impl)


def upsample2d(
    x: Tensor,
    f: Tensor | None,
    *,
    up: Scale = 2,
    pad: Padding = 0,
    flip_filter: bool = False,
    gain: float = 1.0,
    impl: str | None = None,
) -> Tensor:
    """Enlarge by ``up``, keeping brightness; ``pad`` adds to the enlarged size."""
    x0, x1, y0, y1 = parse_padding(pad)
    ux, uy = parse_scale(up, name="up")
    fw, fh = filter_size(f)
    around = (x0 + (fw + ux - 1) // 2, x1 + (fw - ux) // 2, y0 + (fh + uy - 1) // 2, y1 + (fh - uy) // 2)
    return upfirdn2d(x, f, up=(ux, uy), pad=around, flip_filter=flip_filter, gain=gain * ux * uy, impl=impl)


def downsample2d(
    x: Tensor,
    f: Tensor | None,
    *,
    down: Scale = 2,
    pad: Padding = 0,
    flip_filter: bool = False,
    gain: float = 1.0,
    impl: str | None = None,
) -> Tensor:
    """Shrink by ``down``; ``pad`` adds to the size before it shrinks."""
    x0, x1, y0, y1 = parse_padding(pad)
    dx, dy = parse_scale(down, name="down")
    fw, fh = filter_size(f)
    around = (x0 + (fw - dx + 1) // 2, x1 + (fw - dx) // 2, y0 + (fh - dy + 1) // 2, y1 + (fh - dy) // 2)
    return upfirdn2d(x, f, down=(dx, dy), pad=around, flip_filter=flip_filter, gain=gain, impl=impl)


def torch_upfirdn2d(x: Tensor, f: Tensor | None, axes: tuple[Axis, Axis], *, flip_filter: bool, gain: float) -> Tensor:
    """The plain torch path: no inserted zero is ever multiplied."""
    ax, ay = axes
    if f is None and _is_shift(ax) and _is_shift(ay):
        y = F.pad(x, [ax.before, ax.after, ay.before, ay.after])
        return y if gain == 1 else y * gain
    pair = _row_and_column(x, f)
    if f is not None and pair is None:
        return _full(x, _correlation_taps(f, x, flip_filter=flip_filter, gain=gain), ax, ay)
    column, row = (x.new_ones(1), x.new_ones(1)) if pair is None else pair
    column = _correlation_taps(column, x, flip_filter=flip_filter, gain=gain)
    row = _correlation_taps(row, x, flip_filter=flip_filter, gain=1.0)

    # Fewer samples first: shrinking comes before, enlarging after.
    if ay.out * ax.size <= ay.size * ax.out:
        return _along_x(_along_y(x, column, ay), row, ax)
    return _along_y(_along_x(x, row, ax), column, ay)


def _row_and_column(x: Tensor, f: Tensor | None) -> tuple[Tensor, Tensor] | None:
    """Vertical and horizontal taps of a filter that is their product."""
    if f is None:
        return None
    if f.ndim == 1:
        return f, f
    # Looking at a filter on a GPU would make every call wait for it.
    if f.device.type != "cpu" or f.requires_grad or x.dtype == torch.float64:
        return None
    pair = separate(f.to(torch.float32).numpy())
    return None if pair is None else (torch.from_numpy(pair[0]), torch.from_numpy(pair[1].copy()))


def _is_shift(axis: Axis) -> bool:
    return axis.taps == axis.up == axis.down == 1


def _correlation_taps(f: Tensor, x: Tensor, *, flip_filter: bool, gain: float) -> Tensor:
    """Taps in the order in which they meet the samples, on the device of ``x``."""
    taps = f.to(x.device) * gain
    if not flip_filter:
        taps = taps.flip(list(range(taps.ndim)))
    return taps.to(x.dtype)


def _along_x(x: Tensor, taps: Tensor, axis: Axis) -> Tensor:
    matrix = _spread(taps, band(axis, x.device))
    parts = [x[..., low:high] @ matrix[first:last, low:high].T for first, last, low, high in _blocks(axis)]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-1)


def _along_y(x: Tensor, taps: Tensor, axis: Axis) -> Tensor:
    matrix = _spread(taps, band(axis, x.device))
    parts = [matrix[first:last, low:high] @ x[:, :, low:high] for first, last, low, high in _blocks(axis)]
    return parts[0] if len(parts) == 1 else torch.cat(parts, dim=-2)


def _blocks(axis: Axis) -> list[tuple[int, int, int, int]]:
    """Cut the band in dense blocks: outputs ``[first, last)`` need inputs ``[low, high)`` alone."""
    count = max(1, round(max(axis.size, axis.out) / BLOCK))
    edges = [axis.out * k // count for k in range(count + 1)]
    blocks = []
    for first, last in pairwise(edges):
        low = -(-(first * axis.down - axis.before) // axis.up)
        high = ((last - 1) * axis.down + axis.taps - 1 - axis.before) // axis.up + 1
        # A block that lies in the padding altogether still reads one sample, times 0.
        low = min(max(low, 0), axis.size - 1)
        blocks.append((first, last, low, max(low + 1, min(high, axis.size))))
    return blocks


def _full(x: Tensor, taps: Tensor, ax: Axis, ay: Axis) -> Tensor:
    n, c = x.shape[:2]
    px, py = polyphase(ax), polyphase(ay)
    kernel = F.pad(taps, [0, 1, 0, 1])[py.index.to(x.device)][:, :, px.index.to(x.device)]
    # [phase_y, span_y, phase_x, span_x] -> [phase_y * phase_x, span_y, span_x]
    kernel = kernel.permute(0, 2, 1, 3).flatten(0, 1)
    y = _phase_filter(x, kernel, px, py)
    return y.reshape(n, c, py.count * py.phases, px.count * px.phases)[:, :, : ay.out, : ax.out]


def _phase_filter(x: Tensor, kernel: Tensor, px: Polyphase, py: Polyphase) -> Tensor:
    """Filter every plane with all phases at once and interleave them: ``[N * C, H, phases_y, W, phases_x]``."""
    n, c, h, w = x.shape
    span_y, span_x = kernel.shape[1:]
    right = (px.count - 1) * px.stride + px.first + span_x - w
    bottom = (py.count - 1) * py.stride + py.first + span_y - h
    planes = F.pad(x.reshape(n * c, 1, h, w), [-px.first, right, -py.first, bottom])
    y = F.conv2d(planes, kernel[:, None], stride=(py.stride, px.stride))
    y = y.unflatten(1, (py.phases, px.phases))
    return y.permute(0, 3, 1, 4, 2)


def _spread(taps: Tensor, index: Tensor) -> Tensor:
    """Look taps up by index, 0 beyond the last."""
    return F.pad(taps, [0, 1])[index]
