"""The layers and blocks of StyleGAN2's synthesis network.

Parameters are named as in the published state dicts; filters of layers that do not resample are left out.

Source: StyleGAN2 (Karras et al. 2020), sections 2 to 4; StyleGAN2-ADA (Karras et al. 2020), appendix.
"""

import math

import torch
from torch import Tensor, nn

from explorer.generators.linear import EqualizedLinear
from explorer.generators.stylegan2_config import GeneratorConfig
from explorer.ops import Epilogue, bias_act, conv2d_resample, modulated_conv2d, setup_filter
from explorer.ops.activations import ACTIVATIONS

__all__ = ["SynthesisBlock", "SynthesisLayer", "SynthesisNetwork", "ToRGB", "UpConv"]


class SynthesisLayer(nn.Module):
    """A modulated convolution, noise, bias and activation; doubles the size when `up` is 2."""

    def __init__(
        self, config: GeneratorConfig, *, in_channels: int, out_channels: int, resolution: int, up: int
    ) -> None:
        super().__init__()
        kernel = config.kernel_size
        self.up, self.activation, self.conv_clamp = up, config.activation, config.conv_clamp
        self.gain = ACTIVATIONS[config.activation].gain
        self.affine = EqualizedLinear(config.w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.register_buffer("resample_filter", setup_filter(config.resample_filter) if up > 1 else None)
        if config.use_noise:
            self.register_buffer("noise_const", torch.randn(*config.size_at(resolution)))
            self.noise_strength = nn.Parameter(torch.zeros([]))

    def forward(self, x: Tensor, s: Tensor, noise: Tensor | None, *, gain: float = 1.0) -> Tensor:
        """``[N, in, h, w]`` to ``[N, out, h * up, w * up]``.

        Args:
            x: Features.
            s: This layer's styles, ``[N, in]``.
            noise: Map to add, already multiplied by its strength; ``None`` adds nothing.
            gain: On top of the activation's own; the clamp shrinks with it.
        """
        weight, s = _at_least_float32(self.weight, s)
        clamp = None if self.conv_clamp is None else self.conv_clamp * gain
        return modulated_conv2d(
            x,
            weight,
            s,
            noise=noise,
            up=self.up,
            padding=weight.shape[2] // 2,
            resample_filter=self.resample_filter,
            flip_weight=self.up == 1,
            epilogue=Epilogue(self.bias, self.activation, self.gain * gain, clamp),
        )


class ToRGB(nn.Module):
    """A pointwise modulated convolution to colours, without demodulation."""

    def __init__(self, config: GeneratorConfig, *, in_channels: int) -> None:
        super().__init__()
        self.conv_clamp = config.conv_clamp
        self.weight_gain = 1 / math.sqrt(in_channels)
        self.affine = EqualizedLinear(config.w_dim, in_channels, bias_init=1.0)
        self.weight = nn.Parameter(torch.randn(config.img_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(config.img_channels))

    def forward(self, x: Tensor, s: Tensor) -> Tensor:
        """``[N, in, h, w]`` and styles ``[N, in]`` to ``[N, img_channels, h, w]``."""
        weight, s = _at_least_float32(self.weight, s)
        y = modulated_conv2d(x, weight, s * self.weight_gain, demodulate=False)
        return bias_act(y, self.bias, clamp=self.conv_clamp)


class UpConv(nn.Module):
    """The residual branch: a pointwise convolution at twice the size, without bias."""

    def __init__(self, config: GeneratorConfig, *, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.weight_gain = 1 / math.sqrt(in_channels)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 1, 1))
        self.register_buffer("resample_filter", setup_filter(config.resample_filter))

    def forward(self, x: Tensor, *, gain: float) -> Tensor:
        """``[N, in, h, w]`` to ``[N, out, 2h, 2w]``."""
        return conv2d_resample(x, self.weight * (self.weight_gain * gain), self.resample_filter, up=2)


class SynthesisBlock(nn.Module):
    """The layers of one resolution. The smallest starts from a learned constant and has no `conv0`."""

    def __init__(self, config: GeneratorConfig, *, in_channels: int, out_channels: int, resolution: int) -> None:
        super().__init__()
        same = {"out_channels": out_channels, "resolution": resolution}
        if in_channels == 0:
            width = out_channels if config.const_channels is None else config.const_channels
            self.const = nn.Parameter(torch.randn(width, *config.base_size))
        else:
            width = out_channels
            self.conv0 = SynthesisLayer(config, in_channels=in_channels, up=2, **same)
        self.conv1 = SynthesisLayer(config, in_channels=width, up=1, **same)
        if config.architecture in ("skip", "revised") or resolution == config.resolution:
            self.torgb = ToRGB(config, in_channels=out_channels)
        if config.architecture == "resnet" and in_channels > 0:
            self.skip = UpConv(config, in_channels=in_channels, out_channels=out_channels)
        if config.architecture == "skip" and in_channels > 0:
            self.register_buffer("resample_filter", setup_filter(config.resample_filter))


class SynthesisNetwork(nn.Module):
    """Holds the blocks ``b4``, ``b8``, ...; the generator runs them layer by layer."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        widths = (0, *config.channels)
        for i, resolution in enumerate(config.block_resolutions):
            block = SynthesisBlock(config, in_channels=widths[i], out_channels=widths[i + 1], resolution=resolution)
            self.add_module(f"b{resolution}", block)


def _at_least_float32(weight: Tensor, s: Tensor) -> tuple[Tensor, Tensor]:
    # Demodulation sums squares, which half precision can neither hold nor resolve; the features stay as they are.
    kind = torch.promote_types(weight.dtype, torch.float32)
    return weight.to(kind), s.to(kind)
