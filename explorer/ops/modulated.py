"""Convolutions whose weights a style scales, and what follows them in a layer."""

from collections.abc import Callable

import torch
from torch import Tensor

from explorer.ops import prepared
from explorer.ops.act import NO_ACT
from explorer.ops.activations import COMPILED, bias_act
from explorer.ops.convolution import conv2d_resample
from explorer.ops.dispatch import choose, cuda_lacks, exporting, numba_lacks
from explorer.ops.ends import Epilogue, layer_end, plain_end
from explorer.ops.filter_design import separate
from explorer.ops.geometry import Padding, channels_last, parse_padding

# Keeps the demodulation finite for a style of all zeros.
EPSILON = 1e-8
# Where the compiled path pays, by `tests/benchmarks/ops.py`: up-sampling from so many channels on; else from so many,
# where there is so much to do, or so large a weight that reading it takes most of the time.
NUMBA_FROM_UP_CHANNELS = 8
NUMBA_FROM_CHANNELS = 32
NUMBA_FROM_PRODUCTS = 1 << 24
NUMBA_FROM_WEIGHTS = 1 << 16


def modulated_conv2d(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    *,
    noise: Tensor | None = None,
    up: int = 1,
    down: int = 1,
    padding: Padding = 0,
    resample_filter: Tensor | None = None,
    demodulate: bool = True,
    flip_weight: bool = True,
    epilogue: Epilogue | None = None,
    impl: str | None = None,
) -> Tensor:
    """Convolve with weights that each sample's style scales: StyleGAN2's layer.

    Args:
        x: ``[N, I, H, W]``.
        weight: ``[O, I, KH, KW]``.
        styles: ``[N, I]``, factors on the input channels.
        noise: Added to the result, broadcast to ``[N, O, H', W']``.
        up: Factor of up-sampling.
        down: Factor of down-sampling.
        padding: As in `conv2d_resample`.
        resample_filter: Low-pass filter for the resampling.
        demodulate: Scale each output channel back to the variance of the input.
        flip_weight: True is a correlation.
        epilogue: Bias and activation of the layer.
        impl: Path to take, see `explorer.ops.dispatch`.

    Raises:
        ValueError: Shapes do not fit.
        KernelUnavailable: ``impl`` names a path that does not exist here.

    Source: StyleGAN2 (Karras et al. 2020), section 2.2, equations 1 to 3.
    """
    _check_modulation(x, weight, styles)
    resample = {"up": up, "down": down, "padding": padding, "f": resample_filter, "flip_weight": flip_weight}
    lacks = _lacks(x, weight, noise, **resample) or (epilogue and epilogue.lacks)
    path = choose(
        "modulated_conv2d",
        x,
        impl,
        lacks=lacks,
        pays=lambda: _pays(x, weight, up),
        cuda_lacks=cuda_lacks(x, resample_filter),
    )
    if path == "numba":
        scale = _demodulation(prepared.energy(weight), styles) if demodulate else None
        return _compiled(x, weight, styles, scale, noise, epilogue, **resample)
    if path == "cuda":
        if x.dtype == torch.float16 and demodulate:
            weight, styles = _prescale_for_half(weight, styles)
        scale = _cuda_demodulation(weight, styles) if demodulate else None
        return _on_gpu(x, weight, styles, scale, noise, epilogue, **resample)
    if path == "reference":
        return _in_double(
            lambda x, weight, styles, noise: _plain(x, weight, styles, noise, demodulate, epilogue, **resample),
            x, weight, styles, noise,
        )  # fmt: skip
    return _plain(x, weight, styles, noise, demodulate, epilogue, impl=impl, **resample)


def _plain(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    noise: Tensor | None,
    demodulate: bool,
    epilogue: Epilogue | None,
    *,
    impl: str | None = None,
    **resample: object,
) -> Tensor:
    if x.dtype == torch.float16 and demodulate:
        weight, styles = _prescale_for_half(weight, styles)
    scale = _demodulation(_energy(weight), styles) if demodulate else None
    y, scale = _styled_conv(x, weight, styles, scale, impl=impl, **resample)
    return layer_end(y, scale, noise, epilogue) if impl is None else plain_end(y, scale, noise, epilogue, impl=impl)


def _in_double(run: Callable[..., Tensor], *tensors: Tensor | None) -> Tensor:
    return run(*(None if t is None else t.to(torch.float64) for t in tensors)).to(tensors[0].dtype)


def modulated_conv2d_alias_free(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    *,
    demodulate: bool = True,
    padding: Padding = 0,
    input_gain: Tensor | None = None,
    impl: str | None = None,
) -> Tensor:
    """Convolve with weights that each sample's style scales: StyleGAN3's layer.

    Weights are normalised per output channel, and styles over the whole batch, before they meet; ``input_gain``
    comes after the demodulation, which therefore does not undo it.

    Args:
        x: ``[N, I, H, W]``.
        weight: ``[O, I, KH, KW]``.
        styles: ``[N, I]``, factors on the input channels.
        demodulate: Normalise and scale each output channel back.
        padding: As in `conv2d_resample`.
        input_gain: Factor on the input: a scalar, ``[I]`` or ``[N, I]``.
        impl: Path to take, see `explorer.ops.dispatch`.

    Raises:
        ValueError: Shapes do not fit.
        KernelUnavailable: ``impl`` names a path that does not exist here.

    Source: StyleGAN3 (Karras et al. 2021), appendix D.1.
    """
    _check_modulation(x, weight, styles)
    lacks = _lacks(x, weight, None, padding=padding)
    # On a GPU there is nothing to fuse with: what follows, `filtered_lrelu`, is fused by itself.
    path = choose(
        "modulated_conv2d_alias_free", x, impl, lacks=lacks, pays=lambda: _pays(x, weight), cuda_lacks="this layer"
    )
    if path == "numba":
        scale = None
        if demodulate:
            # The weight's own norm goes to what comes out, so that the weight can stay as it is.
            energy = prepared.energy(weight)
            norm = (energy.sum(1) / weight[0].numel()).rsqrt()  # [O]
            styles = styles * styles.square().mean().rsqrt()
            scale = _demodulation(energy * norm.square()[:, None], styles) * norm
        if input_gain is not None:
            styles = styles * input_gain
        return _compiled(x, weight, styles, scale, None, None, padding=padding)
    if path == "reference":
        return _in_double(
            lambda *tensors: _plain_alias_free(*tensors, demodulate, padding), x, weight, styles, input_gain
        )
    return _plain_alias_free(x, weight, styles, input_gain, demodulate, padding)


def _plain_alias_free(
    x: Tensor, weight: Tensor, styles: Tensor, input_gain: Tensor | None, demodulate: bool, padding: Padding
) -> Tensor:
    scale = None
    if demodulate:
        weight = weight * weight.square().mean([1, 2, 3], keepdim=True).rsqrt()
        styles = styles * styles.square().mean().rsqrt()
        scale = _demodulation(_energy(weight), styles)
        if x.dtype == torch.float16:
            # Sums over the fan-in would overflow before the demodulation brings them back.
            shrink = weight[0].numel() ** -0.5
            weight, scale = weight * shrink, scale / shrink
    if input_gain is not None:
        styles = styles * input_gain
    return plain_end(*_styled_conv(x, weight, styles, scale, padding=padding), None, None)


def _check_modulation(x: Tensor, weight: Tensor, styles: Tensor) -> None:
    if x.ndim != 4 or weight.ndim != 4 or x.shape[1] != weight.shape[1]:
        raise ValueError(
            f"expected x [N, I, H, W] and weight [O, I, KH, KW]; got {list(x.shape)} and {list(weight.shape)}"
        )
    if styles.shape != x.shape[:2]:
        raise ValueError(f"styles must be {list(x.shape[:2])}, one factor a channel; they are {list(styles.shape)}")


def _prescale_for_half(weight: Tensor, styles: Tensor) -> tuple[Tensor, Tensor]:
    """Bring factors near 1, so that float16 does not overflow; demodulation cancels what is taken out."""
    fan_in = weight[0].numel()
    weight = weight / (weight.abs().amax([1, 2, 3], keepdim=True) * fan_in**0.5)
    return weight, styles / styles.abs().amax(1, keepdim=True)


def _energy(weight: Tensor) -> Tensor:
    """Sum of squares over the kernel, ``[O, I]``."""
    return weight.square().sum([2, 3])


def _demodulation(energy: Tensor, styles: Tensor) -> Tensor:
    """Reciprocal norm of every modulated output channel, ``[N, O]``."""
    return (styles.square() @ energy.T + EPSILON).rsqrt()


def _styled_conv(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    scale: Tensor | None,
    *,
    up: int = 1,
    down: int = 1,
    padding: Padding = 0,
    f: Tensor | None = None,
    flip_weight: bool = True,
    impl: str | None = None,
) -> tuple[Tensor, Tensor | None]:
    """Convolve with ``weight * styles``; the factors go to whichever is smaller, weights or activations.

    Returns:
        The result, and the scale that it is still to be multiplied with.
    """
    n, _, h, w = x.shape
    touched = h * w * (weight.shape[1] + (0 if scale is None else weight.shape[0] * up * up // (down * down)))
    resample = {"up": up, "down": down, "padding": padding, "flip_weight": flip_weight}
    if n == 1 and weight.numel() < touched:
        weight = weight * styles[0, :, None, None]
        if scale is not None:
            weight = weight * scale[0, :, None, None, None]
        return conv2d_resample(x, weight.to(x.dtype), f, **resample), None
    x = layer_end(x, styles, None, None) if impl is None else plain_end(x, styles, None, None)
    return conv2d_resample(x, weight.to(x.dtype), f, **resample), scale


def _lacks(
    x: Tensor,
    weight: Tensor,
    noise: Tensor | None,
    *,
    padding: Padding,
    up: int = 1,
    down: int = 1,
    f: Tensor | None = None,
    flip_weight: bool = True,
) -> str | None:
    """What keeps the compiled path from these arguments: None if nothing does."""
    pads = parse_padding(padding)
    kernel = tuple(weight.shape[2:])
    if (lack := numba_lacks(x)) is not None:
        return lack
    if weight.dtype != torch.float32 or weight.device != x.device:
        return f"weights of {weight.dtype} on {weight.device}"
    if weight.requires_grad and torch.is_grad_enabled():
        return "weights that need a gradient"
    if not prepared.can_prepare(weight):
        return "weights made in inference mode"
    if kernel != (3, 3):
        return f"kernels of {kernel[0]} x {kernel[1]}"
    if len(set(pads)) != 1 or not 0 <= pads[0] <= 2 or min(x.shape[2:]) + 2 * pads[0] < 3:
        return f"padding {padding}"
    if noise is not None and not (noise.ndim == 2 or (noise.ndim == 4 and noise.shape[1] == 1)):
        return f"noise of shape {list(noise.shape)}"
    if up == down == 1:
        return None if flip_weight else "true convolutions"
    if up != 2 or down != 1 or pads[0] != 1:
        return f"resampling up by {up} and down by {down} with padding {pads[0]}"
    return None if _taps(f) is not None else "resampling filters other than four separable taps"


def _taps(f: Tensor | None) -> tuple[float, ...] | None:
    """Vertical, then horizontal taps in correlation order, with the gain of doubling both sides."""
    # While a graph is recorded there are no numbers to look at.
    if f is None or exporting() or f.requires_grad or f.shape[-1] != 4 or f.shape[0] != 4:
        return None
    taps = f.detach().cpu().flip(list(range(f.ndim))).numpy()
    pair = (taps, taps) if taps.ndim == 1 else separate(taps)
    if pair is None:
        return None
    return (*(4.0 * pair[0]).tolist(), *pair[1].tolist())


def _pays(x: Tensor, weight: Tensor, up: int = 1) -> bool:
    if channels_last(x):
        # Its loops go over planes, and would copy the picture there and back.
        return False
    fewest, pairs = min(weight.shape[:2]), weight.shape[0] * weight.shape[1]
    if up > 1:
        return fewest >= NUMBA_FROM_UP_CHANNELS
    products = pairs * x.shape[0] * x.shape[2] * x.shape[3]
    return fewest >= NUMBA_FROM_CHANNELS and (products >= NUMBA_FROM_PRODUCTS or pairs >= NUMBA_FROM_WEIGHTS)


def _compiled(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    scale: Tensor | None,
    noise: Tensor | None,
    epilogue: Epilogue | None,
    *,
    padding: Padding,
    up: int = 1,
    down: int = 1,
    f: Tensor | None = None,
    flip_weight: bool = True,
) -> Tensor:
    from explorer.ops import numba_conv

    shape = numba_conv.ConvShape(
        pad=parse_padding(padding)[0], up=up, flip=flip_weight, taps=(_taps(f) or ()) if up == 2 else ()
    )
    act, bias = None, None
    if epilogue is not None:
        act, bias = epilogue.compiled, epilogue.bias

    def plain(x: Tensor, styles: Tensor, scale: Tensor | None, noise: Tensor | None, bias: Tensor | None) -> Tensor:
        y, scale = _styled_conv(
            x, weight, styles, scale, up=up, down=down, padding=padding, f=f, flip_weight=flip_weight, impl="torch"
        )
        end = None if epilogue is None else Epilogue(bias, epilogue.act, epilogue.gain, epilogue.clamp)
        return plain_end(y, scale, noise, end, impl="torch")

    return numba_conv.scaled_conv(x, weight, styles, scale, noise, bias, shape=shape, act=act, differentiable=plain)


def _cuda_demodulation(weight: Tensor, styles: Tensor) -> Tensor:
    from explorer.ops import cuda_path

    energy = _energy(weight)
    if torch.is_grad_enabled() and (energy.requires_grad or styles.requires_grad):
        return _demodulation(energy, styles)
    return cuda_path.demodulate(energy, styles, epsilon=EPSILON)


def _on_gpu(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    scale: Tensor | None,
    noise: Tensor | None,
    epilogue: Epilogue | None,
    *,
    f: Tensor | None,
    **resample: object,
) -> Tensor:
    """Styles go to what comes in and the rest to one pass over what comes out; the weight stays as it is."""
    from explorer.ops import cuda_path

    end = Epilogue(gain=1.0) if epilogue is None else epilogue
    y = conv2d_resample(cuda_path.scale_planes(x, styles), weight, f, **resample, impl="cuda")
    fused = end.act in COMPILED
    act = end.compiled if fused else NO_ACT

    def plain(y: Tensor, scale: Tensor | None, noise: Tensor | None, bias: Tensor | None) -> Tensor:
        y = y if scale is None else y * scale.to(y.dtype)[:, :, None, None]
        y = y if noise is None else y + noise.to(y.dtype)
        if not fused:
            return y
        return bias_act(y, bias, act=end.act, gain=end.gain, clamp=end.clamp, impl="torch")

    y = cuda_path.finish(y, scale, noise, end.bias if fused else None, act, plain)
    return y if fused else bias_act(y, end.bias, act=end.act, gain=end.gain, clamp=end.clamp, impl="cuda")
