"""MobileStyleGAN: separable convolutions on wavelets, for pictures of 1024² on a phone.

Every block doubles the size by an inverse Haar transform, whose four bands are a quarter of the channels each; the
picture is made once, at the end, from the bands of its colours. Demodulation is folded into the weights, so a layer's
style only scales what comes in.

Source: MobileStyleGAN (Belousov 2021), "A Lightweight Convolutional Neural Network for High-Fidelity Image Synthesis".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import CheckpointError, StateError
from explorer.generators.assign import build_from_tensors
from explorer.generators.config import check_between, config_from_json
from explorer.generators.linear import normalize_second_moment
from explorer.generators.noise import noise_maps
from explorer.generators.protocol import Step
from explorer.generators.stepping import check_styles, layer_index, run_to
from explorer.generators.stylegan1_config import check_blocks
from explorer.generators.stylegan2_config import MAX_LAYERS, MAX_WIDTH
from explorer.generators.styles import check_w_plus
from explorer.state import GeneratorSpec, LayerSpec, Noise

__all__ = ["Generator", "GeneratorConfig", "inverse_haar"]

STORED_NOISE = Noise()
SLOPE = 0.2
BANDS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorConfig:
    """A generator's shape.

    Raises:
        CheckpointError: A value is out of range or contradicts another.
    """

    resolution: int
    """Pixels along each side of the picture: a power of two, from 8."""
    channels: tuple[int, ...]
    """Features of each block, from 4² up to half the resolution. All but the last in quarters, for four bands."""
    w_dim: int = 512
    """Length of a latent and of a style."""
    mapping_layers: int = 8
    """Fully connected layers from z to w."""
    img_channels: int = 3
    """Colours."""

    def __post_init__(self) -> None:
        check_between("resolution", self.resolution, 8, 1 << 14)
        check_blocks(self.resolution // 2, self.channels, lod=0, grows=False)
        check_between("w_dim", self.w_dim, 1, MAX_WIDTH)
        check_between("mapping_layers", self.mapping_layers, 1, MAX_LAYERS)
        check_between("img_channels", self.img_channels, 1, 1 << 10)
        if self.resolution & (self.resolution - 1) or any(count % BANDS for count in self.channels[:-1]):
            raise CheckpointError(f"blocks of {self.channels} features make no bands of a {self.resolution}² picture")

    @classmethod
    def from_json(cls, data: object) -> "GeneratorConfig":
        """Read what ``dataclasses.asdict`` made. Raises `CheckpointError` on anything else."""
        return config_from_json(cls, data)

    @property
    def block_resolutions(self) -> tuple[int, ...]:
        """4, 8, ..., half of `resolution`."""
        return tuple(4 << i for i in range(len(self.channels)))


class MappingNetwork(nn.Module):
    """A normalised latent through fully connected layers; keeps the centre of W."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.layers = config.mapping_layers
        for i in range(config.mapping_layers):
            self.add_module(f"fc{i}", nn.Linear(config.w_dim, config.w_dim))
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def forward(self, z: Tensor) -> Tensor:
        """``[N, w_dim]`` to ``[N, w_dim]``."""
        x = normalize_second_moment(z)
        for i in range(self.layers):
            x = F.leaky_relu(self.get_submodule(f"fc{i}")(x), SLOPE) * 2**0.5
        return x


class UpLayer(nn.Module):
    """Scaled features as the four bands of pictures of twice the size."""

    def __init__(self, w_dim: int, channels: int) -> None:
        super().__init__()
        self.affine = nn.Linear(w_dim, channels)

    def forward(self, x: Tensor, s: Tensor, noise: Tensor | None) -> Tensor:
        """``[N, C, h, w]`` and ``[N, C]`` to ``[N, C / 4, 2h, 2w]``."""
        return inverse_haar(x * s[:, :, None, None])


class ConvLayer(nn.Module):
    """Scaled features through a convolution, whole or separable, then noise, bias and a leaky ReLU without gain."""

    def __init__(self, w_dim: int, in_channels: int, out_channels: int, *, size: int, separable: bool) -> None:
        super().__init__()
        self.affine = nn.Linear(w_dim, in_channels)
        if separable:
            self.spread = nn.Parameter(torch.randn(in_channels, 1, 3, 3))
        kernel = 1 if separable else 3
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel, kernel))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.register_buffer("noise_const", torch.randn(size, size))
        self.noise_strength = nn.Parameter(torch.zeros([]))

    def forward(self, x: Tensor, s: Tensor, noise: Tensor | None) -> Tensor:
        """``[N, in, h, w]`` and ``[N, in]`` to ``[N, out, h, w]``; `noise` comes with its strength."""
        x = x * s[:, :, None, None]
        if hasattr(self, "spread"):
            x = F.conv2d(x, self.spread, padding=1, groups=x.shape[1])
        x = F.conv2d(x, self.weight, self.bias, padding=self.weight.shape[2] // 2)
        return F.leaky_relu(x if noise is None else x + noise, SLOPE)


class ToRGB(nn.Module):
    """A pointwise convolution to the bands of the colours, and these put together."""

    def __init__(self, w_dim: int, in_channels: int, img_channels: int) -> None:
        super().__init__()
        self.affine = nn.Linear(w_dim, in_channels)
        self.weight = nn.Parameter(torch.randn(BANDS * img_channels, in_channels, 1, 1))
        self.bias = nn.Parameter(torch.zeros(BANDS * img_channels))

    def forward(self, x: Tensor, s: Tensor, noise: Tensor | None) -> Tensor:
        """``[N, in, h, w]`` and ``[N, in]`` to ``[N, img_channels, 2h, 2w]``."""
        return inverse_haar(F.conv2d(x * s[:, :, None, None], self.weight, self.bias))


class SynthesisNetwork(nn.Module):
    """The constant, and the blocks ``b4``, ``b8``, ...; the generator runs them layer by layer."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        w_dim, before = config.w_dim, config.channels[0]
        self.const = nn.Parameter(torch.randn(before, 4, 4))
        for size, width in zip(config.block_resolutions, config.channels, strict=True):
            block = nn.Module()
            if size > 4:
                block.add_module("up", UpLayer(w_dim, before))
                block.add_module("conv0", ConvLayer(w_dim, before // BANDS, width, size=size, separable=True))
            block.add_module("conv1", ConvLayer(w_dim, width, width, size=size, separable=size > 4))
            self.add_module(f"b{size}", block)
            before = width
        block = nn.Module()
        block.add_module("torgb", ToRGB(w_dim, before, config.img_channels))
        self.add_module(f"b{config.resolution}", block)


class Generator(nn.Module):
    """MobileStyleGAN behind `explorer.generators.protocol.Generator`. Every layer has a row of its own.

    Args:
        config: Shape. Weights start at random.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = MappingNetwork(config)
        self.synthesis = SynthesisNetwork(config)
        self.spec = _spec(config)

    @classmethod
    def from_tensors(cls, config: GeneratorConfig, tensors: Mapping[str, Tensor]) -> "Generator":
        """Build around tensors named as in the state dict, without copying them. See `build_from_tensors`."""
        return build_from_tensors(lambda: cls(config), tensors)

    def map(self, z: Tensor, c: Tensor | None = None) -> Tensor:
        """Latents ``[N, z_dim]`` to styles ``[N, w_dim]``; there are no classes.

        Raises:
            StateError: A shape is not the model's.
        """
        if z is None or z.ndim != 2 or z.shape[1] != self.config.w_dim:
            raise StateError(f"this model takes z of shape [N, {self.config.w_dim}]")
        return self.mapping(z.to(self.mapping.w_avg.dtype))

    def w_avg(self, c: Tensor | None = None) -> Tensor:
        """The centre of W, ``[1, w_dim]``."""
        return self.mapping.w_avg[None]

    def style(self, w_plus: Tensor) -> list[Tensor]:
        """Each layer's affine map of its row: ``[N, num_ws, w_dim]`` to one ``[N, C_l]`` for each of ``spec.layers``.

        Raises:
            StateError: The shape is not the model's.
        """
        check_w_plus(self.spec, w_plus)
        w_plus = w_plus.to(self.mapping.w_avg.dtype)
        return [self._layer(i).affine(w_plus[:, layer.w_row]) for i, layer in enumerate(self.spec.layers)]

    def steps(
        self,
        s: Sequence[Tensor],
        *,
        noise: Noise = STORED_NOISE,
        transform: Tensor | None = None,
        start: Step | None = None,
    ) -> Iterator[Step]:
        """Run layer by layer, after `start`. See the protocol; `transform` may only be the identity.

        Raises:
            StateError: The styles are not this model's, or a transform is asked for.
        """
        check_styles(self.spec, s, transform)
        layers = [self._layer(i) for i in range(len(self.spec.layers))]
        first = 0 if start is None else start.index + 1
        maps = noise_maps(noise, self.spec.layers, layers, batch=s[0].shape[0], first=first)
        x = self.synthesis.const.expand(s[0].shape[0], -1, -1, -1) if start is None else start.x
        for index, field in enumerate(maps, start=first):
            y = layers[index](x, s[index], field)
            if index + 1 == len(layers):
                yield Step(index, x, y)
            else:
                x = y
                yield Step(index, x, None)

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
        return step.x if step.image is None else step.image

    def _layer(self, index: int) -> nn.Module:
        return self.synthesis.get_submodule(self.spec.layers[index].name)


def inverse_haar(x: Tensor) -> Tensor:
    """Put bands together: ``[N, 4 C, h, w]`` to ``[N, C, 2h, 2w]``.

    The first C channels are the means; then each picture's differences down, across and both.
    """
    count = x.shape[1] // BANDS
    bands = torch.cat([x[:, None, :count].transpose(1, 2), x[:, count:].unflatten(1, (count, BANDS - 1))], dim=2)
    # Upper left, upper right, lower left and lower right of the pixels that a place becomes.
    signs = [[1, 1, 1, 1], [1, 1, -1, -1], [1, -1, 1, -1], [1, -1, -1, 1]]
    corners = torch.einsum("ncbhw,bk->nckhw", bands, torch.tensor(signs, dtype=x.dtype, device=x.device) / 2)
    return F.pixel_shuffle(corners.flatten(1, 2), 2)


def _spec(config: GeneratorConfig) -> GeneratorSpec:
    layers: list[LayerSpec] = []
    before = config.channels[0]
    for size, width in zip(config.block_resolutions, config.channels, strict=True):
        quarter, shape = before // BANDS, (size, size)
        if size > 4:
            layers.append(LayerSpec(f"b{size}.up", len(layers), before, quarter, shape, noisy=False))
            layers.append(LayerSpec(f"b{size}.conv0", len(layers), quarter, width, shape, noisy=True))
        layers.append(LayerSpec(f"b{size}.conv1", len(layers), width, width, shape, noisy=True))
        before = width
    whole = (config.resolution, config.resolution)
    last = f"b{config.resolution}.torgb"
    layers.append(LayerSpec(last, len(layers), before, config.img_channels, whole, noisy=False))
    return GeneratorSpec(
        family="mobile_stylegan",
        variant="wavelet",
        resolution=whole,
        img_channels=config.img_channels,
        z_dim=config.w_dim,
        w_dim=config.w_dim,
        c_dim=0,
        num_ws=len(layers),
        layers=tuple(layers),
        activations=(*(layer.name for layer in layers), "output"),
        has_noise=True,
        has_transform=False,
    )
