"""R3GAN's generator: a plain residual network from a latent to a picture; no mapping, no styles, no noise.

W is Z here, the latent with the class's embedding behind it. It is one row, so there is nothing to mix across layers,
and a normal latent has no centre that the network was trained near, so there is nothing to truncate to. Layers of a
size: ``b4.basis`` or ``b8.up``, then its residual blocks ``b8.block0``, ...

Source: The GAN is dead; long live the GAN! A Modern GAN Baseline (Huang et al. 2024), section 3.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
from torch import Tensor, nn

from explorer.generators.assign import build_from_tensors
from explorer.generators.protocol import Step
from explorer.generators.r3gan_config import GeneratorConfig, Stages
from explorer.generators.r3gan_layers import Conv, ResidualBlock, branch_gain
from explorer.generators.stepping import check_inputs, check_styles, layer_index, run_to
from explorer.generators.styles import check_w_plus
from explorer.ops import setup_filter, upsample2d
from explorer.state import GeneratorSpec, LayerSpec, Noise

__all__ = ["Generator", "GeneratorConfig", "add_blocks"]

STORED_NOISE = Noise()


class Basis(nn.Module):
    """Learned features at the smallest size, each scaled by a linear function of the latent."""

    def __init__(self, in_features: int, channels: int, size: Sequence[int]) -> None:
        super().__init__()
        self.features = nn.Parameter(torch.randn(channels, *size))
        self.weight = nn.Parameter(torch.randn(channels, in_features) * (1 / math.sqrt(in_features)))

    def forward(self, w: Tensor) -> Tensor:
        """``[N, w_dim]`` to ``[N, C, h, w]``."""
        return self.features * (w @ self.weight.t())[:, :, None, None]


class Up(nn.Module):
    """Changes the number of features where it has to, then doubles the size and filters."""

    def __init__(self, config: Stages, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv = Conv(in_channels, out_channels) if in_channels != out_channels else None
        self.register_buffer("resample_filter", setup_filter(config.resample_filter))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, in, h, w]`` to ``[N, out, 2h, 2w]``."""
        return upsample2d(x if self.conv is None else self.conv(x), self.resample_filter)


def add_blocks(part: nn.Module, config: Stages, index: int) -> None:
    """Give a module the residual blocks of a size: ``block0``, ``block1``, ..."""
    gain = branch_gain(sum(config.blocks))
    for i in range(config.blocks[index]):
        block = ResidualBlock(
            config.channels[index],
            expansion=config.expansion[index],
            groups=config.groups[index],
            kernel_size=config.kernel_size,
            gain=gain,
        )
        part.add_module(f"block{i}", block)


class SynthesisNetwork(nn.Module):
    """Holds the sizes ``b4``, ``b8``, ... and ``torgb``; the generator runs them layer by layer."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        width = config.z_dim + (config.embed_dim if config.c_dim else 0)
        for i, channels in enumerate(config.channels):
            part = nn.Module()
            if i == 0:
                part.add_module("basis", Basis(width, channels, config.base_size))
            else:
                part.add_module("up", Up(config, config.channels[i - 1], channels))
            add_blocks(part, config, i)
            self.add_module(_size_name(i), part)
        self.torgb = Conv(config.channels[-1], config.img_channels)


class Generator(nn.Module):
    """R3GAN behind `explorer.generators.protocol.Generator`. Only the first layer has a style: w itself.

    Args:
        config: Shape and options. Weights start at random, residual branches at nothing.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        if config.c_dim > 0:
            self.mapping = nn.Module()
            embedding = torch.randn(config.embed_dim, config.c_dim) * (1 / math.sqrt(config.c_dim))
            self.mapping.weight = nn.Parameter(embedding)
        self.synthesis = SynthesisNetwork(config)
        self.spec = _spec(config)

    @classmethod
    def from_tensors(cls, config: GeneratorConfig, tensors: Mapping[str, Tensor]) -> "Generator":
        """Build around tensors named as in the state dict, without copying them. See `build_from_tensors`."""
        return build_from_tensors(lambda: cls(config), tensors)

    def map(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Latents ``[N, z_dim]``, and the embedding of labels ``[N, c_dim]`` behind them: ``[N, w_dim]``.

        Raises:
            StateError: A label is missing, or a shape is not the model's.
        """
        check_inputs(z, c, z_dim=self.config.z_dim, c_dim=self.config.c_dim)
        if self.config.c_dim == 0:
            return z
        return torch.cat([z, (c.to(self.mapping.weight) @ self.mapping.weight.t()).to(z.dtype)], dim=1)

    def w_avg(self, c: Tensor | None = None) -> Tensor:
        """Zeros, ``[1, w_dim]``: the mean of all latents, which none comes near."""
        return self.synthesis.b4.basis.weight.new_zeros(1, self.spec.w_dim)

    def style(self, w_plus: Tensor) -> list[Tensor]:
        """``[N, 1, w_dim]`` to w for the first layer, and ``[N, 0]`` for the others.

        Raises:
            StateError: The shape is not the model's.
        """
        check_w_plus(self.spec, w_plus)
        w = w_plus[:, 0].to(self.synthesis.b4.basis.weight.dtype)
        return [w, *[w.new_zeros(w.shape[0], 0)] * (len(self.spec.layers) - 1)]

    def steps(
        self,
        s: Sequence[Tensor],
        *,
        noise: Noise = STORED_NOISE,
        transform: Tensor | None = None,
        start: Step | None = None,
    ) -> Iterator[Step]:
        """Run layer by layer, after `start`. See the protocol; noise changes nothing.

        Raises:
            StateError: The styles are not this model's, or a transform is asked for.
        """
        check_styles(self.spec, s, transform)
        x, first = (s[0], 0) if start is None else (start.x, start.index + 1)
        for index in range(first, len(self.spec.layers)):
            x = self.synthesis.get_submodule(self.spec.layers[index].name)(x)
            last = index + 1 == len(self.spec.layers)
            yield Step(index, x, self.synthesis.torgb(x) if last else None)

    def synthesize(
        self,
        s: Sequence[Tensor],
        *,
        noise: Noise = STORED_NOISE,
        transform: Tensor | None = None,
        start: Step | None = None,
        until: str | None = None,
    ) -> Tensor:
        """The picture ``[N, C, H, W]``, about -1 to 1; or the activations named `until`. See the protocol.

        Raises:
            StateError: As `steps`; or `until` does not exist, or lies before `start`.
        """
        last = layer_index(self.spec, until)
        step = run_to(self, last, s, noise=noise, transform=transform, start=start, until=until)
        return step.image if until in (None, "output") else step.x


def _size_name(index: int) -> str:
    return f"b{4 << index}"


def _spec(config: GeneratorConfig) -> GeneratorSpec:
    w_dim = config.z_dim + (config.embed_dim if config.c_dim else 0)
    layers = []
    for i, (channels, size) in enumerate(zip(config.channels, config.sizes, strict=True)):
        for name in ("up" if i else "basis", *(f"block{k}" for k in range(config.blocks[i]))):
            style_dim = w_dim if name == "basis" else 0
            layers.append(LayerSpec(f"{_size_name(i)}.{name}", 0, style_dim, channels, size, False))
    return GeneratorSpec(
        family="r3gan",
        variant="resnet",
        resolution=config.picture_size,
        img_channels=config.img_channels,
        z_dim=config.z_dim,
        w_dim=w_dim,
        c_dim=config.c_dim,
        num_ws=1,
        layers=tuple(layers),
        activations=(*(layer.name for layer in layers), "output"),
        has_noise=False,
        has_transform=False,
        has_truncation=False,
    )
