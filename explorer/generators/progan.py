"""ProGAN: a latent becomes features at 4², and every block doubles them; no styles, no noise.

W is Z here: `map` joins latent and label and brings them to a mean square of 1, and `style` does so once more, which
changes nothing but what was edited in between. So w lies on a sphere, blends of seeds and steps along a direction run
over it, and there is no centre to truncate to. It is one row, so there is nothing to mix across layers.

Source: ProGAN (Karras et al. 2018), appendix A.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from explorer.errors import StateError
from explorer.generators.assign import build_from_tensors
from explorer.generators.config import check_at_least, check_between, config_from_json
from explorer.generators.growing_discriminator import Activation
from explorer.generators.growing_generator import GrowingGenerator, activation_names
from explorer.generators.growing_layers import ScaledConv, ScaledDense, ToRGB, activate
from explorer.generators.linear import normalize_second_moment
from explorer.generators.stepping import check_inputs
from explorer.generators.stylegan1_config import check_blocks
from explorer.generators.stylegan2_config import MAX_WIDTH
from explorer.state import GeneratorSpec, LayerSpec

__all__ = ["Generator", "GeneratorConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorConfig:
    """A generator's shape and options.

    Raises:
        CheckpointError: A value is out of range or contradicts another.
    """

    resolution: int
    """Pixels along each side: a power of two, from 4."""
    channels: tuple[int, ...]
    """Features of each block, from 4² up to `resolution`."""
    z_dim: int
    """Length of the latent."""
    c_dim: int = 0
    """Length of a label, which stands behind the latent; 0 for an unconditional model."""
    img_channels: int = 3
    """1 grey, 3 RGB."""
    normalize_latents: bool = True
    """Whether latent and label are scaled to a mean square of 1."""
    activation: Activation = "lrelu"
    """After every convolution."""
    pixel_norm: bool = True
    """Whether every place is scaled to a mean square of 1 over the features."""
    epsilon: float = 1e-8
    """Keeps that scale finite."""
    fused_from: int | None = 8
    """Blocks of this size and above fold the doubling into a transposed convolution; none when ``None``."""
    grows: bool = True
    """Whether every block has colours of its own."""
    lod: float = 0.0
    """Level of detail: doublings at the network's end that are not there yet, with fractions."""

    def __post_init__(self) -> None:
        check_blocks(self.resolution, self.channels, lod=self.lod, grows=self.grows)
        check_between("z_dim", self.z_dim, 1, MAX_WIDTH)
        check_between("c_dim", self.c_dim, 0, MAX_WIDTH)
        check_between("img_channels", self.img_channels, 1, 1 << 10)
        check_between("epsilon", self.epsilon, 0, 1)
        check_at_least("fused_from", self.fused_from, 8)

    @classmethod
    def from_json(cls, data: object) -> "GeneratorConfig":
        """Read what ``dataclasses.asdict`` made. Raises `CheckpointError` on anything else."""
        return config_from_json(cls, data)

    @property
    def block_resolutions(self) -> tuple[int, ...]:
        """4, 8, ..., `resolution`."""
        return tuple(4 << i for i in range(len(self.channels)))


class Layer(nn.Module):
    """A convolution or the first dense layer, then bias, activation and normalisation."""

    def __init__(self, config: GeneratorConfig, source: nn.Module, channels: int) -> None:
        super().__init__()
        self.config = config
        self.conv = source
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Features to ``[N, C, h, w]``."""
        x = activate(self.conv(x) + self.bias[:, None, None], self.config.activation)
        return normalize_second_moment(x, epsilon=self.config.epsilon) if self.config.pixel_norm else x


class SynthesisNetwork(nn.Module):
    """Holds the blocks ``b4``, ``b8``, ...; the generator runs them layer by layer."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        for i, (size, width) in enumerate(zip(config.block_resolutions, config.channels, strict=True)):
            block = nn.Module()
            if i == 0:
                block.add_module("dense", Layer(config, ScaledDense(config.z_dim + config.c_dim, width), width))
            else:
                folded = config.fused_from is not None and size >= config.fused_from
                up = ScaledConv(config.channels[i - 1], width, up=True, folded=folded)
                block.add_module("conv0", Layer(config, up, width))
            block.add_module("conv1", Layer(config, ScaledConv(width, width), width))
            if config.grows or size == config.resolution:
                block.add_module("torgb", ToRGB(width, config.img_channels))
            self.add_module(f"b{size}", block)


class Generator(GrowingGenerator):
    """ProGAN behind `explorer.generators.protocol.Generator`. Only the first layer has a style: w itself.

    Args:
        config: Shape and options. Weights start at random.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config, self.lod = config, config.lod
        self.synthesis = SynthesisNetwork(config)
        self.spec = _spec(config)

    @classmethod
    def from_tensors(cls, config: GeneratorConfig, tensors: Mapping[str, Tensor]) -> "Generator":
        """Build around tensors named as in the state dict, without copying them. See `build_from_tensors`."""
        return build_from_tensors(lambda: cls(config), tensors)

    def map(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Latents ``[N, z_dim]`` and labels ``[N, c_dim]`` as one vector of mean square 1, ``[N, z_dim + c_dim]``.

        Raises:
            StateError: A label is missing, or a shape is not the model's.
        """
        check_inputs(z, c, z_dim=self.config.z_dim, c_dim=self.config.c_dim)
        if self.config.c_dim > 0:
            z = torch.cat([z, c.to(z.dtype)], dim=1)
        return self._normalized(z)

    def w_avg(self, c: Tensor | None = None) -> Tensor:
        """Zeros, ``[1, w_dim]``: the sphere's centre, which no latent comes near."""
        return self.synthesis.b4.dense.bias.new_zeros(1, self.spec.w_dim)

    def style(self, w_plus: Tensor) -> list[Tensor]:
        """``[N, 1, w_dim]`` to w, back on its sphere, for the first layer, and ``[N, 0]`` for the others.

        Raises:
            StateError: The shape is not the model's.
        """
        if w_plus.ndim != 3 or w_plus.shape[1:] != (1, self.spec.w_dim):
            raise StateError(f"w_plus has shape {list(w_plus.shape)}, and this model takes [N, 1, {self.spec.w_dim}]")
        w = self._normalized(w_plus[:, 0].to(torch.promote_types(w_plus.dtype, self.synthesis.b4.dense.bias.dtype)))
        return [w, *[w.new_zeros(w.shape[0], 0)] * (len(self.spec.layers) - 1)]

    def run_layer(self, index: int, x: Tensor | None, s: Tensor, noise: Tensor | None) -> Tensor:
        """The features after a layer. See `GrowingGenerator`."""
        layer = self.synthesis.get_submodule(self.spec.layers[index].name)
        return layer(s if x is None else x)

    def _normalized(self, w: Tensor) -> Tensor:
        return normalize_second_moment(w, epsilon=self.config.epsilon) if self.config.normalize_latents else w


def _spec(config: GeneratorConfig) -> GeneratorSpec:
    w_dim = config.z_dim + config.c_dim
    layers = []
    for size, width in zip(config.block_resolutions, config.channels, strict=True):
        for kind in ("dense", "conv1") if size == 4 else ("conv0", "conv1"):
            style_dim = w_dim if kind == "dense" else 0
            layers.append(LayerSpec(f"b{size}.{kind}", 0, style_dim, width, (size, size), False))
    return GeneratorSpec(
        family="progan",
        variant="grown" if config.lod == 0 else "part-grown",
        resolution=(config.resolution, config.resolution),
        img_channels=config.img_channels,
        z_dim=config.z_dim,
        w_dim=w_dim,
        c_dim=config.c_dim,
        num_ws=1,
        layers=tuple(layers),
        activations=activation_names([layer.name for layer in layers], grows=config.grows),
        has_noise=False,
        has_transform=False,
        has_truncation=False,
    )
