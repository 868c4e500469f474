"""The convolutions of VGG16 up to a layer: what LPIPS and most projectors look through.

Source: Simonyan and Zisserman 2015, table 1, column D; taps as in LPIPS (Zhang et al. 2018, appendix B).
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.generators.colours import as_rgb

__all__ = ["LAYERS", "Vgg16", "stage_of"]

_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))
LAYERS = tuple(
    (f"conv{stage}_{layer}", inputs if layer == 1 else width, width)
    for stage, ((width, count), inputs) in enumerate(zip(_STAGES, (3, 64, 128, 256, 512), strict=True), start=1)
    for layer in range(1, count + 1)
)
"""Name, inputs and outputs of each convolution, in order."""


class Vgg16(nn.Module):
    """Features after the last convolution of each stage; the first convolution takes colours of -1 to 1 less `shift`.

    Args:
        stages: How many of the five there are.
        name: For a person.
        heads: See `FeatureNetwork.heads`.
    """

    def __init__(self, *, stages: int, name: str = "VGG16", heads: Sequence[Tensor | None] | None = None) -> None:
        super().__init__()
        self.name = name
        self.channels = tuple(width for width, _ in _STAGES[:stages])
        self.strides = tuple(2**stage for stage in range(stages))
        self.heads = (None,) * stages if heads is None else tuple(heads)
        self.convolutions = nn.ModuleDict(
            {
                layer: nn.Conv2d(inputs, outputs, 3, padding=1)
                for layer, inputs, outputs in LAYERS
                if stage_of(layer) <= stages
            }
        )
        self.register_buffer("shift", torch.zeros(3))

    def forward(self, images: Tensor, *, scales: int | None = None) -> tuple[Tensor, ...]:
        """See `FeatureNetwork`."""
        stages = len(self.channels) if scales is None else scales
        x = as_rgb(images) - self.shift[:, None, None]
        found = []
        for stage, (_, count) in enumerate(_STAGES[:stages], start=1):
            if stage > 1:
                # Rounded up, so that an odd side loses no pixel.
                x = functional.max_pool2d(x, 2, ceil_mode=True)
            for layer in range(1, count + 1):
                x = functional.relu(self.convolutions[f"conv{stage}_{layer}"](x))
            found.append(x)
        return tuple(found)

    def embed(self, images: Tensor) -> Tensor:
        """``[N, C]``, the coarsest scale averaged."""
        return self(images)[-1].mean(dim=(2, 3))


def stage_of(layer: str) -> int:
    """The stage, from 1, of a layer's name: ``conv3_2`` is of the third."""
    return int(layer.removeprefix("conv").partition("_")[0])
