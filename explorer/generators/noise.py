"""The noise maps that one synthesis adds to its layers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from explorer.state import LayerSpec, Noise

__all__ = ["PartNoise", "noise_maps"]


@dataclass(frozen=True, slots=True)
class PartNoise(Noise):
    """Random noise of a batch that is computed in parts: each part's maps are those rows of the whole one's."""

    rows: tuple[int, ...] = ()
    """Which pictures of the batch."""
    whole: int = 0
    """Pictures in the batch."""


def noise_maps(
    noise: Noise, specs: Sequence[LayerSpec], layers: Sequence[nn.Module], *, batch: int, first: int
) -> Iterator[Tensor | None]:
    """One map for each layer from `first` on, multiplied by its strength; ``None`` where there is none.

    Args:
        noise: Which maps.
        specs: Of all layers, in order.
        layers: The layers; a noisy one has ``noise_const`` ``[H, W]`` and ``noise_strength`` ``[]``.
        batch: Number of pictures; random maps differ between them.
        first: Where to begin.
    """
    stream = torch.Generator().manual_seed(noise.seed) if noise.mode == "random" else None
    for index, (spec, layer) in enumerate(zip(specs, layers, strict=True)):
        noisy = spec.noisy and noise.mode != "none"
        # Drawn on the CPU and for the layers already done too, so that no device or cache changes the picture.
        drawn = _draw(noise, spec, batch, stream) if noisy and stream is not None else None
        if index < first:
            continue
        if not noisy:
            yield None
            continue
        field = layer.noise_const if drawn is None else drawn.to(layer.noise_strength)
        factor = noise.strength_of(spec.name)
        yield field * (layer.noise_strength if factor == 1 else layer.noise_strength * factor)


def _draw(noise: Noise, spec: LayerSpec, batch: int, stream: torch.Generator) -> Tensor:
    if isinstance(noise, PartNoise):
        return torch.randn([noise.whole, 1, *spec.size], generator=stream)[list(noise.rows)]
    return torch.randn([batch, 1, *spec.size], generator=stream)
