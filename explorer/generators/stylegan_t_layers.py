"""The layers of StyleGAN-T, as far as they differ from StyleGAN2's.

Parameters are named as in the published state dicts; filters of layers that do not resample are left out.

Source: StyleGAN-T (Sauer et al. 2023), section 3.1 "Redesigning the generator".
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import StateError
from explorer.generators import stylegan2_layers
from explorer.generators.linear import EqualizedLinear, normalize_second_moment
from explorer.generators.mapping import checked_input
from explorer.generators.stylegan3 import FourierInput
from explorer.generators.stylegan_t_config import GeneratorConfig
from explorer.ops import setup_filter

__all__ = ["ResidualLayer", "SynthesisBlock", "SynthesisLayer", "SynthesisNetwork", "TextMapping", "ToRGB"]

# What every layer but an up-sampling one contributes, so that pairs of them keep the variance.
PAIR_GAIN = math.sqrt(0.5)


class SecondOrderStyle(nn.Module):
    """An affine map to three parts, of which two are multiplied: styles that can switch each other on and off."""

    def __init__(self, w_dim: int, channels: int) -> None:
        super().__init__()
        self.proj = EqualizedLinear(w_dim, 3 * channels, bias_init=1.0)

    def forward(self, w: Tensor) -> Tensor:
        """``[N, w_dim]`` to ``[N, channels]``."""
        factor, other, offset = self.proj(w).chunk(3, dim=1)
        return factor * other + offset


class GroupNorm(nn.Module):
    """Every group of channels of a picture to mean 0 and variance 1, then each channel's own scale and offset.

    Computes in float32 at least.
    """

    def __init__(self, channels: int, *, groups: int, epsilon: float) -> None:
        super().__init__()
        self.groups, self.epsilon = groups, epsilon
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, C, H, W]`` to the same shape and type."""
        kind = torch.promote_types(x.dtype, torch.float32)
        y = F.group_norm(x.to(kind), self.groups, self.weight.to(kind), self.bias.to(kind), self.epsilon)
        return y.to(x.dtype)


class SynthesisLayer(stylegan2_layers.SynthesisLayer):
    """StyleGAN2's layer with a second-order style."""

    def __init__(
        self, config: GeneratorConfig, *, in_channels: int, out_channels: int, resolution: int, up: int
    ) -> None:
        super().__init__(config, in_channels=in_channels, out_channels=out_channels, resolution=resolution, up=up)
        self.affine = SecondOrderStyle(config.w_dim, in_channels)


class ResidualLayer(SynthesisLayer):
    """A layer on normalised features, which it adds to, at first hardly."""

    def __init__(self, config: GeneratorConfig, *, channels: int, resolution: int) -> None:
        super().__init__(config, in_channels=channels, out_channels=channels, resolution=resolution, up=1)
        self.norm = GroupNorm(channels, groups=config.norm_groups, epsilon=config.norm_epsilon)
        self.gamma = nn.Parameter(torch.ones(1, channels, 1, 1) * 1e-5)

    def forward(self, x: Tensor, s: Tensor, noise: Tensor | None, *, gain: float = 1.0) -> Tensor:
        """As the base class; ``x`` in is raw, the branch around the convolution normalised."""
        x = self.norm(x)
        y = super().forward(x, s, noise, gain=gain)
        return torch.addcmul(x, self.gamma.to(y.dtype), y) * math.sqrt(2)


class ToRGB(stylegan2_layers.ToRGB):
    """StyleGAN2's layer of colours with a second-order style."""

    def __init__(self, config: GeneratorConfig, *, in_channels: int) -> None:
        super().__init__(config, in_channels=in_channels)
        self.affine = SecondOrderStyle(config.w_dim, in_channels)
        self.weight = nn.Parameter(torch.randn(config.img_channels, in_channels, 1, 1) * 0.1)


class SynthesisBlock(nn.Module):
    """The layers of one resolution. The smallest starts from waves and has no ``conv0``."""

    def __init__(self, config: GeneratorConfig, *, in_channels: int, out_channels: int, resolution: int) -> None:
        super().__init__()
        if in_channels == 0:
            self.input = FourierInput(config.input, w_dim=config.w_dim)
        else:
            same = {"out_channels": out_channels, "resolution": resolution}
            self.conv0 = SynthesisLayer(config, in_channels=in_channels, up=2, **same)
        pairs: list[nn.Module] = []
        for _ in range(config.res_blocks):
            pairs.append(
                SynthesisLayer(config, in_channels=out_channels, out_channels=out_channels, resolution=resolution, up=1)
            )
            pairs.append(ResidualLayer(config, channels=out_channels, resolution=resolution))
        self.convs1 = nn.ModuleList(pairs)
        if config.architecture == "skip" or resolution == config.resolution:
            self.torgb = ToRGB(config, in_channels=out_channels)
        if config.architecture == "skip" and in_channels > 0:
            self.register_buffer("resample_filter", setup_filter(config.resample_filter))


class SynthesisNetwork(nn.Module):
    """Holds the blocks ``b8``, ``b16``, ...; the generator runs them layer by layer."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        widths = (0, *config.channels)
        for i, resolution in enumerate(config.block_resolutions):
            block = SynthesisBlock(config, in_channels=widths[i], out_channels=widths[i + 1], resolution=resolution)
            self.add_module(f"b{resolution}", block)


class TextMapping(nn.Module):
    """z through a few layers; the text's embedding is put behind it as it is.

    Parameters are named as in the published state dicts: ``mlp.fc0``, ``mlp.fc1``, ..., ``x_avg``.
    Computes in float32 at least.

    Source: StyleGAN-T, section 3.1: the text bypasses the mapping network, so that it keeps its influence.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.z_dim, self.c_dim, self.x_avg_beta = config.z_dim, config.c_dim, config.x_avg_beta
        self.mlp = nn.Module()
        for i in range(config.mapping_layers):
            activation = "linear" if i == config.mapping_layers - 1 else config.mapping_activation
            layer = EqualizedLinear(
                config.z_dim, config.z_dim, activation=activation, lr_multiplier=config.lr_multiplier
            )
            self.mlp.add_module(f"fc{i}", layer)
        self.register_buffer("x_avg", torch.zeros(config.z_dim))

    def forward(self, z: Tensor | None, c: Tensor | None = None, *, update_emas: bool = False) -> Tensor:
        """Latents ``[N, z_dim]`` and embeddings ``[N, c_dim]`` to styles ``[N, z_dim + c_dim]``.

        Args:
            z: Latents.
            c: Embeddings of the texts; ignored by a model without text.
            update_emas: Also move the mean of mapped latents towards this batch.

        Raises:
            StateError: An input is missing, or of another shape.
        """
        x = normalize_second_moment(checked_input("z", z, self.z_dim, stored=self._stored))
        text = None if self.c_dim == 0 else checked_input("c", c, self.c_dim, stored=self._stored)
        if text is not None and text.shape[0] != x.shape[0]:
            raise StateError(f"there are {x.shape[0]} latents and {text.shape[0]} labels: give as many of each")
        for layer in self.mlp.children():
            x = layer(x)
        if update_emas:
            mean = x.detach().mean(dim=0).to(self.x_avg.dtype)
            self.x_avg.copy_(mean.lerp(self.x_avg, self.x_avg_beta))
        return self._joined(x, text)

    def centre(self, c: Tensor | None) -> Tensor:
        """The mean style of each text, ``[N, z_dim + c_dim]``: the mean of mapped latents, and the text as it is."""
        if self.c_dim == 0:
            return self.x_avg[None]
        text = self.x_avg.new_zeros(1, self.c_dim) if c is None else c
        text = checked_input("c", text, self.c_dim, stored=self._stored)
        return self._joined(self.x_avg.to(text.dtype).expand(text.shape[0], -1), text)

    @property
    def _stored(self) -> torch.dtype:
        return self.x_avg.dtype

    @staticmethod
    def _joined(x: Tensor, text: Tensor | None) -> Tensor:
        return x if text is None else torch.cat([x, text.to(x.dtype)], dim=1)
