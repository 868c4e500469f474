"""A light StyleGAN2 as lucidrains wrote it: bilinear doubling, one style a block, one noise picture for all layers.

Its mathematics differ from the published StyleGAN2 throughout: no equalised learning rates but in the mapping, styles
count from 1, a leaky ReLU without gain, colours between 0 and 1. Ours come out between -1 and 1 as everywhere else.

Source: StyleGAN2 (Karras et al. 2020) as in stylegan2-pytorch 1.9 (MIT); linear attention (Shen et al. 2021).
"""

from collections.abc import Iterator, Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import StateError
from explorer.generators.assign import build_from_tensors
from explorer.generators.lightweight_config import GeneratorConfig
from explorer.generators.lightweight_layers import Attention, NoisyConv, ToRGB, double, double_smoothly
from explorer.generators.protocol import Step
from explorer.generators.stepping import check_styles, layer_index, run_to
from explorer.generators.styles import check_w_plus
from explorer.state import GeneratorSpec, LayerSpec, Noise

__all__ = ["Generator", "GeneratorConfig"]

STORED_NOISE = Noise()


class MappingNetwork(nn.Module):
    """A stack of fully connected layers behind a latent of length 1; keeps the centre of W."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.lr_multiplier = config.lr_multiplier
        self.layers = config.mapping_layers
        for i in range(config.mapping_layers):
            layer = nn.Module()
            layer.weight = nn.Parameter(torch.randn(config.w_dim, config.w_dim))
            layer.bias = nn.Parameter(torch.zeros(config.w_dim))
            self.add_module(f"fc{i}", layer)
        self.register_buffer("w_avg", torch.zeros(config.w_dim))

    def forward(self, z: Tensor) -> Tensor:
        """``[N, w_dim]`` to ``[N, w_dim]``."""
        x = F.normalize(z, dim=1)
        for i in range(self.layers):
            layer = self.get_submodule(f"fc{i}")
            weight, bias = layer.weight * self.lr_multiplier, layer.bias * self.lr_multiplier
            x = F.leaky_relu(F.linear(x, weight.to(x.dtype), bias.to(x.dtype)), 0.2)
        return x


class Synthesis(nn.Module):
    """The start, and the blocks ``b4``, ``b8``, ...; the generator runs them layer by layer."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        first, w_dim = config.first_channels, config.w_dim
        # Without a constant, the mean style grows into features: one 4² picture for each of its numbers.
        shape = (first, 4, 4) if config.const_input else (w_dim, first, 4, 4)
        self.start = nn.Parameter(torch.randn(shape))
        self.conv = nn.Conv2d(first, first, 3, padding=1)
        before = first
        for i, (size, width) in enumerate(zip(config.block_resolutions, config.channels, strict=True)):
            block = nn.Module()
            if i in config.attention:
                block.add_module("attention", Attention(before))
            block.add_module("conv0", NoisyConv(w_dim, before, width))
            block.add_module("conv1", NoisyConv(w_dim, width, width))
            block.add_module("torgb", ToRGB(w_dim, width, config.img_channels))
            self.add_module(f"b{size}", block)
            before = width


class Generator(nn.Module):
    """The light StyleGAN2 behind `explorer.generators.protocol.Generator`.

    Noise: one picture of uniform numbers feeds every layer. ``const`` takes the stored `noise_const`, ``[1, H, W]``;
    ``random`` draws one from its seed; ``none`` is a picture of zeros.

    Args:
        config: Shape and options. Weights start at random.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = MappingNetwork(config)
        self.synthesis = Synthesis(config)
        self.register_buffer("noise_const", torch.rand(1, config.resolution, config.resolution))
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
        return self.mapping(z.to(torch.promote_types(z.dtype, torch.float32)))

    def w_avg(self, c: Tensor | None = None) -> Tensor:
        """The centre of W, ``[1, w_dim]``."""
        return self.mapping.w_avg[None]

    def style(self, w_plus: Tensor) -> list[Tensor]:
        """Each layer's affine map of its row: ``[N, num_ws, w_dim]`` to one ``[N, C_l]`` for each of ``spec.layers``.

        Raises:
            StateError: The shape is not the model's.
        """
        check_w_plus(self.spec, w_plus)
        w_plus = w_plus.to(torch.promote_types(w_plus.dtype, self.synthesis.start.dtype))
        s = [self.synthesis.get_submodule(layer.name).style(w_plus[:, layer.w_row]) for layer in self.spec.layers]
        if not self.config.const_input:
            s[0] = torch.cat([s[0], w_plus.mean(dim=1)], dim=1)
        return s

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
        field, step = self._noise(noise, batch=s[0].shape[0]), start
        for index in range(0 if start is None else start.index + 1, len(self.spec.layers)):
            factor = noise.strength_of(self.spec.layers[index].name)
            step = self._advance(index, step, s[index], field if factor == 1 else field * factor)
            yield step

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
        return step.image if self.spec.layers[last].name.endswith("torgb") else step.x

    def _advance(self, index: int, before: Step | None, s: Tensor, noise: Tensor) -> Step:
        name, _, kind = self.spec.layers[index].name.partition(".")
        block = self.synthesis.get_submodule(name)
        image = None if before is None else before.image
        if kind == "torgb":
            # Colours between 0 and 1 are spread over -1 to 1 at once, which the sum of blurred pictures allows.
            y = block.torgb(before.x, s) * 2
            return Step(index, before.x, y - 1 if image is None else y + double_smoothly(image))
        if kind == "conv1":
            return Step(index, block.conv1(before.x, s, noise), image)
        x, s = self._begin(s) if before is None else (before.x, s)
        if hasattr(block, "attention"):
            x = block.attention(x)
        return Step(index, block.conv0(x if before is None else double(x), s, noise), image)

    def _begin(self, s: Tensor) -> tuple[Tensor, Tensor]:
        """The features that the first block starts from, and its style."""
        start = self.synthesis.start
        if self.config.const_input:
            return self.synthesis.conv(start.expand(s.shape[0], -1, -1, -1)), s
        own = s.shape[1] - self.config.w_dim
        return self.synthesis.conv(torch.einsum("nw,wchv->nchv", s[:, own:], start)), s[:, :own]

    def _noise(self, noise: Noise, *, batch: int) -> Tensor:
        """The picture of noise at strength 1."""
        stored = self.noise_const
        if noise.mode == "none":
            return torch.zeros_like(stored)
        if noise.mode == "const":
            return stored
        # Drawn on the CPU, so that no device changes the picture.
        stream = torch.Generator().manual_seed(noise.seed)
        return torch.rand([batch, *stored.shape[1:]], generator=stream).to(stored)


def _spec(config: GeneratorConfig) -> GeneratorSpec:
    layers = []
    before = config.first_channels
    for row, (size, width) in enumerate(zip(config.block_resolutions, config.channels, strict=True)):
        first = before + (0 if row or config.const_input else config.w_dim)
        for kind, style_dim in (("conv0", first), ("conv1", width)):
            layers.append(LayerSpec(f"b{size}.{kind}", row, style_dim, width, (size, size), True))
        layers.append(LayerSpec(f"b{size}.torgb", row, width, config.img_channels, (size, size), False))
        before = width
    return GeneratorSpec(
        family="lightweight",
        variant="attention" if config.attention else "skip",
        resolution=(config.resolution, config.resolution),
        img_channels=config.img_channels,
        z_dim=config.w_dim,
        w_dim=config.w_dim,
        c_dim=0,
        num_ws=len(config.channels),
        layers=tuple(layers),
        activations=(*(layer.name for layer in layers), "output"),
        has_noise=True,
        has_transform=False,
    )
