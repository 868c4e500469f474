"""StyleGAN2 and StyleGAN2-ADA: generator with skip, residual or plain blocks.

Source: StyleGAN2 (Karras et al. 2020); StyleGAN2-ADA (Karras et al. 2020).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from explorer.generators.assign import build_from_tensors
from explorer.generators.growing import grow_picture
from explorer.generators.joint_mapping import JointMappingNetwork
from explorer.generators.mapping import MappingNetwork
from explorer.generators.noise import noise_maps
from explorer.generators.protocol import Step
from explorer.generators.stepping import check_styles, run_to, unknown_layer
from explorer.generators.stylegan2_config import DiscriminatorConfig, GeneratorConfig
from explorer.generators.stylegan2_discriminator import Discriminator
from explorer.generators.stylegan2_layers import SynthesisNetwork
from explorer.generators.styles import check_w_plus
from explorer.ops import upsample2d
from explorer.state import GeneratorSpec, LayerSpec, Noise

__all__ = ["Discriminator", "DiscriminatorConfig", "Generator", "GeneratorConfig"]

# Keeps the variance of a sum of two branches that have variance 1 each.
BRANCH_GAIN = math.sqrt(0.5)

STORED_NOISE = Noise()


@dataclass(frozen=True, slots=True)
class _Stop:
    """Where an activation is found."""

    take: Literal["x", "image", "shortcut", "raw"]
    """A field of the step after `layer`, or what the layer itself returns before it joins others."""
    layer: int


class Generator(nn.Module):
    """StyleGAN2 behind `explorer.generators.protocol.Generator`.

    Half precision: the mapping, the styles and the sum of pictures stay in float32.

    Args:
        config: Shape and options. Weights start at random.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.synthesis = SynthesisNetwork(config)
        self.mapping = _mapping(config)
        self.spec = _spec(config)
        self._stops = _stops(config, self.spec.layers)

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
            return self.synthesis.b4.const.new_zeros(1, self.config.w_dim)
        return self.mapping.w_avg[None]

    def style(self, w_plus: Tensor) -> list[Tensor]:
        """Each layer's affine map of its row: ``[N, num_ws, w_dim]`` to one ``[N, C_l]`` for each of ``spec.layers``.

        Raises:
            StateError: The shape is not the model's.
        """
        check_w_plus(self.spec, w_plus)
        w_plus = w_plus.to(torch.promote_types(w_plus.dtype, self.synthesis.b4.const.dtype))
        rows_of_w = w_plus.unbind(dim=1)
        return [self._layer(i).affine(rows_of_w[layer.w_row]) for i, layer in enumerate(self.spec.layers)]

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
        first = 0 if start is None else start.index + 1
        maps = self._noise_maps(noise, batch=s[0].shape[0], first=first)
        step = start
        for index, noise_map in enumerate(maps, start=first):
            step = self._advance(index, step, s[index], noise_map)
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
        stop = self._stops.get("output" if until is None else until)
        if stop is None:
            raise unknown_layer(until, self._stops)
        last = stop.layer - (stop.take == "raw")
        step = run_to(self, last, s, noise=noise, transform=transform, start=start, until=until)
        if stop.take == "raw":
            noise_map = next(self._noise_maps(noise, batch=s[0].shape[0], first=stop.layer))
            return self._run_alone(stop.layer, step, s[stop.layer], noise_map)
        return getattr(step, stop.take)

    def _layer(self, index: int) -> nn.Module:
        return self.synthesis.get_submodule(self.spec.layers[index].name)

    def _advance(self, index: int, before: Step | None, s: Tensor, noise: Tensor | None) -> Step:
        name, _, kind = self.spec.layers[index].name.partition(".")
        if kind == "torgb" and self.config.architecture == "revised":
            level = (self.config.resolution // int(name.removeprefix("b"))).bit_length() - 1
            image = grow_picture(
                before.image, lambda: self._run_alone(index, before, s, noise), lod=self.config.lod, level=level
            )
            return Step(index, before.x, image)
        y = self._run_alone(index, before, s, noise)
        block = self.synthesis.get_submodule(name)
        if before is None:
            return Step(index, y, None)
        if kind == "torgb":
            return Step(index, before.x, _add_picture(before.image, y, block))
        if kind == "conv0":
            shortcut = block.skip(before.x, gain=BRANCH_GAIN) if self.config.architecture == "resnet" else None
            return Step(index, y, before.image, shortcut)
        return Step(index, y if before.shortcut is None else y + before.shortcut, before.image)

    def _run_alone(self, index: int, before: Step | None, s: Tensor, noise: Tensor | None) -> Tensor:
        """What the layer itself returns, before it joins the picture or the residual branch."""
        layer = self._layer(index)
        if self.spec.layers[index].name.endswith("torgb"):
            return layer(before.x, s)
        if before is None:
            const = self.synthesis.b4.const
            return layer(const.expand(s.shape[0], -1, -1, -1), s, noise)
        return layer(before.x, s, noise, gain=1.0 if before.shortcut is None else BRANCH_GAIN)

    def _noise_maps(self, noise: Noise, *, batch: int, first: int) -> Iterator[Tensor | None]:
        layers = [self._layer(i) for i in range(len(self.spec.layers))]
        return noise_maps(noise, self.spec.layers, layers, batch=batch, first=first)


def _add_picture(image: Tensor | None, y: Tensor, block: nn.Module) -> Tensor:
    # Contributions of many layers add up, more finely than half precision can tell apart.
    y = y.to(torch.promote_types(y.dtype, torch.float32))
    if image is None:
        return y
    larger = upsample2d(image, block.resample_filter)
    return larger + y if larger.requires_grad or y.requires_grad else larger.add_(y)


def _mapping(config: GeneratorConfig) -> MappingNetwork | JointMappingNetwork:
    shared = {
        "z_dim": config.z_dim,
        "c_dim": config.c_dim,
        "w_dim": config.w_dim,
        "layers": config.mapping_layers,
        "embed_features": config.embed_features,
        "layer_features": config.layer_features,
        "activation": config.mapping_activation,
        "lr_multiplier": config.lr_multiplier,
        "w_avg_beta": config.w_avg_beta,
    }
    if config.label_mode == "concat" or not config.normalize_latents:
        return JointMappingNetwork(**shared, normalize=config.normalize_latents)
    return MappingNetwork(**shared)


def _spec(config: GeneratorConfig) -> GeneratorSpec:
    layers: list[LayerSpec] = []
    const = config.channels[0] if config.const_channels is None else config.const_channels
    row, before = 0, 0
    for resolution, width in zip(config.block_resolutions, config.channels, strict=True):
        convs = {"conv1": const} if before == 0 else {"conv0": before, "conv1": width}
        size = config.size_at(resolution)
        for kind, style_dim in convs.items():
            layers.append(LayerSpec(f"b{resolution}.{kind}", row, style_dim, width, size, config.use_noise))
            row += 1
        # The picture's layer has no row of its own: it reads the next block's first, and the last block's one more.
        if config.architecture in ("skip", "revised") or resolution == config.resolution:
            layers.append(LayerSpec(f"b{resolution}.torgb", row, width, config.img_channels, size, False))
        before = width
    return GeneratorSpec(
        family="stylegan2",
        variant=config.architecture,
        resolution=config.picture_size,
        img_channels=config.img_channels,
        z_dim=config.z_dim,
        w_dim=config.w_dim,
        c_dim=config.c_dim,
        num_ws=row + 1,
        layers=tuple(layers),
        activations=tuple(_stops(config, layers)),
        has_noise=config.use_noise,
        has_transform=False,
    )


def _stops(config: GeneratorConfig, layers: Sequence[LayerSpec]) -> dict[str, _Stop]:
    """Every activation by name, in the order in which the published code computes them."""
    index = {layer.name: i for i, layer in enumerate(layers)}
    stops: dict[str, _Stop] = {}
    for resolution in config.block_resolutions:
        block = f"b{resolution}"
        joins = config.architecture == "resnet" and f"{block}.conv0" in index
        if joins:
            stops[f"{block}.skip"] = _Stop("shortcut", index[f"{block}.conv0"])
        if f"{block}.conv0" in index:
            stops[f"{block}.conv0"] = _Stop("x", index[f"{block}.conv0"])
        conv1 = index[f"{block}.conv1"]
        stops[f"{block}.conv1"] = _Stop("raw" if joins else "x", conv1)
        if f"{block}.torgb" in index:
            torgb = index[f"{block}.torgb"]
            stops[f"{block}.torgb"] = _Stop("raw", torgb)
            stops[f"{block}:0"] = _Stop("x", conv1)
            # Pictures that nothing needs are not made while a network grows.
            if config.architecture != "revised":
                stops[f"{block}:1"] = _Stop("image", torgb)
        else:
            stops[block] = _Stop("x", conv1)
    stops["output"] = _Stop("image", len(layers) - 1)
    return stops
