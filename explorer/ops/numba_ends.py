"""Compiled ends of a layer for pictures in channels-last order, as they are trained on a CPU, and their gradients.

Torch's convolutions are fastest on that order, but scale, noise, bias, activation and gain are then a pass over memory
each, and as many again on the way back. Here they are one pass each way. A second derivative is taken through torch.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numba import njit
from torch import Tensor

from explorer.ops.act import NO_ACT, Act
from explorer.ops.numba_stage import Floats
from explorer.ops.workers import share_out

_OPTIONS = {"nogil": True, "cache": True, "fastmath": {"contract", "reassoc", "nsz"}, "error_model": "numpy"}
# Pixels of one sample whose sums are kept together, whoever computes them: sums do not depend on the threads.
_PIXELS = 512

# The torch path of the same, as a function of result, scale, noise and bias.
Plain = Callable[[Tensor, Tensor | None, Tensor | None, Tensor | None], Tensor]


def end_channels_last(
    y: Tensor, scale: Tensor | None, noise: Tensor | None, bias: Tensor | None, *, act: Act, differentiable: Plain
) -> Tensor:
    """``act(y * scale + noise + bias)`` of a picture in channels-last order.

    Args:
        y: ``[N, C, H, W]``, float32, its channels next to one another.
        scale: ``[N, C]``; 1 when None.
        noise: Broadcast to ``[N, 1, H, W]``; 0 when None.
        bias: ``[C]``; 0 when None.
        act: Its gain is above 0.
        differentiable: The torch path, for second derivatives.
    """
    return _End.apply(y, scale, noise, bias, act, differentiable)


class _End(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        y: Tensor,
        scale: Tensor | None,
        noise: Tensor | None,
        bias: Tensor | None,
        act: Act,
        differentiable: Plain,
    ) -> Tensor:
        out = torch.empty_like(y)
        maps, factors, offsets = _noise(noise, y), _scale(scale, y), _bias(bias, y)
        pixels = y.shape[2] * y.shape[3]
        share_out(
            lambda first, last: _end(_rows(y), factors, maps, offsets, _rows(out), pixels, act.numbers, first, last),
            _blocks(y),
            y.numel(),
        )
        ctx.save_for_backward(y, scale, noise, bias)
        ctx.rest = act, differentiable
        return out

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        y, scale, noise, bias = ctx.saved_tensors
        act, differentiable = ctx.rest
        needed = ctx.needs_input_grad[:4]
        if torch.is_grad_enabled():
            # Views, since the scale may be made from what the picture was: only the direct way counts here.
            inputs = tuple(None if t is None else t.view_as(t) for t in (y, scale, noise, bias))
            wanted = [t for t, need in zip(inputs, needed, strict=True) if need]
            found = iter(torch.autograd.grad(differentiable(*inputs), wanted, grad, create_graph=True))
            return *(next(found) if need else None for need in needed), None, None
        grad = grad.contiguous(memory_format=torch.channels_last)
        n, c, h, w = y.shape
        dy, blocks = torch.empty_like(y), _blocks(y)
        sums = torch.empty(blocks, 2, c)
        dmaps = np.empty((n, h * w if needed[2] else 0), np.float32)
        maps, factors, offsets = _noise(noise, y), _scale(scale, y), _bias(bias, y)
        share_out(
            lambda first, last: _end_gradient(
                _rows(grad), _rows(y), factors, maps, offsets, _rows(dy), sums.numpy(), dmaps, h * w,
                act.numbers, first, last,
            ),
            blocks,
            y.numel(),
        )  # fmt: skip
        whole = sums.view(n, -1, 2, c).sum(1)  # [N, 2, C]
        return (
            dy if needed[0] else None,
            whole[:, 1] if scale is not None and needed[1] else None,
            torch.from_numpy(dmaps).view(n, 1, h, w).sum_to_size(noise.shape)
            if noise is not None and needed[2]
            else None,
            whole[:, 0].sum(0) if bias is not None and needed[3] else None,
            None,
            None,
        )


def _blocks(y: Tensor) -> int:
    return y.shape[0] * -(-(y.shape[2] * y.shape[3]) // _PIXELS)


def _rows(y: Tensor) -> Floats:
    """``[N * H * W, C]`` of a picture in channels-last order, without a copy."""
    return y.detach().permute(0, 2, 3, 1).reshape(-1, y.shape[1]).numpy()


def _noise(noise: Tensor | None, y: Tensor) -> Floats:
    """``[N or 1, H * W]``, or nothing."""
    if noise is None:
        return np.empty((1, 0), np.float32)
    shape = torch.broadcast_shapes(noise.shape, (1, 1, *y.shape[2:]))
    return noise.detach().to(torch.float32).expand(shape).reshape(shape[0], -1).contiguous().numpy()


def _scale(scale: Tensor | None, y: Tensor) -> Floats:
    if scale is None:
        return np.ones(y.shape[:2], np.float32)
    return scale.detach().to(torch.float32).contiguous().numpy()


def _bias(bias: Tensor | None, y: Tensor) -> Floats:
    if bias is None:
        return np.zeros(y.shape[1], np.float32)
    return bias.detach().to(torch.float32).contiguous().numpy()


@njit(**_OPTIONS)
def _end(src, scale, noise, bias, out, pixels, act, first, last):
    """Blocks first to last: scale, add noise and bias, activate and clamp (none below 0).

    Args:
        src: ``[N * pixels, C]``.
        scale: ``[N, C]``.
        noise: ``[N or 1, pixels]``, or ``[1, 0]``.
        bias: ``[C]``.
        out: Like ``src``.
        pixels: Of one sample.
        act: ``(gain, slope, clamp)``.
        first: First block of `_PIXELS` pixels; ``last`` the one behind.
    """
    gain, slope, clamp = act
    low = gain * slope
    channels, blocks = src.shape[1], -(-pixels // _PIXELS)
    for block in range(first, last):
        n, start = block // blocks, block % blocks * _PIXELS
        for p in range(start, min(start + _PIXELS, pixels)):
            q = n * pixels + p
            z = noise[n % noise.shape[0], p] if noise.size else np.float32(0)
            for c in range(channels):
                u = src[q, c] * scale[n, c] + (z + bias[c])
                out[q, c] = u * (gain if u > 0 else low)
            if clamp >= 0:
                for c in range(channels):
                    u = clamp if out[q, c] > clamp else out[q, c]
                    out[q, c] = -clamp if u < -clamp else u


@njit(**_OPTIONS)
def _end_gradient(grad, src, scale, noise, bias, back, sums, dnoise, pixels, act, first, last):
    """Gradient of `_end`, for the same blocks.

    Args:
        grad: Gradient by the result, ``[N * pixels, C]``.
        src: As in `_end`; so are ``scale``, ``noise`` and ``bias``.
        back: Gradient by ``src``.
        sums: ``[blocks, 2, C]``: of the gradient by what was activated, and of that times the source.
        dnoise: Gradient by a noise of each sample, ``[N, pixels]`` or ``[N, 0]``.
        pixels: Of one sample.
        act: ``(gain, slope, clamp)``.
        first: First block; ``last`` the one behind.
    """
    gain, slope, clamp = act
    low = gain * slope
    limit = clamp if clamp >= 0 else np.float32(np.inf)
    channels, blocks = grad.shape[1], -(-pixels // _PIXELS)
    for block in range(first, last):
        n, start = block // blocks, block % blocks * _PIXELS
        sums[block] = 0
        for p in range(start, min(start + _PIXELS, pixels)):
            q = n * pixels + p
            z = noise[n % noise.shape[0], p] if noise.size else np.float32(0)
            whole = np.float32(0)
            for c in range(channels):
                v = src[q, c] * scale[n, c] + (z + bias[c])
                factor = gain if v > 0 else low
                u = np.float32(0) if abs(v * factor) > limit else grad[q, c] * factor
                back[q, c] = u * scale[n, c]
                sums[block, 0, c] += u
                sums[block, 1, c] += u * src[q, c]
                whole += u
            if dnoise.size:
                dnoise[n, p] = whole


def compile_all() -> None:
    """Compile both kernels, or load them from the cache on disk, by running each once on almost nothing."""
    y = torch.zeros(1, 2, 2, 2).to(memory_format=torch.channels_last).requires_grad_()
    with torch.enable_grad():
        end = end_channels_last(y, None, None, None, act=NO_ACT, differentiable=lambda y, *_: y)
    end.sum().backward()
