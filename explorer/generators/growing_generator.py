"""What ProGAN's and StyleGAN's generators share: running layer by layer, and colours that blend as they grew."""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from explorer.generators.growing import grow_picture
from explorer.generators.growing_layers import ToRGB
from explorer.generators.protocol import Step
from explorer.generators.stepping import check_styles, run_to, unknown_layer
from explorer.state import GeneratorSpec, Noise

__all__ = ["STORED_NOISE", "GrowingGenerator", "activation_names"]

STORED_NOISE = Noise()


class GrowingGenerator(nn.Module):
    """Steps and pictures of a network whose blocks have colours of their own.

    A subclass has its layers in ``synthesis``, under the names of `spec.layers`, sets `spec` and `lod`, and runs one
    layer in `run_layer`. After the last layer of a block, the picture is blended as far as the network grew.
    """

    spec: GeneratorSpec
    lod: float
    synthesis: nn.Module

    def run_layer(self, index: int, x: Tensor | None, s: Tensor, noise: Tensor | None) -> Tensor:
        """The features after a layer.

        Args:
            index: Which of `spec.layers`.
            x: Features before it; ``None`` for the first.
            s: Its styles.
            noise: Its map, ``[N or 1, 1, h, w]`` or ``[h, w]``, with the user's strength but not the layer's.
        """
        raise NotImplementedError

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
        step, first = start, 0 if start is None else start.index + 1
        for index, field in enumerate(self._noise_maps(noise, batch=s[0].shape[0], first=first), start=first):
            x = self.run_layer(index, None if step is None else step.x, s[index], field)
            step = Step(index, x, self._picture(index, step, x))
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
        names = [layer.name for layer in self.spec.layers]
        wanted = self.spec.activations[-1] if until is None else until
        if wanted not in self.spec.activations:
            raise unknown_layer(until, self.spec.activations)
        block, _, kind = wanted.partition(".")
        last = (
            len(names) - 1 if wanted == "output" else self._last_of(block) if kind == "torgb" else names.index(wanted)
        )
        step = run_to(self, last, s, noise=noise, transform=transform, start=start, until=until)
        if wanted == "output":
            return step.image
        return self._colours(block)(step.x) if kind == "torgb" else step.x

    def _picture(self, index: int, before: Step | None, x: Tensor) -> Tensor | None:
        layer = self.spec.layers[index]
        block = layer.name.partition(".")[0]
        image = None if before is None else before.image
        if index != self._last_of(block):
            return image
        level = (self.spec.resolution[0] // layer.size[0]).bit_length() - 1
        if level > 0 and not hasattr(self.synthesis.get_submodule(block), "torgb"):
            return None
        return grow_picture(image, lambda: self._colours(block)(x), lod=self.lod, level=level)

    def _colours(self, block: str) -> ToRGB:
        return self.synthesis.get_submodule(f"{block}.torgb")

    def _last_of(self, block: str) -> int:
        return max(i for i, layer in enumerate(self.spec.layers) if layer.name.startswith(f"{block}."))

    def _noise_maps(self, noise: Noise, *, batch: int, first: int) -> Iterator[Tensor | None]:
        """One map for each layer from `first` on; ``None`` where there is none."""
        stream = torch.Generator().manual_seed(noise.seed) if noise.mode == "random" else None
        for index, layer in enumerate(self.spec.layers):
            noisy = layer.noisy and noise.mode != "none"
            # Drawn on the CPU and for the layers already done too, so that no device or cache changes the picture.
            drawn = torch.randn([batch, 1, *layer.size], generator=stream) if noisy and stream is not None else None
            if index < first:
                continue
            if not noisy:
                yield None
                continue
            stored = self.synthesis.get_submodule(layer.name).noise_const
            field = stored if drawn is None else drawn.to(stored)
            factor = noise.strength_of(layer.name)
            yield field if factor == 1 else field * factor


def activation_names(layers: Sequence[str], *, grows: bool) -> tuple[str, ...]:
    """Every name that ``synthesize(until=)`` takes: the layers, each block's own colours, and the picture.

    Args:
        layers: Names such as ``b8.conv1``, in order.
        grows: Whether every block has colours; else only the last.
    """
    names: list[str] = []
    for i, layer in enumerate(layers):
        names.append(layer)
        block = layer.partition(".")[0]
        last = i == len(layers) - 1
        if last or (grows and not layers[i + 1].startswith(f"{block}.")):
            names.append(f"{block}.torgb")
    return (*names, "output")
