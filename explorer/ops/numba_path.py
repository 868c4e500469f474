"""The compiled path for float32 on a CPU, and its bridge to autograd.

Gradients run in compiled loops too. A second derivative (``create_graph=True``) is taken through the torch path,
which is differentiable as often as wanted.
"""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.ops import numba_filter
from explorer.ops import numba_kernels as kernels
from explorer.ops.act import NO_ACT, Act
from explorer.ops.geometry import Axis
from explorer.ops.numba_layout import StageShape, make_plan
from explorer.ops.numba_stage import Floats, Stage, make_stage, resampling_stages
from explorer.ops.workers import PIECES_PER_THREAD, share_out, thread_count

# The torch path of an operation, as a function of its input and bias.
Plain = Callable[[Tensor, Tensor | None], Tensor]


# The table of taps ends with a 0 and a 1, see `numba_layout.Plan.tap`.
_CONSTANTS = np.array([0, 1], np.float32)


def upfirdn2d(x: Tensor, f: Tensor | None, axes: tuple[Axis, Axis], *, flip_filter: bool, gain: float) -> Tensor:
    """Compiled `explorer.ops.upfirdn2d`."""
    return _Resample.apply(x, *resampling_stages(f, axes, flip_filter=flip_filter, gain=gain))


def filtered_lrelu(
    x: Tensor,
    b: Tensor | None,
    *,
    fu: Tensor | None,
    fd: Tensor | None,
    up_axes: tuple[Axis, Axis],
    down_axes: tuple[Axis, Axis],
    act: Act,
    flip_filter: bool,
    differentiable: Plain,
) -> Tensor:
    """Compiled `explorer.ops.filtered_lrelu`; ``differentiable`` is the torch path, for second derivatives."""
    first = make_stage(fu, up_axes, flip_filter=flip_filter, gain=up_axes[0].up * up_axes[1].up)
    last = make_stage(fd, down_axes, flip_filter=flip_filter, gain=1.0)
    return _FilteredLrelu.apply(x, b, first, last, act, differentiable)


def bias_lrelu(x: Tensor, b: Tensor | None, dim: int, act: Act, differentiable: Plain) -> Tensor:
    """Compiled bias, leaky ReLU, gain and clamp; ``differentiable`` is the torch path, for second derivatives."""
    return _BiasLrelu.apply(x, b, dim % x.ndim, act, differentiable)


class _Resample(torch.autograd.Function):
    """Linear, so its gradient is another resampling, and so on for every higher derivative."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, first: Stage, last: Stage) -> Tensor:
        ctx.stages = first, last
        return _run_stages(x, None, first, last, mode=0, act=NO_ACT)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        first, last = ctx.stages
        return _Resample.apply(grad, last.transposed(), first.transposed()), None, None


class _FilteredLrelu(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, x: Tensor, b: Tensor | None, first: Stage, last: Stage, act: Act, differentiable: Plain
    ) -> Tensor:
        ctx.save_for_backward(x, b)
        ctx.rest = first, last, act, differentiable
        return _run_stages(x, b, first, last, mode=1, act=act)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, b = ctx.saved_tensors
        first, last, act, differentiable = ctx.rest
        if torch.is_grad_enabled():
            return *_torch_gradients(ctx, x, b, grad, differentiable), None, None, None, None
        # The picture between the filters is made again rather than kept: it is the largest of all.
        dx = _run_stages(grad, b, last.transposed(), first.transposed(), mode=2, act=act, gate=(x, first))
        db = dx.sum([0, 2, 3]) if ctx.needs_input_grad[1] else None
        return dx if ctx.needs_input_grad[0] else None, db, None, None, None, None


class _BiasLrelu(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, b: Tensor | None, dim: int, act: Act, differentiable: Plain) -> Tensor:
        ctx.save_for_backward(x, b)
        ctx.rest = dim, act, differentiable
        out = torch.empty_like(x, memory_format=torch.contiguous_format)
        _run_bias(kernels.bias_lrelu, (_flat(x),), b, x, dim, out, act)
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, b = ctx.saved_tensors
        dim, act, differentiable = ctx.rest
        if torch.is_grad_enabled():
            return *_torch_gradients(ctx, x, b, grad, differentiable), None, None, None
        dx = torch.empty_like(x, memory_format=torch.contiguous_format)
        _run_bias(kernels.bias_lrelu_gradient, (_flat(grad), _flat(x)), b, x, dim, dx, act)
        others = [axis for axis in range(x.ndim) if axis != dim]
        db = dx.sum(others) if ctx.needs_input_grad[1] else None
        return dx if ctx.needs_input_grad[0] else None, db, None, None, None


def _torch_gradients(ctx: Any, x: Tensor, b: Tensor | None, grad: Tensor, differentiable: Plain) -> list[Tensor | None]:
    wanted = [t for t, needed in zip((x, b), ctx.needs_input_grad[:2], strict=True) if needed]
    found = iter(torch.autograd.grad(differentiable(x, b), wanted, grad, create_graph=True))
    return [next(found) if needed else None for needed in ctx.needs_input_grad[:2]]


def _flat(x: Tensor) -> Floats:
    return x.detach().contiguous().numpy().reshape(-1)


def _bias(b: Tensor | None) -> Floats:
    return np.zeros(1, np.float32) if b is None else _flat(b.to(torch.float32))


def _run_bias(
    kernel: Callable[..., None],
    sources: tuple[Floats, ...],
    b: Tensor | None,
    x: Tensor,
    dim: int,
    out: Tensor,
    act: Act,
) -> None:
    inner = math.prod(x.shape[dim + 1 :])
    runs = math.prod(x.shape[: dim + 1])
    bias, flat = _bias(b), out.numpy().reshape(-1)
    share_out(
        lambda first, last: kernel(*sources, bias, flat, inner, first, last, *act.numbers),
        runs,
        x.numel(),
    )


def _run_stages(
    src: Tensor,
    b: Tensor | None,
    first: Stage,
    last: Stage,
    *,
    mode: int,
    act: Act,
    gate: tuple[Tensor, Stage] | None = None,
) -> Tensor:
    """Call the fused loops: ``mode`` as in `numba_kernels.fused`; ``gate`` is what mode 2 looks at."""
    if numba_filter.pays(src, gate):
        return numba_filter.run(src, b, first, last, mode=mode, act=act, gate=gate)
    n, c = src.shape[:2]
    out = torch.empty(n, c, last.shape.y.out, last.shape.x.out)
    if out.numel() == 0:
        return out
    wanted_blocks = -(-PIECES_PER_THREAD * thread_count() // (n * c)) if thread_count() > 1 else 1
    gate_shape: StageShape | None = None if gate is None else gate[1].shape
    plan = make_plan(first.shape, last.shape, gate_shape, wanted_blocks)

    taps = [first.taps, last.taps] if gate is None else [first.taps, gate[1].taps, last.taps]
    coef = np.concatenate([*taps, _CONSTANTS])[plan.tap]
    source, bias, flat = _flat(src), _bias(b), out.numpy().reshape(-1)
    gate_source = source if gate is None else _flat(gate[0])

    def work(low: int, high: int) -> None:
        kernels.fused(
            source, bias, flat, gate_source, mode, act.numbers, low, high, plan.blocks, plan.block_rows,
            plan.arena_size, plan.between, plan.pre_at, plan.in_grid, plan.gate_grid, plan.out_grid,
            plan.up_jobs, plan.gate_jobs, plan.down_jobs, plan.start, coef,
        )  # fmt: skip

    # The work is in the samples between the filters.
    share_out(work, n * c * plan.blocks, n * c * first.shape.x.out * first.shape.y.out)
    return out


def compile_all() -> None:
    """Compile every kernel, or load it from the cache on disk, by running each once on almost nothing."""
    x = torch.zeros(1, 1, 2, 2)
    point = (Axis(2, 1, 1, 1, 0, 0), Axis(2, 1, 1, 1, 0, 0))
    plain = make_stage(None, point, flip_filter=False, gain=1.0)
    _run_stages(x, None, plain, plain, mode=0, act=NO_ACT)
    out = torch.empty_like(x)
    _run_bias(kernels.bias_lrelu, (_flat(x),), None, x, 1, out, NO_ACT)
    _run_bias(kernels.bias_lrelu_gradient, (_flat(x), _flat(x)), None, x, 1, out, NO_ACT)
    numba_filter.compile_all()
