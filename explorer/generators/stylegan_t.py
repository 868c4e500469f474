"""StyleGAN-T: a fast generator of pictures from text.

A style is the mapped latent with the text's embedding behind it. Pictures start from StyleGAN3's waves, go through
residual convolutions that start out as nearly nothing, and are summed up over the resolutions as in StyleGAN2.

Source: StyleGAN-T (Sauer et al. 2023), "Unlocking the Power of GANs for Fast Large-Scale Text-to-Image Synthesis".
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from explorer.generators.assign import build_from_tensors
from explorer.generators.noise import noise_maps
from explorer.generators.protocol import Step
from explorer.generators.stepping import check_styles, run_to, unknown_layer
from explorer.generators.stylegan3 import INPUT_STYLE, input_matrix
from explorer.generators.stylegan_t_config import GeneratorConfig
from explorer.generators.stylegan_t_layers import PAIR_GAIN, SynthesisNetwork, TextMapping
from explorer.generators.styles import check_w_plus
from explorer.ops import upsample2d
from explorer.state import GeneratorSpec, LayerSpec, Noise

__all__ = ["Generator", "GeneratorConfig"]

STORED_NOISE = Noise()


@dataclass(frozen=True, slots=True)
class _Stop:
    """Where an activation is found."""

    take: Literal["x", "image", "raw", "norm"]
    """A field of the step after `layer`, what the layer itself returns, or its input normalised."""
    layer: int

    @property
    def last(self) -> int:
        """The last layer that has to be done."""
        return self.layer - (self.take in ("raw", "norm"))


class Generator(nn.Module):
    """StyleGAN-T behind `explorer.generators.protocol.Generator`; labels are embeddings of texts.

    Half precision: the mapping, the styles and the sum of pictures stay in float32.

    Args:
        config: Shape and options. Weights start at random.
    """

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        self.mapping = TextMapping(config)
        self.synthesis = SynthesisNetwork(config)
        self.spec = _spec(config)
        self._stops = _stops(self.spec.layers)

    @classmethod
    def from_tensors(cls, config: GeneratorConfig, tensors: Mapping[str, Tensor]) -> "Generator":
        """Build around tensors named as in the state dict, without copying them. See `build_from_tensors`."""
        return build_from_tensors(lambda: cls(config), tensors)

    def map(self, z: Tensor | None, c: Tensor | None = None, *, update_emas: bool = False) -> Tensor:
        """Latents ``[N, z_dim]`` and embeddings of texts ``[N, c_dim]`` to styles ``[N, w_dim]``.

        Args:
            z: Latents, standard normal.
            c: Embeddings, of length 1 each where CLIP made them; ignored by a model without text.
            update_emas: Also move the mean of mapped latents towards this batch.

        Raises:
            StateError: An embedding is missing, or a shape is not the model's.
        """
        return self.mapping(z, c, update_emas=update_emas)

    def w_avg(self, c: Tensor | None = None) -> Tensor:
        """The centre of W for each text, ``[N, w_dim]``: pulling towards it leaves the text alone.

        Args:
            c: Embeddings ``[N, c_dim]``; no text, all zeros and N = 1, when ``None``.

        Raises:
            StateError: The shape is not the model's.
        """
        return self.mapping.centre(c)

    def style(self, w_plus: Tensor) -> list[Tensor]:
        """Each layer's map of its row: ``[N, num_ws, w_dim]`` to one ``[N, C_l]`` for each of ``spec.layers``.

        Raises:
            StateError: The shape is not the model's.
        """
        check_w_plus(self.spec, w_plus)
        stored = self.mapping.x_avg.dtype
        w_plus = w_plus.to(torch.promote_types(torch.promote_types(w_plus.dtype, stored), torch.float32))
        return [self._layer(i).affine(w_plus[:, layer.w_row]) for i, layer in enumerate(self.spec.layers)]

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
            StateError: The styles are not this model's, or the transform has no inverse.
        """
        check_styles(self.spec, s)
        first = 0 if start is None else start.index + 1
        batch = s[0].shape[0]
        to_input = input_matrix(transform, self.config.stored_transform, batch=batch) if first == 0 else None
        step = start
        for index, noise_map in enumerate(self._noise_maps(noise, batch=batch, first=first), start=first):
            step = self._advance(index, step, s[index], noise_map, to_input)
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
        step = run_to(self, stop.last, s, noise=noise, transform=transform, start=start, until=until)
        if stop.take == "norm":
            return self._layer(stop.layer).norm(step.x)
        if stop.take == "raw":
            return self._layer(stop.layer)(step.x, s[stop.layer])
        return getattr(step, stop.take)

    def _layer(self, index: int) -> nn.Module:
        return self.synthesis.get_submodule(self.spec.layers[index].name)

    def _advance(
        self, index: int, before: Step | None, s: Tensor, noise: Tensor | None, to_input: Tensor | None
    ) -> Step:
        name, _, kind = self.spec.layers[index].name.partition(".")
        layer = self._layer(index)
        if before is None:
            return Step(index, layer(s, to_input), None)
        if kind == "torgb":
            block = self.synthesis.get_submodule(name)
            return Step(index, before.x, _add_picture(before.image, layer(before.x, s), block))
        return Step(index, layer(before.x, s, noise, gain=1.0 if kind == "conv0" else PAIR_GAIN), before.image)

    def _noise_maps(self, noise: Noise, *, batch: int, first: int) -> Iterator[Tensor | None]:
        layers = [self._layer(i) for i in range(len(self.spec.layers))]
        return noise_maps(noise, self.spec.layers, layers, batch=batch, first=first)


def _add_picture(image: Tensor | None, y: Tensor, block: nn.Module) -> Tensor:
    # Contributions of many layers add up, more finely than half precision can tell apart.
    y = y.to(torch.promote_types(y.dtype, torch.float32))
    return y if image is None else upsample2d(image, block.resample_filter) + y


def _spec(config: GeneratorConfig) -> GeneratorSpec:
    layers: list[LayerSpec] = []
    row, before = 0, 0
    for resolution, width in zip(config.block_resolutions, config.channels, strict=True):
        block, size = f"b{resolution}", (resolution, resolution)
        if before == 0:
            layers.append(LayerSpec(f"{block}.input", row, INPUT_STYLE, width, size, noisy=False))
        else:
            layers.append(LayerSpec(f"{block}.conv0", row, before, width, size, config.use_noise))
        for i in range(2 * config.res_blocks):
            layers.append(LayerSpec(f"{block}.convs1.{i}", row + 1 + i, width, width, size, config.use_noise))
        row += 1 + 2 * config.res_blocks
        # The picture's layer has no row of its own: it reads the next block's first, and the last block's one more.
        if config.architecture == "skip" or resolution == config.resolution:
            layers.append(LayerSpec(f"{block}.torgb", row, width, config.img_channels, size, noisy=False))
        before = width
    return GeneratorSpec(
        family="stylegan_t",
        variant=config.architecture,
        resolution=(config.resolution, config.resolution),
        img_channels=config.img_channels,
        z_dim=config.z_dim,
        w_dim=config.w_dim,
        c_dim=config.c_dim,
        num_ws=row + 1,
        layers=tuple(layers),
        activations=tuple(_stops(layers)),
        has_noise=config.use_noise,
        has_transform=True,
        text=config.c_dim > 0,
        text_encoder=config.text_encoder if config.c_dim > 0 else "",
    )


def _stops(layers: Sequence[LayerSpec]) -> dict[str, _Stop]:
    """Every activation by name, in the order in which the published code computes them."""
    stops: dict[str, _Stop] = {}
    for i, layer in enumerate(layers):
        block, _, kind = layer.name.partition(".")
        ends = i + 1 == len(layers) or not layers[i + 1].name.startswith(f"{block}.")
        if kind == "torgb":
            stops |= {layer.name: _Stop("raw", i), f"{block}:0": _Stop("x", i), f"{block}:1": _Stop("image", i)}
            continue
        # Every second convolution is residual.
        if kind.startswith("convs1.") and int(kind.removeprefix("convs1.")) % 2 == 1:
            stops[f"{layer.name}.norm"] = _Stop("norm", i)
        stops[layer.name] = _Stop("x", i)
        if ends:
            stops[block] = _Stop("x", i)
    stops["output"] = _Stop("image", len(layers) - 1)
    return stops
