"""FastGAN's generator, the light one of Projected GAN: doubling convolutions, and small features that weigh large ones.

W is Z here, with the class's embedding behind it, which every normalisation of a conditional model reads. It is one
row, so there is nothing to mix across layers, and nothing to truncate to. Layers: ``b4.conv0``, ``b8.conv0``,
``b8.conv1``, ... Batch norms are scale and shift; the published noise is new for every picture, ours is drawn once
unless asked otherwise.

Source: Towards Faster and Stabilized GAN Training (Liu et al. 2021), section 3.1 and figure 3; Projected GANs Converge
Faster (Sauer et al. 2021), appendix.
"""

import math
from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.generators.assign import build_from_tensors
from explorer.generators.fastgan_config import EXCITED_BY, GeneratorConfig
from explorer.generators.linear import normalize_second_moment
from explorer.generators.noise import noise_maps
from explorer.generators.protocol import Step
from explorer.generators.stepping import check_inputs, check_styles, layer_index, run_to
from explorer.generators.styles import check_w_plus
from explorer.state import GeneratorSpec, LayerSpec, Noise

__all__ = ["Generator", "GeneratorConfig"]

STORED_NOISE = Noise()
_FIRST_SIDE = 4


class Gated(nn.Module):
    """What follows every convolution: noise, scale and shift, by the class where there is one, and a gate.

    Args:
        channels: Features that come out; twice as many come in, the second half as gates.
        embed_dim: Length of the class's embedding; 0: there are none.
        side: Of the features, where noise is added; 0: none is.
    """

    def __init__(self, channels: int, *, embed_dim: int, side: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(2 * channels))
        self.shift = nn.Parameter(torch.zeros(2 * channels))
        if side:
            self.noise_strength = nn.Parameter(torch.zeros([]))
            self.register_buffer("noise_const", torch.randn(side, side))
        if embed_dim:
            self.gain = nn.Linear(embed_dim, 2 * channels)
            self.offset = nn.Linear(embed_dim, 2 * channels)

    def finish(self, x: Tensor, s: Tensor, noise: Tensor | None) -> Tensor:
        """``[N, 2C, h, w]`` to ``[N, C, h, w]``."""
        if noise is not None:
            x = x + noise
        x = torch.addcmul(self.shift[:, None, None], x, self.scale[:, None, None])
        if s.shape[1]:
            x = torch.addcmul(self.offset(s)[:, :, None, None], x, 1 + self.gain(s)[:, :, None, None])
        values, gates = x.chunk(2, dim=1)
        return values * torch.sigmoid(gates)


class FirstLayer(Gated):
    """A latent becomes features of 4 x 4."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__(config.channels[0], embed_dim=0, side=0)
        shape = (2 * config.channels[0], _FIRST_SIDE, _FIRST_SIDE)
        self.weight = nn.Parameter(torch.randn(config.z_dim, *shape) * (1 / math.sqrt(config.z_dim)))

    def forward(self, s: Tensor) -> Tensor:
        """``[N, z_dim]`` to ``[N, C, 4, 4]``."""
        x = (s @ self.weight.flatten(1)).unflatten(1, self.weight.shape[1:])
        return self.finish(x, s[:, :0], None)


class Layer(Gated):
    """A 3 x 3 convolution, the first of a size after nearest doubling."""

    def __init__(self, config: GeneratorConfig, in_channels: int, index: int, *, doubles: bool) -> None:
        side = 0 if config.lite else _FIRST_SIDE << index
        super().__init__(config.channels[index], embed_dim=config.embed_dim if config.c_dim else 0, side=side)
        self.doubles = doubles
        shape = (2 * config.channels[index], in_channels, 3, 3)
        self.weight = nn.Parameter(torch.randn(shape) * (1 / math.sqrt(9 * in_channels)))

    def forward(self, x: Tensor, s: Tensor, noise: Tensor | None) -> Tensor:
        """``[N, in, h, w]`` to ``[N, C, h, w]``, twice as large where it doubles."""
        if self.doubles:
            x = F.interpolate(x, scale_factor=2, mode="nearest")
        return self.finish(F.conv2d(x, self.weight, padding=1), s, noise)


class Excitation(nn.Module):
    """Small features decide how much each large feature counts."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        spread = 1 / math.sqrt(in_channels * _FIRST_SIDE**2)
        self.see = nn.Parameter(torch.randn(out_channels, in_channels, _FIRST_SIDE, _FIRST_SIDE) * spread)
        self.weigh = nn.Parameter(torch.randn(out_channels, out_channels) * (1 / math.sqrt(out_channels)))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, in, h, w]`` to ``[N, out, 1, 1]``, 0 to 1."""
        x = F.avg_pool2d(x, x.shape[2] // _FIRST_SIDE)
        seen = x.flatten(1) @ self.see.flatten(1).t()
        return torch.sigmoid(F.silu(seen) @ self.weigh.t())[:, :, None, None]


class SynthesisNetwork(nn.Module):
    """Holds the sizes ``b4``, ``b8``, ... with their layers and excitations, and ``torgb``."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        for i in range(len(config.channels)):
            side = _FIRST_SIDE << i
            block = nn.Module()
            if i == 0:
                block.add_module("conv0", FirstLayer(config))
            else:
                block.add_module("conv0", Layer(config, config.channels[i - 1], i, doubles=True))
                if not config.lite:
                    block.add_module("conv1", Layer(config, config.channels[i], i, doubles=False))
            if side in EXCITED_BY:
                source = config.channels[(EXCITED_BY[side] // _FIRST_SIDE).bit_length() - 1]
                block.add_module("excite", Excitation(source, config.channels[i]))
            self.add_module(f"b{side}", block)
        shape = (config.img_channels, config.channels[-1], 3, 3)
        self.torgb = nn.Module()
        self.torgb.weight = nn.Parameter(torch.randn(shape) * (1 / math.sqrt(9 * config.channels[-1])))
        self.torgb.bias = nn.Parameter(torch.zeros(config.img_channels))


class Generator(nn.Module):
    """FastGAN behind `explorer.generators.protocol.Generator`.

    A step's `shortcut` holds the weights of larger features that were decided so far, ``[N, all of them, 1, 1]``.

    Args:
        config: Shape and options. Weights start at random.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        if config.c_dim > 0:
            self.mapping = nn.Module()
            self.mapping.weight = nn.Parameter(torch.randn(config.c_dim, config.embed_dim))
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
        return torch.cat([z, (c.to(self.mapping.weight) @ self.mapping.weight).to(z.dtype)], dim=1)

    def w_avg(self, c: Tensor | None = None) -> Tensor:
        """Zeros, ``[1, w_dim]``: the mean of all latents, which none comes near."""
        return self.synthesis.torgb.weight.new_zeros(1, self.spec.w_dim)

    def style(self, w_plus: Tensor) -> list[Tensor]:
        """``[N, 1, w_dim]`` to the latent at mean square 1 for the first layer, and the embedding for the others.

        Raises:
            StateError: The shape is not the model's.
        """
        check_w_plus(self.spec, w_plus)
        w = w_plus[:, 0].to(self.synthesis.torgb.weight.dtype)
        z, embedded = w[:, : self.config.z_dim], w[:, self.config.z_dim :]
        return [normalize_second_moment(z), *[embedded] * (len(self.spec.layers) - 1)]

    def steps(
        self,
        s: Sequence[Tensor],
        *,
        noise: Noise = STORED_NOISE,
        transform: Tensor | None = None,
        start: Step | None = None,
    ) -> Iterator[Step]:
        """Run layer by layer, after `start`. See the protocol.

        Raises:
            StateError: The styles are not this model's, or a transform is asked for.
        """
        check_styles(self.spec, s, transform)
        layers = [self.synthesis.get_submodule(layer.name) for layer in self.spec.layers]
        first = 0 if start is None else start.index + 1
        x, gates = (None, s[0].new_zeros(s[0].shape[0], 0, 1, 1)) if start is None else (start.x, start.shortcut)
        maps = noise_maps(noise, self.spec.layers, layers, batch=s[0].shape[0], first=first)
        for index, field in zip(range(first, len(layers)), maps, strict=True):
            x = layers[index](s[0]) if index == 0 else layers[index](x, s[index], field)
            side = self.spec.layers[index].size[0]
            if index + 1 == len(layers) or self.spec.layers[index + 1].size[0] > side:
                x, gates = self._excite(side, x, gates)
            last = index + 1 == len(layers)
            yield Step(index, x, self._picture(x) if last else None, gates)

    def _excite(self, side: int, x: Tensor, gates: Tensor) -> tuple[Tensor, Tensor]:
        """A finished size: weighed by a smaller one, and weights for a larger one."""
        if side in EXCITED_BY:
            x = x * gates.split(self._weighed(), dim=1)[list(EXCITED_BY).index(side)]
        for large, small in EXCITED_BY.items():
            if small == side and large <= self.config.resolution:
                gates = torch.cat([gates, self.synthesis.get_submodule(f"b{large}.excite")(x)], dim=1)
        return x, gates

    def _weighed(self) -> list[int]:
        """Features of each size that smaller ones weigh."""
        config = self.config
        sides = [_FIRST_SIDE << i for i in range(len(config.channels))]
        return [count for side, count in zip(sides, config.channels, strict=True) if side in EXCITED_BY]

    def _picture(self, x: Tensor) -> Tensor:
        return F.conv2d(x, self.synthesis.torgb.weight, self.synthesis.torgb.bias, padding=1)

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


def _spec(config: GeneratorConfig) -> GeneratorSpec:
    embedded = config.embed_dim if config.c_dim else 0
    layers = [LayerSpec("b4.conv0", 0, config.z_dim, config.channels[0], (_FIRST_SIDE, _FIRST_SIDE), False)]
    for i, channels in enumerate(config.channels[1:], start=1):
        side = _FIRST_SIDE << i
        for name in ("conv0",) if config.lite else ("conv0", "conv1"):
            layers.append(LayerSpec(f"b{side}.{name}", 0, embedded, channels, (side, side), not config.lite))
    return GeneratorSpec(
        family="fastgan",
        variant="lite" if config.lite else "full",
        resolution=(config.resolution, config.resolution),
        img_channels=config.img_channels,
        z_dim=config.z_dim,
        w_dim=config.z_dim + embedded,
        c_dim=config.c_dim,
        num_ws=1,
        layers=tuple(layers),
        activations=(*(layer.name for layer in layers), "output"),
        has_noise=not config.lite,
        has_transform=False,
        has_truncation=False,
    )
