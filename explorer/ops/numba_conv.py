"""The compiled path of modulated convolutions for float32 on a CPU, and its bridge to autograd.

A layer's style scales what goes in and its demodulation what comes out, both inside loops that touch the samples
anyway; the weights stay as they are, so their forms (`explorer.ops.prepared`) are made once. Matrix products do the
rest, and each thread does its own on a block of the picture that stays in its cache.

Weights get no gradient here. A second derivative is taken through the torch path.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.ops import numba_conv_kernels as kernels
from explorer.ops import prepared
from explorer.ops.act import NO_ACT, Act
from explorer.ops.numba_stage import Floats
from explorer.ops.workers import scratch, share_out, share_out_products, thread_count

# Samples before and after the products of a block of tiles: more do not fit the caches, and fewer than TILES tiles
# keep neither the products nor the loops busy.
WINOGRAD_SAMPLES = 1 << 22
WINOGRAD_TILES = (128, 1024)
# Pictures of up to so many tiles are one block, which threads share out by channels.
WHOLE_TILES = 256
# Winograd reads weights that are four times as large: only larger pictures repay that.
WINOGRAD_FROM_SAMPLES = 16 * 16
# Samples that come into an up-sampling block, and what the products of some of its channels take.
UP_SAMPLES = 1 << 20
UP_PRODUCTS = 1 << 19

# The torch path of the whole operation, as a function of input, styles, scale, noise and bias.
Plain = Callable[..., Tensor]


@dataclass(frozen=True, slots=True)
class ConvShape:
    """What a convolution is, beside its tensors."""

    pad: int
    """Zeros around the picture; 1 where ``up`` is 2."""
    up: int
    """1, or 2 with a kernel of 3 x 3 and a filter of four taps."""
    flip: bool
    """Only for ``up`` 2: a correlation."""
    taps: tuple[float, ...] = ()
    """The resampling filter in correlation order: four along y, four along x, gain included."""


def scaled_conv(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    scale: Tensor | None,
    noise: Tensor | None,
    bias: Tensor | None,
    *,
    shape: ConvShape,
    act: Act | None,
    differentiable: Plain,
) -> Tensor:
    """``act(scale * conv(styles * x) + noise + bias)``.

    Args:
        x: ``[N, I, H, W]``.
        weight: ``[O, I, K, K]``, without gradient.
        styles: ``[N, I]``.
        scale: ``[N, O]``; 1 when None.
        noise: Broadcast to ``[N, 1, H', W']``.
        bias: ``[O]``.
        shape: Padding and resampling.
        act: Activation; None is the identity.
        differentiable: The torch path, for second derivatives.
    """
    return _ScaledConv.apply(
        x, styles, scale, noise, bias, weight, shape, NO_ACT if act is None else act, differentiable
    )


class _ScaledConv(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        styles: Tensor,
        scale: Tensor | None,
        noise: Tensor | None,
        bias: Tensor | None,
        weight: Tensor,
        shape: ConvShape,
        act: Act,
        differentiable: Plain,
    ) -> Tensor:
        x = x.contiguous()
        full = x.new_ones(x.shape[0], weight.shape[0]) if scale is None else scale
        y = _forward(x, weight, styles, full, noise, bias, shape, act)
        ctx.save_for_backward(x, styles, scale, noise, bias, y)
        ctx.rest = weight, shape, act, differentiable
        return y

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, ...]:
        x, styles, scale, noise, bias, y = ctx.saved_tensors
        weight, shape, act, differentiable = ctx.rest
        needed = ctx.needs_input_grad[:5]
        if torch.is_grad_enabled():
            # Views, since the scale is itself made from the styles: what passes through it is not to be counted here.
            inputs = tuple(None if t is None else t.view_as(t) for t in (x, styles, scale, noise, bias))
            wanted = [t for t, need in zip(inputs, needed, strict=True) if need]
            found = iter(torch.autograd.grad(differentiable(*inputs), wanted, grad, create_graph=True))
            return *(next(found) if need else None for need in needed), None, None, None, None

        inner, sums = torch.empty_like(y), torch.empty(y.shape[0], y.shape[1], 2)
        _finish_gradient(grad, y, noise, bias, inner, sums, act)
        full = x.new_ones(y.shape[:2]) if scale is None else scale
        dx = dstyles = dscale = dnoise = dbias = None
        if needed[0] or needed[1]:
            dx = _transposed(inner, weight, full, x.shape, shape)
            dstyles = _scale_gradient(dx, x, styles)
        if scale is not None and needed[2]:
            dscale = sums[:, :, 1] / scale
        if noise is not None and needed[3]:
            dnoise = inner.sum(1, keepdim=True).sum_to_size(noise.shape)
        if bias is not None and needed[4]:
            dbias = sums[:, :, 0].sum(0)
        return dx if needed[0] else None, dstyles, dscale, dnoise, dbias, None, None, None, None


def _flat(x: Tensor) -> Floats:
    return x.detach().to(torch.float32).contiguous().numpy().reshape(-1)


def _forward(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    scale: Tensor,
    noise: Tensor | None,
    bias: Tensor | None,
    shape: ConvShape,
    act: Act,
) -> Tensor:
    n, _, h, w = x.shape
    o, _, kernel, _ = weight.shape
    grow = 2 * shape.pad - kernel + 1
    size = (2 * h, 2 * w) if shape.up == 2 else (h + grow, w + grow)
    y = torch.empty(n, o, *size)
    s, d = _flat(styles).reshape(n, -1), _flat(scale).reshape(n, -1)
    ends = _Ends(_maps(noise, size), np.zeros(1, np.float32) if bias is None else _flat(bias), act.numbers)
    if shape.up == 2:
        _up(x, prepared.corners(weight, flip=shape.flip, back=False), s, d, ends, shape, y)
    else:
        _plain(x, weight, s, d, ends, shape.pad, y, back=False)
    return y


def _maps(noise: Tensor | None, size: tuple[int, int]) -> Floats:
    if noise is None:
        return np.zeros((1, 0), np.float32)
    noise = noise.expand(*torch.broadcast_shapes(noise.shape, (1, 1, *size)))
    return _flat(noise).reshape(noise.shape[0], -1)


@dataclass(frozen=True, slots=True)
class _Ends:
    """What `kernels.finish` is told beside the scale."""

    maps: Floats
    bias: Floats
    act: tuple[np.float32, np.float32, np.float32]

    def noise(self, sample: int) -> Floats:
        return self.maps[sample % len(self.maps)]


_NO_ENDS = _Ends(np.zeros((1, 0), np.float32), np.zeros(1, np.float32), NO_ACT.numbers)


def _plain(x: Tensor, weight: Tensor, s: Floats, d: Floats, ends: _Ends, pad: int, y: Tensor, *, back: bool) -> None:
    """A convolution that keeps its size but for the padding."""
    spread = None
    if weight.shape[2] == 3 and y.shape[2] * y.shape[3] >= WINOGRAD_FROM_SAMPLES:
        spread = prepared.winograd(weight, back=back)
    if spread is None:
        _unfolded(x, prepared.rows(weight, back=back), weight.shape[2], s, d, ends, pad, y)
    else:
        _winograd(x, spread, s, d, ends, pad, y)


def _winograd(x: Tensor, spread: Tensor, s: Floats, d: Floats, ends: _Ends, pad: int, y: Tensor) -> None:
    n, c, h, w = x.shape
    o, out_h, out_w = y.shape[1:]
    across, down = -(-out_w // kernels.TILE), -(-out_h // kernels.TILE)
    if across * down <= WHOLE_TILES and thread_count() > 1:
        _winograd_whole(x, spread, s, d, ends, pad, y, down, across)
        return
    fitting = WINOGRAD_SAMPLES // (36 * (c + o))
    low, high = WINOGRAD_TILES
    blocks = max(1, round(across * down / min(high, max(low, fitting))))
    blocks = min(down, -(-blocks // thread_count()) * thread_count())
    rows = -(-down // blocks)
    blocks = -(-down // rows)
    source, result = _flat(x).reshape(n, -1), y.numpy().reshape(n, -1)

    def work(first: int, last: int) -> None:
        for item in range(first, last):
            sample, top = item // blocks, item % blocks * rows
            tall = min(rows, down - top)
            tiles = tall * across
            v, m = scratch("in", 36 * c * tiles), scratch("out", 36 * o * tiles)
            kernels.winograd_in(source[sample], s[sample], v.numpy(), h, w, pad, c, 0, c, top, tall, across)
            torch.bmm(spread, v.view(36, c, tiles), out=m.view(36, o, tiles))
            kernels.winograd_out(
                m.numpy(), d[sample], ends.noise(sample), ends.bias, ends.act, result[sample], out_h, out_w,
                0, o, top, tall, across,
            )  # fmt: skip

    share_out_products(work, n * blocks)


def _winograd_whole(
    x: Tensor, spread: Tensor, s: Floats, d: Floats, ends: _Ends, pad: int, y: Tensor, down: int, across: int
) -> None:
    """A small picture: its weights are most of what is read, so each is read by one thread only."""
    n, c, h, w = x.shape
    o, out_h, out_w = y.shape[1:]
    tiles, parts = down * across, thread_count()
    source, result = _flat(x).reshape(n, -1), y.numpy().reshape(n, -1)
    v = scratch("whole", 36 * c * tiles)
    for sample in range(n):

        def come_in(first: int, last: int, sample: int = sample) -> None:
            kernels.winograd_in(source[sample], s[sample], v.numpy(), h, w, pad, c, first, last, 0, down, across)

        def work(first: int, last: int, sample: int = sample) -> None:
            low, high = o * first // parts, o * last // parts
            m = scratch("out", 36 * (high - low) * tiles)
            torch.bmm(spread[:, low:high], v.view(36, c, tiles), out=m.view(36, high - low, tiles))
            kernels.winograd_out(
                m.numpy(), d[sample], ends.noise(sample), ends.bias, ends.act, result[sample], out_h, out_w,
                low, high, 0, down, across,
            )  # fmt: skip

        share_out(come_in, c, c * h * w)
        share_out_products(work, parts)


def _unfolded(x: Tensor, weight: Tensor, kernel: int, s: Floats, d: Floats, ends: _Ends, pad: int, y: Tensor) -> None:
    n, c, h, w = x.shape
    o, out_h, out_w = y.shape[1:]
    inner = out_h * out_w
    source, result = _flat(x).reshape(n, -1), y.numpy().reshape(n, -1)
    cols = scratch("in", c * kernel**2 * inner)
    parts = min(o, thread_count())
    for sample in range(n):
        kernels.unfold(source[sample], s[sample], cols.numpy(), h, w, pad, kernel, out_h, out_w, 0, c)

        def work(first: int, last: int, sample: int = sample) -> None:
            low, high = o * first // parts, o * last // parts
            p = scratch("out", (high - low) * inner)
            torch.mm(weight[low:high], cols.view(-1, inner), out=p.view(high - low, inner))
            kernels.fold_out(
                p.numpy(), d[sample], ends.noise(sample), ends.bias, ends.act, result[sample], inner, low, high
            )

        share_out_products(work, parts)


def _up(x: Tensor, weight: Tensor, s: Floats, d: Floats, ends: _Ends, shape: ConvShape, y: Tensor) -> None:
    n, c, h, w = x.shape
    o = y.shape[1]
    f = np.array(shape.taps, np.float32).reshape(2, 4)
    rows = min(h, max(6, UP_SAMPLES // (c * (w + 1)) - 2))
    threads = thread_count()
    blocks = -(-h // rows)
    blocks = min(h, -(-blocks // threads) * threads) if blocks > 1 else 1
    rows = -(-h // blocks)
    blocks = -(-h // rows)
    # A small picture is one block, and shared out by its channels.
    parts = min(o, threads) if n * blocks < threads else 1
    few = max(8, UP_PRODUCTS // (9 * (rows + 2) * (w + 1)))
    source, result = _flat(x).reshape(n, -1), y.numpy().reshape(n, -1)

    def work(first: int, last: int) -> None:
        for item in range(first, last):
            sample, block, part = item // (blocks * parts), item // parts % blocks, item % parts
            top = block * rows
            tall = min(rows, h - top)
            inner = (tall + 2) * (w + 1)
            into = scratch("in", c * inner)
            kernels.up_in(source[sample], s[sample], into.numpy(), h, w, c, top, tall)
            end = o * (part + 1) // parts
            for low in range(o * part // parts, end, few):
                high = min(end, low + few)
                # A sample of room on either side: in front it is read as a zero.
                p = scratch("out", (high - low) * 9 * inner + 2)
                p[0] = 0
                torch.mm(weight[low * 9 : high * 9], into.view(c, inner), out=p[1:-1].view(-1, inner))
                kernels.up_out(
                    p.numpy(), f, d[sample], ends.noise(sample), ends.bias, ends.act, result[sample], h, w,
                    low, high, top, tall,
                )  # fmt: skip

    share_out_products(work, n * blocks * parts)


def _transposed(g: Tensor, weight: Tensor, scale: Tensor, size: torch.Size, shape: ConvShape) -> Tensor:
    """The gradient by ``styles * x`` from that by the unscaled result times ``scale``."""
    n, o = g.shape[:2]
    d = torch.empty(size)
    inward, plain = _flat(scale).reshape(n, o), np.ones((n, size[1]), np.float32)
    if shape.up == 1:
        _plain(g, weight, inward, plain, _NO_ENDS, weight.shape[2] - 1 - shape.pad, d, back=True)
        return d
    _up_transposed(g, prepared.corners(weight, flip=shape.flip, back=True), inward, shape, d)
    return d


def _up_transposed(g: Tensor, weight: Tensor, s: Floats, shape: ConvShape, d: Tensor) -> None:
    n, c, h, w = d.shape
    o = g.shape[1]
    f = np.array(shape.taps, np.float32).reshape(2, 4)
    most = max(1, 2 * UP_SAMPLES // (9 * o * w))
    threads = thread_count()
    blocks = min(h, -(-max(-(-h // most), 1) // threads) * threads)
    rows = -(-h // blocks)
    blocks = -(-h // rows)
    source, result = _flat(g).reshape(n, -1), d.flatten(2)

    def work(first: int, last: int) -> None:
        for item in range(first, last):
            sample, top = item // blocks, item % blocks * rows
            high = min(rows, h - top)
            q = scratch("in", o * 9 * high * w)
            kernels.up_gradient_in(source[sample], s[sample], f, q.numpy(), h, w, o, top, high)
            part = scratch("out", c * high * w).view(c, high * w)
            torch.mm(weight, q.view(o * 9, high * w), out=part)
            result[sample, :, top * w : (top + high) * w] = part

    share_out_products(work, n * blocks)


def _finish_gradient(
    grad: Tensor, y: Tensor, noise: Tensor | None, bias: Tensor | None, inner: Tensor, sums: Tensor, act: Act
) -> None:
    n, o, h, w = y.shape
    maps = None if noise is None else noise.expand(n, 1, h, w)
    flat_bias = np.zeros(1, np.float32) if bias is None else _flat(bias)
    for sample in range(n):
        args = (_flat(grad[sample]), _flat(y[sample]))
        args += (np.zeros(0, np.float32) if maps is None else _flat(maps[sample]), flat_bias)
        args += (inner[sample].numpy().reshape(-1), sums[sample].numpy())
        share_out(
            lambda first, last, args=args: kernels.finish_gradient(*args, act.numbers, h * w, first, last),
            o,
            o * h * w,
        )


def _scale_gradient(d: Tensor, x: Tensor, styles: Tensor) -> Tensor:
    """The gradient by the styles; ``d``, by their product with ``x``, becomes that by ``x``."""
    n, c, h, w = d.shape
    dots = torch.empty(n, c)
    share_out(
        lambda first, last: kernels.scale_gradient(
            d.numpy().reshape(-1), _flat(x), _flat(styles), dots.numpy().reshape(-1), h * w, first, last
        ),
        n * c,
        d.numel(),
    )
    return dots


def compile_all() -> None:
    """Compile every kernel, or load it from the cache on disk, by running each once on almost nothing."""
    x, ones = torch.zeros(1, 1, 4, 4), torch.ones(1, 1)
    weight = torch.zeros(1, 1, 3, 3)
    ends = _Ends(np.zeros((1, 16), np.float32), np.zeros(1, np.float32), NO_ACT.numbers)
    flat = _flat(ones).reshape(1, 1)
    _winograd(x, torch.zeros(36, 1, 1), flat, flat, ends, 1, x.clone())
    _winograd_whole(x, torch.zeros(36, 1, 1), flat, flat, ends, 1, x.clone(), 1, 1)
    _unfolded(x, weight.flatten(1), 3, flat, flat, ends, 1, x.clone())
    shape = ConvShape(1, 2, False, (0.0,) * 8)
    large = torch.zeros(1, 1, 8, 8)
    large_ends = _Ends(np.zeros((1, 64), np.float32), np.zeros(1, np.float32), NO_ACT.numbers)
    _up(x, torch.zeros(9, 1), flat, flat, large_ends, shape, large)
    _up_transposed(large, torch.zeros(1, 9), flat, shape, x.clone())
    _finish_gradient(x, x, None, None, x.clone(), torch.empty(1, 1, 2), NO_ACT)
    _scale_gradient(x.clone(), x, ones)
