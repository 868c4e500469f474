"""StyleGAN: styles by adaptive instance normalisation, noise for each feature, a learned constant, progressive growth.

Source: StyleGAN (Karras et al. 2019).
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from explorer.generators.assign import build_from_tensors
from explorer.generators.growing_discriminator import smooth
from explorer.generators.growing_generator import GrowingGenerator, activation_names
from explorer.generators.growing_layers import ScaledConv, ScaledDense, ToRGB, activate
from explorer.generators.joint_mapping import JointMappingNetwork
from explorer.generators.linear import EqualizedLinear, normalize_second_moment
from explorer.generators.stylegan1_config import GeneratorConfig
from explorer.generators.styles import check_w_plus
from explorer.ops import setup_filter
from explorer.state import GeneratorSpec, LayerSpec

__all__ = ["Generator", "GeneratorConfig"]

EPSILON = 1e-8


class Layer(nn.Module):
    """A convolution (or none, at the constant), then noise, bias, activation, normalisation and style."""

    def __init__(self, config: GeneratorConfig, *, channels: int, size: int, source: nn.Module | None) -> None:
        super().__init__()
        self.config = config
        if source is not None:
            self.conv = source
        if config.use_noise:
            self.register_buffer("noise_const", torch.randn(size, size))
            self.noise_weight = nn.Parameter(torch.zeros(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        if config.use_styles:
            self.affine = EqualizedLinear(config.w_dim, 2 * channels)
        smoothed = isinstance(source, ScaledConv) and source.up and config.smoothing is not None
        self.register_buffer("smoothing", setup_filter(config.smoothing) if smoothed else None)

    def forward(self, x: Tensor, s: Tensor, noise: Tensor | None) -> Tensor:
        """``[N, in, h, w]`` to ``[N, C, h, w]``, or twice that size.

        Args:
            x: Features, or the first layer's input.
            s: ``[N, 2 C]``: what is added to 1 to scale each feature, then what shifts it; or ``[N, 0]``.
            noise: Map to add, times each feature's weight.
        """
        if hasattr(self, "conv"):
            x = self.conv(x)
        if self.smoothing is not None:
            x = smooth(x, self.smoothing)
        if noise is not None:
            x = x + noise * self.noise_weight[:, None, None]
        x = activate(x + self.bias[:, None, None], self.config.activation)
        if self.config.pixel_norm:
            x = normalize_second_moment(x, epsilon=EPSILON)
        if self.config.instance_norm:
            x = x - x.mean(dim=[2, 3], keepdim=True)
            x = x * torch.rsqrt(x.square().mean(dim=[2, 3], keepdim=True) + EPSILON)
        if not self.config.use_styles:
            return x
        scale, shift = s[:, :, None, None].chunk(2, dim=1)
        return x * (scale + 1) + shift


class SynthesisNetwork(nn.Module):
    """Holds the blocks ``b4``, ``b8``, ...; the generator runs them layer by layer."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        for i, (size, width) in enumerate(zip(config.block_resolutions, config.channels, strict=True)):
            block = nn.Module()
            if i == 0:
                start = None if config.const_input else ScaledDense(config.w_dim, width)
                if start is None:
                    self.const = nn.Parameter(torch.ones(width, 4, 4))
                block.add_module("const", Layer(config, channels=width, size=size, source=start))
            else:
                folded = config.fused_from is not None and size >= config.fused_from
                up = ScaledConv(config.channels[i - 1], width, up=True, folded=folded)
                block.add_module("conv0", Layer(config, channels=width, size=size, source=up))
            block.add_module("conv1", Layer(config, channels=width, size=size, source=ScaledConv(width, width)))
            if config.grows or size == config.resolution:
                block.add_module("torgb", ToRGB(width, config.img_channels))
            self.add_module(f"b{size}", block)


class Generator(GrowingGenerator):
    """StyleGAN behind `explorer.generators.protocol.Generator`.

    Args:
        config: Shape and options. Weights start at random.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config, self.lod = config, config.lod
        self.synthesis = SynthesisNetwork(config)
        self.mapping = JointMappingNetwork(
            z_dim=config.z_dim,
            c_dim=config.c_dim,
            w_dim=config.w_dim,
            layers=config.mapping_layers,
            embed_features=config.embed_features,
            layer_features=config.layer_features,
            activation=config.mapping_activation,
            lr_multiplier=config.lr_multiplier,
            w_avg_beta=config.w_avg_beta,
            normalize=config.normalize_latents,
        )
        self.spec = _spec(config)

    @classmethod
    def from_tensors(cls, config: GeneratorConfig, tensors: Mapping[str, Tensor]) -> "Generator":
        """Build around tensors named as in the state dict, without copying them. See `build_from_tensors`."""
        return build_from_tensors(lambda: cls(config), tensors)

    def map(self, z: Tensor | None, c: Tensor | None = None, *, update_emas: bool = False) -> Tensor:
        """Latents ``[N, z_dim]`` and labels ``[N, c_dim]`` to styles ``[N, w_dim]``.

        Args:
            z: Latents, standard normal.
            c: Labels, one-hot or soft; needed when the model is conditional, else ignored.
            update_emas: Also move the centre of W towards this batch.

        Raises:
            StateError: A label is missing, or a shape is not the model's.
        """
        return self.mapping(z, c, update_emas=update_emas)

    def w_avg(self, c: Tensor | None = None) -> Tensor:
        """The centre of W, ``[1, w_dim]``, whatever the label; zeros where the model kept none."""
        if self.config.w_avg_beta is None:
            return self.synthesis.b4.conv1.bias.new_zeros(1, self.config.w_dim)
        return self.mapping.w_avg[None]

    def style(self, w_plus: Tensor) -> list[Tensor]:
        """Each layer's affine map of its row: ``[N, num_ws, w_dim]`` to one ``[N, C_l]`` for each of ``spec.layers``.

        Raises:
            StateError: The shape is not the model's.
        """
        check_w_plus(self.spec, w_plus)
        bias = self.synthesis.b4.conv1.bias
        w_plus = w_plus.to(torch.promote_types(w_plus.dtype, bias.dtype))
        empty = w_plus.new_zeros(w_plus.shape[0], 0)
        s = [
            self.synthesis.get_submodule(layer.name).affine(w_plus[:, layer.w_row]) if self.config.use_styles else empty
            for layer in self.spec.layers
        ]
        if not self.config.const_input:
            # The first layer's features grow out of its row itself.
            s[0] = torch.cat([s[0], w_plus[:, 0]], dim=1)
        return s

    def run_layer(self, index: int, x: Tensor | None, s: Tensor, noise: Tensor | None) -> Tensor:
        """The features after a layer. See `GrowingGenerator`."""
        layer = self.synthesis.get_submodule(self.spec.layers[index].name)
        if x is not None:
            return layer(x, s, noise)
        if self.config.const_input:
            return layer(self.synthesis.const.expand(s.shape[0], -1, -1, -1), s, noise)
        own = s.shape[1] - self.config.w_dim
        return layer(s[:, own:], s[:, :own], noise)


def _spec(config: GeneratorConfig) -> GeneratorSpec:
    layers = []
    for size, width in zip(config.block_resolutions, config.channels, strict=True):
        for kind in ("const", "conv1") if size == 4 else ("conv0", "conv1"):
            style_dim = 2 * width if config.use_styles else 0
            style_dim += config.w_dim if kind == "const" and not config.const_input else 0
            row = len(layers)
            layers.append(LayerSpec(f"b{size}.{kind}", row, style_dim, width, (size, size), config.use_noise))
    return GeneratorSpec(
        family="stylegan1",
        variant="grown" if config.lod == 0 else "part-grown",
        resolution=(config.resolution, config.resolution),
        img_channels=config.img_channels,
        z_dim=config.z_dim,
        w_dim=config.w_dim,
        c_dim=config.c_dim,
        num_ws=len(layers),
        layers=tuple(layers),
        activations=activation_names([layer.name for layer in layers], grows=config.grows),
        has_noise=config.use_noise,
        has_transform=False,
    )
