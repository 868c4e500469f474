"""The alias-free non-linearity: an activation between up- and down-sampling."""

import math

import torch.nn.functional as F
from torch import Tensor

from explorer.ops import reference
from explorer.ops.act import Act
from explorer.ops.activations import gain_and_clamp
from explorer.ops.dispatch import choose, cuda_lacks, numba_lacks
from explorer.ops.geometry import Axis, Padding, Scale, filter_size, parse_scale, plan_axes
from explorer.ops.resample import torch_upfirdn2d

# Below this many samples between the filters the call to the compiled loops costs more than it saves.
NUMBA_FROM_SAMPLES = 1 << 14

# What a block of the CUDA kernel holds of a tile reaches so far.
CUDA_TAPS = 32


def filtered_lrelu(
    x: Tensor,
    *,
    fu: Tensor | None = None,
    fd: Tensor | None = None,
    b: Tensor | None = None,
    up: Scale = 1,
    down: Scale = 1,
    pad: Padding = 0,
    gain: float = math.sqrt(2),
    slope: float = 0.2,
    clamp: float | None = None,
    flip_filter: bool = False,
    impl: str | None = None,
) -> Tensor:
    """Add a bias, up-sample, apply a leaky ReLU with gain and clamp, down-sample.

    The non-linearity makes frequencies that the sampling grid cannot hold; at the higher rate they fit, and the
    second filter takes them out.

    Args:
        x: ``[N, C, H, W]``, floating.
        fu: Filter for up-sampling, ``[K]``, ``[KH, KW]`` or None.
        fd: Filter for down-sampling, likewise.
        b: ``[C]``, added before the padding, so that what is padded stays 0.
        up: Factor of up-sampling, ``s`` or ``(x, y)``.
        down: Factor of down-sampling, ``s`` or ``(x, y)``.
        pad: ``p``, ``(x, y)`` or ``(x0, x1, y0, y1)``, in samples after zero insertion; negative crops.
        gain: Factor with the activation.
        slope: Of the leaky ReLU below 0.
        clamp: Largest magnitude after the activation; unlimited when None.
        flip_filter: Correlate instead of convolving, with both filters.
        impl: Path to take, see `explorer.ops.dispatch`.

    Raises:
        ValueError: Shapes or paddings leave nothing to compute.
        KernelUnavailable: ``impl`` names a path that does not exist here.

    Source: StyleGAN3 (Karras et al. 2021), section 3.2 and appendix D.
    """
    if b is not None and (b.ndim != 1 or b.shape[0] != x.shape[1]):
        raise ValueError(f"the bias must have {x.shape[1]} values; its shape is {list(b.shape)}")
    if clamp is not None and clamp < 0:
        raise ValueError(f"clamp must be 0 or more, or None for no limit; it is {clamp}")
    up_axes = plan_axes(x, fu, up=up, down=1, pad=pad)
    down_axes = _down_axes(up_axes, fd, down=down)
    options = {"fu": fu, "fd": fd, "up_axes": up_axes, "down_axes": down_axes, "flip_filter": flip_filter}

    def plain(x: Tensor, b: Tensor | None) -> Tensor:
        return _torch(x, b, **options, gain=gain, slope=slope, clamp=clamp)

    lacks = {"lacks": numba_lacks(x, fu, fd), "cuda_lacks": cuda_lacks(x, fu, fd) or _too_long(fu, fd)}
    path = choose("filtered_lrelu", x, impl, pays=lambda: _pays(x, fu, fd, up_axes), **lacks)
    if path == "reference":
        return reference.filtered_lrelu(x, b=b, **options, gain=gain, slope=slope, clamp=clamp)
    if path == "numba":
        from explorer.ops import numba_path

        return numba_path.filtered_lrelu(x, b, **options, act=Act(gain, slope, clamp), differentiable=plain)
    if path == "cuda":
        from explorer.ops import cuda_path

        return cuda_path.filtered_lrelu(x, b, **options, act=Act(gain, slope, clamp))
    return plain(x, b)


def _torch(
    x: Tensor,
    b: Tensor | None,
    *,
    fu: Tensor | None,
    fd: Tensor | None,
    up_axes: tuple[Axis, Axis],
    down_axes: tuple[Axis, Axis],
    flip_filter: bool,
    gain: float,
    slope: float,
    clamp: float | None,
) -> Tensor:
    if b is not None:
        x = x + b.to(x.dtype)[:, None, None]
    x = torch_upfirdn2d(x, fu, up_axes, flip_filter=flip_filter, gain=up_axes[0].up * up_axes[1].up)
    if slope != 1:
        x = F.leaky_relu(x, slope)
    x = gain_and_clamp(x, gain, clamp, owned=slope != 1)
    return torch_upfirdn2d(x, fd, down_axes, flip_filter=flip_filter, gain=1.0)


def _pays(x: Tensor, fu: Tensor | None, fd: Tensor | None, up_axes: tuple[Axis, Axis]) -> bool:
    if fu is None and fd is None:
        return False
    return x.shape[0] * x.shape[1] * up_axes[0].out * up_axes[1].out >= NUMBA_FROM_SAMPLES


def _too_long(fu: Tensor | None, fd: Tensor | None) -> str | None:
    longest = max(*filter_size(fu), *filter_size(fd))
    return f"filters of {longest} taps" if longest > CUDA_TAPS else None


def _down_axes(up_axes: tuple[Axis, Axis], fd: Tensor | None, *, down: Scale) -> tuple[Axis, Axis]:
    """Lay out the second half, whose input is the first half's output."""
    taps_x, taps_y = filter_size(fd)
    down_x, down_y = parse_scale(down, name="down")
    axes = (
        Axis(up_axes[0].out, taps_x, 1, down_x, 0, 0),
        Axis(up_axes[1].out, taps_y, 1, down_y, 0, 0),
    )
    for axis, name in zip(axes, ("width", "height"), strict=True):
        if axis.size < axis.taps:
            raise ValueError(
                f"nothing is left to filter: the {name} after up-sampling is {axis.size} "
                f"and the down-sampling filter has {axis.taps} taps"
            )
    return axes
