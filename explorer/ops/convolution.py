"""Convolutions with resampling and with style modulation."""

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.ops.geometry import Padding, filter_size, pad_or_crop, parse_padding
from explorer.ops.resample import upfirdn2d

# Keeps the demodulation finite for a style of all zeros.
EPSILON = 1e-8


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
            x = upfirdn2d(x, f, down=down, pad=pad, flip_filter=flip_filter)
            return _convolve(x, w, (0, 0, 0, 0), groups=groups, flip_weight=flip_weight)
        x = upfirdn2d(x, f, pad=pad, flip_filter=flip_filter)
        return _convolve(x, w, (0, 0, 0, 0), groups=groups, flip_weight=flip_weight, stride=down)

    if pointwise:
        x = _convolve(x, w, (0, 0, 0, 0), groups=groups, flip_weight=flip_weight)
        x = upfirdn2d(x, f, up=up, pad=pad, flip_filter=flip_filter, gain=up**2)
    else:
        x = _transposed(x, w, up=up, groups=groups, flip_weight=flip_weight)
        # The transposed convolution already holds k - 1 positions on either side and ends at the last sample.
        x0, x1, y0, y1 = pad
        rest = (x0 - kw + 1, x1 - kw + up, y0 - kh + 1, y1 - kh + up)
        x = upfirdn2d(x, f, pad=rest, flip_filter=flip_filter, gain=up**2)
    return x if down == 1 else upfirdn2d(x, f, down=down, flip_filter=flip_filter)


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

    Source: StyleGAN2 (Karras et al. 2020), section 2.2, equations 1 to 3.
    """
    _check_modulation(x, weight, styles)
    if x.dtype == torch.float16 and demodulate:
        weight, styles = _prescale_for_half(weight, styles)
    scale = _demodulation(_energy(weight), styles) if demodulate else None
    return _scaled_conv(
        x,
        weight,
        styles,
        scale,
        noise=noise,
        up=up,
        down=down,
        padding=padding,
        f=resample_filter,
        flip_weight=flip_weight,
    )


def modulated_conv2d_alias_free(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    *,
    demodulate: bool = True,
    padding: Padding = 0,
    input_gain: Tensor | None = None,
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

    Source: StyleGAN3 (Karras et al. 2021), appendix D.1.
    """
    _check_modulation(x, weight, styles)
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
    return _scaled_conv(x, weight, styles, scale, padding=padding)


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


def _scaled_conv(
    x: Tensor,
    weight: Tensor,
    styles: Tensor,
    scale: Tensor | None,
    *,
    noise: Tensor | None = None,
    up: int = 1,
    down: int = 1,
    padding: Padding = 0,
    f: Tensor | None = None,
    flip_weight: bool = True,
) -> Tensor:
    """Convolve with ``scale * weight * styles``; the factors go to whichever is smaller, weights or activations."""
    n, _, h, w = x.shape
    touched = h * w * (weight.shape[1] + (0 if scale is None else weight.shape[0] * up * up // (down * down)))
    resample = {"up": up, "down": down, "padding": padding, "flip_weight": flip_weight}
    if n == 1 and weight.numel() < touched:
        weight = weight * styles[0, :, None, None]
        if scale is not None:
            weight = weight * scale[0, :, None, None, None]
        y = conv2d_resample(x, weight.to(x.dtype), f, **resample)
        return y if noise is None else y + noise.to(y.dtype)

    x = x * styles.to(x.dtype)[:, :, None, None]
    y = conv2d_resample(x, weight.to(x.dtype), f, **resample)
    if scale is None:
        return y if noise is None else y + noise.to(y.dtype)
    scale = scale.to(y.dtype)[:, :, None, None]
    return y * scale if noise is None else torch.addcmul(noise.to(y.dtype), y, scale)
