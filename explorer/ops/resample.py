"""Resampling of pictures with FIR filters: upfirdn2d and its three everyday forms.

Convention
    ``up`` and ``down`` are ``s`` or ``(x, y)``; ``pad`` is ``p``, ``(x, y)`` or ``(x0, x1, y0, y1)`` and counts
    samples after zero insertion, negative ones crop. A filter is ``[K]`` (separable: the same taps along x and y),
    ``[KH, KW]``, or None. ``flip_filter=False`` is a true convolution. All are linear in ``x``, differentiable
    any number of times, and hold for every device and floating dtype.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.ops import reference
from explorer.ops.dispatch import choose, cuda_lacks, numba_lacks
from explorer.ops.geometry import (
    Axis,
    Padding,
    Scale,
    band,
    filter_size,
    pad_or_crop,
    parse_padding,
    parse_scale,
    plan_axes,
)

# A filter along one axis is a banded matrix. Up to this size a dense matrix product beats a transposed convolution.
BAND_UP_TO = 128
# The compiled loops pay for pictures of few channels, from this many samples of output in a channel.
NUMBA_TO_CHANNELS = 4
NUMBA_FROM_SAMPLES = 128**2


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
    lacks = {"lacks": numba_lacks(x, f), "cuda_lacks": cuda_lacks(x, f)}
    path = choose("upfirdn2d", x, impl, pays=lambda: _pays(x, axes), **lacks)
    if path == "reference":
        return reference.upfirdn2d(x, f, axes, flip_filter=flip_filter, gain=gain)
    if path == "numba":
        from explorer.ops import numba_path

        return numba_path.upfirdn2d(x, f, axes, flip_filter=flip_filter, gain=gain)
    if path == "cuda":
        from explorer.ops import cuda_path

        return cuda_path.upfirdn2d(x, f, axes, flip_filter=flip_filter, gain=gain)
    return torch_upfirdn2d(x, f, axes, flip_filter=flip_filter, gain=gain)


def _pays(x: Tensor, axes: tuple[Axis, Axis]) -> bool:
    # A depthwise convolution works on vectors of channels: with a handful it wastes most of each, and with more
    # nothing written here has beaten it.
    return x.shape[1] <= NUMBA_TO_CHANNELS and axes[0].out * axes[1].out >= NUMBA_FROM_SAMPLES


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
    """The plain torch path: depthwise convolutions, transposed ones for up-sampling, so no inserted zero is touched."""
    ax, ay = axes
    if f is None and _is_shift(ax) and _is_shift(ay):
        y = pad_or_crop(x, ax.before, ax.after, ay.before, ay.after)
        return y if gain == 1 else y * gain
    taps = x.new_ones(1) if f is None else f.to(x.device)
    if not flip_filter:
        taps = taps.flip(list(range(taps.ndim)))
    if taps.ndim == 2:
        return _depthwise(x, (taps * gain).to(x.dtype), ax, ay)

    column, row = (taps * gain).to(x.dtype), taps.to(x.dtype)
    # Fewer samples first: shrinking comes before, enlarging after.
    if ay.out * ax.size <= ay.size * ax.out:
        return _along_x(_along_y(x, column, ay), row, ax)
    return _along_y(_along_x(x, row, ax), column, ay)


def _is_shift(axis: Axis) -> bool:
    return axis.taps == axis.up == axis.down == 1


def _along_x(x: Tensor, taps: Tensor, axis: Axis) -> Tensor:
    if _fits_band(axis):
        return x @ _matrix(taps, axis).T
    return _depthwise(x, taps[None, :], axis, Axis(x.shape[2], 1, 1, 1, 0, 0))


def _along_y(x: Tensor, taps: Tensor, axis: Axis) -> Tensor:
    if _fits_band(axis):
        return _matrix(taps, axis) @ x
    return _depthwise(x, taps[:, None], Axis(x.shape[3], 1, 1, 1, 0, 0), axis)


def _fits_band(axis: Axis) -> bool:
    return axis.up > 1 and max(axis.size, axis.out) <= BAND_UP_TO


def _matrix(taps: Tensor, axis: Axis) -> Tensor:
    """The resampling along one axis as a matrix ``[out, size]``."""
    return F.pad(taps, [0, 1])[band(axis, taps.device)]


def _depthwise(x: Tensor, taps: Tensor, ax: Axis, ay: Axis) -> Tensor:
    """Filter every channel with ``taps [KH, KW]``, given in correlation order."""
    c = x.shape[1]
    if ax.up == ay.up == 1:
        x, padding = _split_padding(x, ax, ay)
        weight = taps.expand(c, 1, *taps.shape)
        # On a processor the strided form is slow in bfloat16: there, what it would skip is dropped instead.
        if x.device.type == "cpu" and (x.dtype == torch.bfloat16 or torch.is_autocast_enabled("cpu")):
            return F.conv2d(x, weight, padding=padding, groups=c)[:, :, :: ay.down, :: ax.down]
        return F.conv2d(x, weight, padding=padding, stride=(ay.down, ax.down), groups=c)

    # A transposed convolution is a true one, and gives everything that any tap reaches.
    weight = taps.flip([0, 1]).expand(c, 1, *taps.shape)
    (left, right), (top, bottom) = _surplus(ax), _surplus(ay)
    crop_x, crop_y = max(0, min(left, right)), max(0, min(top, bottom))
    y = F.conv_transpose2d(x, weight, stride=(ay.up, ax.up), padding=(crop_y, crop_x), groups=c)
    y = pad_or_crop(y, crop_x - left, crop_x - right, crop_y - top, crop_y - bottom)
    return y if ax.down == ay.down == 1 else y[:, :, :: ay.down, :: ax.down]


def _surplus(axis: Axis) -> tuple[int, int]:
    """How far the full convolution reaches beyond what is asked for: in front, behind."""
    front = axis.taps - 1 - axis.before
    behind = axis.taps - axis.up - axis.after
    return front, behind


def _split_padding(x: Tensor, ax: Axis, ay: Axis) -> tuple[Tensor, tuple[int, int]]:
    """Pad or crop only by what a convolution's own, symmetric padding cannot."""
    px, py = max(0, min(ax.before, ax.after)), max(0, min(ay.before, ay.after))
    return pad_or_crop(x, ax.before - px, ax.after - px, ay.before - py, ay.after - py), (py, px)
