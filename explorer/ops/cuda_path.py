"""The CUDA path: which kernels of `cuda.kernels` an operation launches, and its bridge to autograd.

Memory holds float32, float16 or bfloat16; sums are float32. Nothing here waits for the GPU or reads from it, except
the first time that a filter is seen.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from cuda.kernels import Kernel, device_for, scalar_name
from explorer.ops.act import Act
from explorer.ops.filter_design import separate
from explorer.ops.geometry import Axis
from explorer.ops.numba_stage import transpose_axis

Axes = tuple[Axis, Axis]
# The torch path of an operation, for second derivatives.
Plain = Callable[..., Tensor]

# Blocks along the third axis of a grid, and shared memory of a block, by the CUDA programming guide.
MOST_BLOCKS_Z = 65535
SHARED_BYTES = 48 << 10
THREADS = 256
MOST_BLOCKS = 1 << 16
# Results of a block of `filtered_lrelu`: the first that fits. Twice as wide as tall meets more of a row.
TILES = ((32, 32), (32, 16), (16, 16), (16, 8), (8, 8), (8, 4), (4, 4), (4, 1))

ACTIVATIONS = ("linear", "relu", "lrelu", "tanh", "sigmoid", "elu", "selu", "softplus", "swish")


def _kernel(x: Tensor, file: str, name: str, **fixed: str | int) -> Kernel:
    return Kernel(file, name, (("SCALAR", scalar_name(x.dtype)), *fixed.items()))


def _ints(*values: int) -> tuple[np.int32, ...]:
    return tuple(np.int32(value) for value in values)


def _floats(*values: float) -> tuple[np.float32, ...]:
    return tuple(np.float32(value) for value in values)


def _grid(count: int) -> tuple[int, int, int]:
    return (max(1, min(MOST_BLOCKS, -(-count // THREADS))), 1, 1)


@dataclass(frozen=True, slots=True, eq=False)
class Filter:
    """Taps on the GPU in correlation order, gain included: a column and then a row, or a full filter."""

    taps: Tensor
    back: Tensor
    """For the transposed resampling."""
    full: bool


_filters = WeakTensorKeyDictionary()
_no_filters: dict[tuple[object, ...], Filter] = {}


def prepare_filter(f: Tensor | None, x: Tensor, *, flip: bool, gain: float) -> Filter:
    """Bring a filter to the device of ``x``, once for each filter."""
    forms = _no_filters if f is None else _filters.setdefault(f, {})
    key = (x.device, flip, gain, None if f is None else f._version)
    if key not in forms:
        forms[key] = _make_filter(f, x.device, flip=flip, gain=gain)
    return forms[key]


def _make_filter(f: Tensor | None, device: torch.device, *, flip: bool, gain: float) -> Filter:
    taps = np.ones(1, np.float32) if f is None else f.detach().cpu().numpy().astype(np.float32)
    if not flip:
        taps = taps[::-1] if taps.ndim == 1 else taps[::-1, ::-1]
    pair = (taps, taps) if taps.ndim == 1 else separate(taps)
    if pair is None:
        full = np.float32(gain) * np.ascontiguousarray(taps).reshape(-1)
        both = full, full[::-1].copy()
    else:
        column, row = np.float32(gain) * pair[0], pair[1]
        both = np.concatenate([column, row]), np.concatenate([column[::-1], row[::-1]])
    there, back = (torch.from_numpy(np.ascontiguousarray(t, np.float32)).to(device) for t in both)
    return Filter(there, back, pair is None)


def upfirdn2d(x: Tensor, f: Tensor | None, axes: Axes, *, flip_filter: bool, gain: float) -> Tensor:
    """`explorer.ops.upfirdn2d` on the GPU: one pass for a full filter, two for a separable one."""
    made = prepare_filter(f, x, flip=flip_filter, gain=gain)
    if made.full:
        return _Resample.apply(x, made.taps, made.back, axes)
    ax, ay = axes
    split = ay.taps
    rest_x, rest_y = Axis(ax.size, 1, 1, 1, 0, 0), Axis(ay.out, 1, 1, 1, 0, 0)
    y = _Resample.apply(x, made.taps[:split], made.back[:split], (rest_x, ay))
    return _Resample.apply(y, made.taps[split:], made.back[split:], (ax, rest_y))


class _Resample(torch.autograd.Function):
    """Linear, so its gradient is another resampling, and so on for every higher derivative."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, taps: Tensor, back: Tensor, axes: Axes) -> Tensor:
        ctx.rest = taps, back, axes
        ax, ay = axes
        x = x.contiguous()
        y = x.new_empty(*x.shape[:2], ay.out, ax.out)
        planes = x.shape[0] * x.shape[1]
        if y.numel() == 0:
            return y
        kernel = _kernel(
            x, "upfirdn2d", "upfirdn2d",
            UP_X=ax.up, UP_Y=ay.up, DOWN_X=ax.down, DOWN_Y=ay.down, TAPS_X=ax.taps, TAPS_Y=ay.taps,
        )  # fmt: skip
        block = (32, 8)
        grid = (-(-ax.out // block[0]), -(-ay.out // block[1]), min(planes, MOST_BLOCKS_Z))
        numbers = _ints(planes, ay.size, ax.size, ay.out, ax.out, ax.before, ay.before)
        device_for(x).launch(kernel, grid, block, (x, taps, y, *numbers))
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        taps, back, (ax, ay) = ctx.rest
        return _Resample.apply(grad, back, taps, (transpose_axis(ax), transpose_axis(ay))), None, None, None


@dataclass(frozen=True, slots=True, eq=False)
class _Stage:
    taps: Tensor
    back: Tensor
    full: bool
    axes: Axes

    def transposed(self) -> "_Stage":
        x, y = self.axes
        return _Stage(self.back, self.taps, self.full, (transpose_axis(x), transpose_axis(y)))


def filtered_lrelu(
    x: Tensor,
    b: Tensor | None,
    *,
    fu: Tensor | None,
    fd: Tensor | None,
    up_axes: Axes,
    down_axes: Axes,
    act: Act,
    flip_filter: bool,
) -> Tensor:
    """`explorer.ops.filtered_lrelu` on the GPU."""
    up = prepare_filter(fu, x, flip=flip_filter, gain=up_axes[0].up * up_axes[1].up)
    down = prepare_filter(fd, x, flip=flip_filter, gain=1.0)
    first, last = _Stage(up.taps, up.back, up.full, up_axes), _Stage(down.taps, down.back, down.full, down_axes)
    return _FilteredLrelu.apply(x, None if b is None else b.to(x.dtype), first, last, act)


class _FilteredLrelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, b: Tensor | None, first: _Stage, last: _Stage, act: Act) -> Tensor:
        noted = None
        if any(ctx.needs_input_grad):
            height, width = first.axes[1].out, first.axes[0].out
            noted = x.new_empty(x.shape[0] * x.shape[1], height, -(-width // 4), dtype=torch.uint8)
        ctx.save_for_backward(noted)
        ctx.rest = first, last, act
        return _run_tiles(x, b, noted, first, last, act, mode=0 if noted is None else 1)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (noted,) = ctx.saved_tensors
        first, last, act = ctx.rest
        dx = _Gated.apply(grad, noted, last.transposed(), first.transposed(), act)
        return dx, dx.sum([0, 2, 3]) if ctx.needs_input_grad[1] else None, None, None, None


class _Gated(torch.autograd.Function):
    """Up-sampling, the noted derivative, down-sampling: linear, so its gradient is of the same kind."""

    @staticmethod
    def forward(ctx: Any, g: Tensor, noted: Tensor, first: _Stage, last: _Stage, act: Act) -> Tensor:
        ctx.save_for_backward(noted)
        ctx.rest = first, last, act
        return _run_tiles(g, None, noted, first, last, act, mode=2)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        (noted,) = ctx.saved_tensors
        first, last, act = ctx.rest
        return _Gated.apply(grad, noted, last.transposed(), first.transposed(), act), None, None, None, None


def tile_for(first: Axes, last: Axes, *, up_full: bool, down_full: bool) -> tuple[int, int]:
    """Results of a block: as many as the shared memory of every supported GPU holds."""
    for tile in TILES:
        (out_x, out_y), (ux, uy), (dx, dy) = tile, first, last
        mid_x, mid_y = (out_x - 1) * dx.down + dx.taps, (out_y - 1) * dy.down + dy.taps
        in_x, in_y = (mid_x + ux.taps - 2) // ux.up + 2, (mid_y + uy.taps - 2) // uy.up + 2
        wide, narrow = 0 if up_full else in_y * mid_x, 0 if down_full else mid_y * out_x
        if 4 * (max(in_x * in_y + wide, narrow) + mid_x * mid_y) <= SHARED_BYTES:
            return tile
    raise ValueError(f"the filters are too long for one block: {first[0].taps} and {last[0].taps} taps")


def _run_tiles(
    x: Tensor, b: Tensor | None, noted: Tensor | None, first: _Stage, last: _Stage, act: Act, *, mode: int
) -> Tensor:
    x = x.contiguous()
    (ux, uy), (dx, dy) = first.axes, last.axes
    y = x.new_empty(*x.shape[:2], dy.out, dx.out)
    planes = x.shape[0] * x.shape[1]
    if y.numel() == 0:
        return y
    tile_x, tile_y = tile_for(first.axes, last.axes, up_full=first.full, down_full=last.full)
    kernel = _kernel(
        x, "filtered_lrelu", "filtered_lrelu",
        UP_X=ux.up, UP_Y=uy.up, DOWN_X=dx.down, DOWN_Y=dy.down,
        UP_TAPS_X=ux.taps, UP_TAPS_Y=uy.taps, DOWN_TAPS_X=dx.taps, DOWN_TAPS_Y=dy.taps,
        UP_FULL=int(first.full), DOWN_FULL=int(last.full), TILE_X=tile_x, TILE_Y=tile_y, MODE=mode,
    )  # fmt: skip
    grid = (-(-dx.out // tile_x), -(-dy.out // tile_y), min(planes, MOST_BLOCKS_Z))
    numbers = _ints(
        planes, x.shape[1], uy.size, ux.size, uy.out, ux.out, dy.out, dx.out, ux.before, uy.before, dx.before, dy.before
    )
    tensors = (x, None if b is None else b.contiguous(), first.taps, last.taps, y, noted)
    device_for(x).launch(kernel, grid, (THREADS, 1), (*tensors, *numbers, *act.numbers))
    return y


def bias_act(
    x: Tensor,
    b: Tensor | None,
    *,
    dim: int,
    act: str,
    alpha: float,
    gain: float,
    clamp: float | None,
    differentiable: Plain,
) -> Tensor:
    """`explorer.ops.bias_act` on the GPU; ``differentiable`` is the torch path, for second derivatives."""
    numbers = _floats(0.0 if act == "relu" else alpha, gain, -1 if clamp is None else clamp)
    return _BiasAct.apply(x, None if b is None else b.to(x.dtype), dim % x.ndim, act, numbers, differentiable)


class _BiasAct(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, b: Tensor | None, dim: int, act: str, numbers: tuple[np.float32, ...], plain: Plain
    ) -> Tensor:
        x = x.contiguous()
        ctx.save_for_backward(x, b)
        ctx.rest = dim, act, numbers, plain
        return _run_bias_act("bias_act", (x,), b, dim, act, numbers)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, b = ctx.saved_tensors
        dim, act, numbers, plain = ctx.rest
        if torch.is_grad_enabled():
            return *_torch_gradients(plain, (x, b), ctx.needs_input_grad, grad), None, None, None, None
        dx = _run_bias_act("bias_act_gradient", (grad.contiguous(), x), b, dim, act, numbers)
        others = [axis for axis in range(x.ndim) if axis != dim]
        db = dx.sum(others) if ctx.needs_input_grad[1] else None
        return dx, db, None, None, None, None


def _run_bias_act(
    name: str, sources: tuple[Tensor, ...], b: Tensor | None, dim: int, act: str, numbers: tuple[np.float32, ...]
) -> Tensor:
    x = sources[-1]
    y = torch.empty_like(x)
    if x.numel() == 0:
        return y
    kernel = _kernel(x, "bias_act", name, ACT=ACTIVATIONS.index(act))
    inner = int(np.prod(x.shape[dim + 1 :]))
    args = (*sources, None if b is None else b.contiguous(), y, np.int64(x.numel()), *_ints(inner, x.shape[dim]))
    device_for(x).launch(kernel, _grid(x.numel()), (THREADS, 1), (*args, *numbers))
    return y


def demodulate(energy: Tensor, styles: Tensor, *, epsilon: float) -> Tensor:
    """Reciprocal norms ``[N, O]`` from the weight's ``[O, I]`` and styles ``[N, I]``; without gradient."""
    energy, styles = energy.float().contiguous(), styles.float().contiguous()
    scale = styles.new_empty(styles.shape[0], energy.shape[0])
    args = (energy, styles, scale, *_ints(*energy.shape), *_floats(epsilon))
    kernel = _kernel(styles, "modulation", "demodulate")
    device_for(styles).launch(kernel, (energy.shape[0], styles.shape[0], 1), (128, 1), args)
    return scale


def scale_planes(x: Tensor, factor: Tensor) -> Tensor:
    """``x [N, C, H, W]`` times ``factor [N, C]``, which stays in float32."""
    return _ScalePlanes.apply(x, factor)


class _ScalePlanes(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, factor: Tensor) -> Tensor:
        ctx.save_for_backward(x, factor)
        x, y = x.contiguous(), x.new_empty(x.shape)
        inner = x.shape[2] * x.shape[3]
        args = (x, factor.float().contiguous(), y, np.int64(x.numel()), np.int32(inner))
        device_for(x).launch(_kernel(x, "modulation", "scale_planes"), _grid(x.numel()), (THREADS, 1), args)
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, factor = ctx.saved_tensors
        dx = scale_planes(grad, factor) if ctx.needs_input_grad[0] else None
        return dx, (grad.float() * x.float()).sum([2, 3]).to(factor.dtype) if ctx.needs_input_grad[1] else None


def finish(
    x: Tensor, scale: Tensor | None, noise: Tensor | None, bias: Tensor | None, act: Act, differentiable: Plain
) -> Tensor:
    """``act(scale * x + noise + bias)``: the end of a modulated layer in one pass.

    Args:
        x: ``[N, C, H, W]``.
        scale: ``[N, C]``, in float32.
        noise: ``[H, W]`` or ``[1 or N, 1, H, W]``.
        bias: ``[C]``.
        act: Leaky ReLU, gain, clamp.
        differentiable: The same by torch, for second derivatives.
    """
    maps = None if noise is None else noise.to(x.dtype).reshape(-1, 1, *x.shape[2:])
    return _Finish.apply(x, scale, maps, None if bias is None else bias.to(x.dtype), act, differentiable)


class _Finish(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, scale: Tensor | None, noise: Tensor | None, bias: Tensor | None, act: Act, plain: Plain
    ) -> Tensor:
        x = x.contiguous()
        ctx.save_for_backward(x, scale, noise, bias)
        ctx.rest = act, plain
        return _run_finish("finish", (x,), scale, noise, bias, act)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, scale, noise, bias = inputs = ctx.saved_tensors
        act, plain = ctx.rest
        needed = ctx.needs_input_grad
        if torch.is_grad_enabled():
            return *_torch_gradients(plain, inputs, needed, grad), None, None
        du = _run_finish("finish_gradient", (grad.contiguous(), x), scale, noise, bias, act)
        dx = du if scale is None else scale_planes(du, scale)
        dscale = dnoise = dbias = None
        if scale is not None and needed[1]:
            dscale = (du.float() * x.float()).sum([2, 3]).to(scale.dtype)
        if noise is not None and needed[2]:
            dnoise = du.sum(1, keepdim=True).sum_to_size(noise.shape)
        if bias is not None and needed[3]:
            dbias = du.sum([0, 2, 3])
        return dx if needed[0] else None, dscale, dnoise, dbias, None, None


def _run_finish(
    name: str, sources: tuple[Tensor, ...], scale: Tensor | None, noise: Tensor | None, bias: Tensor | None, act: Act
) -> Tensor:
    x = sources[-1]
    y = torch.empty_like(x)
    numbers = (np.int64(x.numel()), *_ints(x.shape[2] * x.shape[3], x.shape[1], 1 if noise is None else noise.shape[0]))
    factors = (
        None if scale is None else scale.float().contiguous(),
        None if noise is None else noise.contiguous(),
        None if bias is None else bias.contiguous(),
    )
    args = (*sources, *factors, y, *numbers, *act.numbers)
    device_for(x).launch(_kernel(x, "modulation", name), _grid(x.numel()), (THREADS, 1), args)
    return y


def pack_rgba(image: Tensor, out: Tensor | None = None) -> Tensor:
    """``[C, H, W]``, -1 to 1, grey, RGB or RGBA, to bytes ``[H, W, 4]``, straight into ``out`` where that is given."""
    c, h, w = image.shape
    image = image.contiguous()
    out = image.new_empty(h, w, 4, dtype=torch.uint8) if out is None else out
    args = (image, out, *_ints(c, h * w))
    device_for(image).launch(_kernel(image, "pack", "pack_rgba"), _grid(h * w), (THREADS, 1), args)
    return out


def _torch_gradients(
    plain: Plain, inputs: tuple[Tensor | None, ...], needed: tuple[bool, ...], grad: Tensor
) -> list[Tensor | None]:
    # Views, since one input may be made from another: what passes through it is not to be counted here.
    inputs = tuple(None if t is None else t.view_as(t) for t in inputs)
    wanted = [t for t, need in zip(inputs, needed, strict=False) if need]
    found = iter(torch.autograd.grad(plain(*inputs), wanted, grad, create_graph=True))
    return [next(found) if need else None for _, need in zip(inputs, needed, strict=False)]
