"""Convolutions with resampling."""

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.ops.dispatch import exporting
from explorer.ops.geometry import Padding, channels_last, filter_size, pad_or_crop, parse_padding
from explorer.ops.resample import upfirdn2d


def conv2d_resample(
    x: Tensor,
    w: Tensor,
    f: Tensor | None = None,
    *,
    up: int = 1,
    down: int = 1,
    padding: Padding = 0,
    groups: int = 1,
    flip_weight: bool = True,
    flip_filter: bool = False,
    impl: str | None = None,
) -> Tensor:
    """Up-sample, convolve, down-sample, in whichever order touches the fewest samples.

    Args:
        x: ``[N, I, H, W]``.
        w: ``[O, I / groups, KH, KW]``.
        f: Low-pass filter for both resamplings, ``[K]``, ``[KH, KW]`` or None.
        up: Factor of up-sampling.
        down: Factor of down-sampling.
        padding: ``p``, ``(x, y)`` or ``(x0, x1, y0, y1)`` at the up-sampled size, beside what the filters need.
        groups: Groups of channels that do not mix.
        flip_weight: True is a correlation, as in `torch.nn.functional.conv2d`; False a true convolution.
        flip_filter: Likewise for ``f``.
        impl: Path of the resampling, see `explorer.ops.dispatch`.

    Returns:
        ``[N, O, H * up / down, W * up / down]`` when ``padding`` makes up for the kernel.
    """
    if up < 1 or down < 1:
        raise ValueError(f"up and down must be whole numbers of at least 1; they are {up} and {down}")
    kh, kw = w.shape[2:]
    pad = _with_filter_support(parse_padding(padding), f, up=up, down=down)
    pointwise = kh == kw == 1
    w = w.to(x.dtype)

    if up == 1 and down == 1:
        return _convolve(x, w, pad, groups=groups, flip_weight=flip_weight)
    if up == 1:
        # All steps commute: filter first, so that the convolution runs at the smaller size only.
        if pointwise:
            x = upfirdn2d(x, f, down=down, pad=pad, flip_filter=flip_filter, impl=impl)
            return _convolve(x, w, (0, 0, 0, 0), groups=groups, flip_weight=flip_weight)
        x = upfirdn2d(x, f, pad=pad, flip_filter=flip_filter, impl=impl)
        return _convolve(x, w, (0, 0, 0, 0), groups=groups, flip_weight=flip_weight, stride=down)

    if pointwise:
        x = _convolve(x, w, (0, 0, 0, 0), groups=groups, flip_weight=flip_weight)
        x = upfirdn2d(x, f, up=up, pad=pad, flip_filter=flip_filter, gain=up**2, impl=impl)
    else:
        x = _transposed(x, w, up=up, groups=groups, flip_weight=flip_weight)
        # The transposed convolution already holds k - 1 positions on either side and ends at the last sample.
        x0, x1, y0, y1 = pad
        rest = (x0 - kw + 1, x1 - kw + up, y0 - kh + 1, y1 - kh + up)
        x = upfirdn2d(x, f, pad=rest, flip_filter=flip_filter, gain=up**2, impl=impl)
    return x if down == 1 else upfirdn2d(x, f, down=down, flip_filter=flip_filter, impl=impl)


def _with_filter_support(
    pad: tuple[int, int, int, int], f: Tensor | None, *, up: int, down: int
) -> tuple[int, int, int, int]:
    """Add what the resampling filters consume, centred on the picture."""
    x0, x1, y0, y1 = pad
    fw, fh = filter_size(f)
    if up > 1:
        x0, x1 = x0 + (fw + up - 1) // 2, x1 + (fw - up) // 2
        y0, y1 = y0 + (fh + up - 1) // 2, y1 + (fh - up) // 2
    if down > 1:
        x0, x1 = x0 + (fw - down + 1) // 2, x1 + (fw - down) // 2
        y0, y1 = y0 + (fh - down + 1) // 2, y1 + (fh - down) // 2
    return x0, x1, y0, y1


def _convolve(
    x: Tensor, w: Tensor, pad: tuple[int, int, int, int], *, groups: int, flip_weight: bool, stride: int = 1
) -> Tensor:
    if not flip_weight and w.shape[2:] != (1, 1):
        w = w.flip([2, 3])
    x0, x1, y0, y1 = pad
    if pad == (0, 0, 0, 0) and w.shape[2:] == (1, 1) and groups == stride == 1 and _products_serve(x):
        # On a processor the matrix product is up to three times as fast as the convolution.
        if x.shape[0] == 1:
            # Torch shares out the products of a batch among threads, not a single one.
            return (w.flatten(1) @ x[0].flatten(1)).unflatten(1, x.shape[2:])[None]
        if channels_last(x):
            return (x.permute(0, 2, 3, 1) @ w.flatten(1).T).permute(0, 3, 1, 2)
        return (w.flatten(1) @ x.flatten(2)).unflatten(2, x.shape[2:])
    if x0 == x1 >= 0 and y0 == y1 >= 0:
        return F.conv2d(x, w, padding=(y0, x0), groups=groups, stride=stride)
    return F.conv2d(pad_or_crop(x, x0, x1, y0, y1), w, groups=groups, stride=stride)


def _transposed(x: Tensor, w: Tensor, *, up: int, groups: int, flip_weight: bool) -> Tensor:
    """Convolve the zero-inserted ``x`` without inserting zeros, keeping the full support."""
    out_channels, in_per_group, kh, kw = w.shape
    # A transposed convolution is a true one, so a correlation needs the flip here.
    if flip_weight:
        w = w.flip([2, 3])
    w = w.reshape(groups, out_channels // groups, in_per_group, kh, kw).transpose(1, 2).flatten(0, 1)
    return F.conv_transpose2d(x, w, stride=up, groups=groups)


def _products_serve(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype == torch.float32 and not exporting()
