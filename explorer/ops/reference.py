"""What the resampling operations mean, spelt out in float64; every faster path is tested against this file.

Nothing here is fast. Results come back in the dtype that was given.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.ops.geometry import Axis, pad_or_crop


def upfirdn2d(x: Tensor, f: Tensor | None, axes: tuple[Axis, Axis], *, flip_filter: bool, gain: float) -> Tensor:
    """Insert zeros, pad or crop, filter, decimate: each step as its own line.

    Args:
        x: ``[N, C, H, W]``.
        f: ``[K]``, ``[KH, KW]`` or None.
        axes: Layout along x and y.
        flip_filter: False is a true convolution, True a correlation.
        gain: Factor on the result.
    """
    ax, ay = axes
    n, c, h, w = x.shape
    y = x.to(torch.float64)

    spread = y.new_zeros(n, c, h, ay.up, w, ax.up)
    spread[:, :, :, 0, :, 0] = y
    y = spread.reshape(n, c, h * ay.up, w * ax.up)

    y = pad_or_crop(y, ax.before, ax.after, ay.before, ay.after)

    taps = full_filter(f, device=x.device) * gain
    if not flip_filter:
        taps = taps.flip([0, 1])
    y = F.conv2d(y, taps.expand(c, 1, *taps.shape), groups=c)

    return y[:, :, :: ay.down, :: ax.down].to(x.dtype)


def full_filter(f: Tensor | None, *, device: torch.device) -> Tensor:
    """The filter as float64 ``[KH, KW]``."""
    if f is None:
        return torch.ones(1, 1, dtype=torch.float64, device=device)
    taps = f.to(device, torch.float64)
    return torch.outer(taps, taps) if taps.ndim == 1 else taps


def filtered_lrelu(
    x: Tensor,
    *,
    fu: Tensor | None,
    fd: Tensor | None,
    b: Tensor | None,
    up_axes: tuple[Axis, Axis],
    down_axes: tuple[Axis, Axis],
    gain: float,
    slope: float,
    clamp: float | None,
    flip_filter: bool,
) -> Tensor:
    """Bias, up-sample, leaky ReLU times gain, clamp, down-sample."""
    y = x.to(torch.float64)
    if b is not None:
        y = y + b.to(torch.float64)[:, None, None]
    y = upfirdn2d(y, fu, up_axes, flip_filter=flip_filter, gain=up_axes[0].up * up_axes[1].up)
    y = torch.where(y > 0, y, y * slope) * gain
    if clamp is not None:
        y = y.clamp(-clamp, clamp)
    return upfirdn2d(y, fd, down_axes, flip_filter=flip_filter, gain=1.0).to(x.dtype)
