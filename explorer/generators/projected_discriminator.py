"""Projected GAN's discriminator: small heads that judge what a frozen network sees in a picture.

Four scales of EfficientNet-lite0 are mixed by fixed random layers, first across the features of a scale, then across
scales from the coarsest to the finest, and a head judges every mixed scale in 4 x 4 overlapping parts. Only the heads
learn; everything before them is buffers, which no optimiser finds.

StyleGAN-XL judges by two such networks, this one and a DeiT, and adds the losses of both.

Source: Projected GANs Converge Faster (Sauer et al. 2021), sections 3 and 4.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import StateError
from explorer.generators.assign import build_from_tensors
from explorer.generators.efficientnet import EfficientNetLite0
from explorer.generators.projected_config import ProjectedConfig
from explorer.generators.projected_heads import Head, Labels
from explorer.generators.projected_layers import freeze, mix_scales, random_conv

__all__ = ["ProjectedConfig", "ProjectedDiscriminator"]

# Of EfficientNet-lite0's scales: strides 4, 8, 16 and 32.
SCALES = slice(1, 5)
# A head ends at a 32nd of what is seen, where a window of 4 x 4 must fit.
SHORTEST_SIDE = 128
_STEP = 32
# Features of a head after each halving, from the nominal side of a scale on.
_HEAD_WIDTHS = {64: 64, 32: 128, 16: 256, 8: 512}
_NOMINAL_SIDES = (128, 64, 32, 16)


class ProjectedDiscriminator(nn.Module):
    """``discriminator(image, c)``: logits ``[N, parts]``, above 0 where a part looks real.

    Args:
        config: Shape and options. Heads and mixing start at random; the frozen network is empty until `see_with`.
    """

    def __init__(self, config: ProjectedConfig) -> None:
        super().__init__()
        self.config = config
        self.features = EfficientNetLite0()
        freeze(self.features)
        seen = self.features.channels[SCALES]
        self.channels = nn.Module()
        self.scales = nn.Module()
        for i, count in enumerate(seen):
            mixed = config.width << i
            self.channels.add_module(f"mix{i}", random_conv(count, mixed))
            self.scales.add_module(f"mix{i}", random_conv(mixed, max(mixed // 2, config.width)))
        self.heads = nn.Module()
        labels = Labels(c_dim=config.c_dim, embed_features=config.embed_features, cmap_dim=config.cmap_dim)
        for i in range(config.heads):
            width = max((config.width << i) // 2, config.width)
            widths = tuple(features for side, features in _HEAD_WIDTHS.items() if side < _NOMINAL_SIDES[i])
            self.heads.add_module(f"head{i}", Head(width, widths, separable=config.separable, labels=labels))
        for part in (self.features, self.channels, self.scales):
            part.eval()

    @classmethod
    def from_tensors(cls, config: ProjectedConfig, tensors: Mapping[str, Tensor]) -> "ProjectedDiscriminator":
        """Build around tensors named as in the state dict, without copying them. See `build_from_tensors`."""
        return build_from_tensors(lambda: cls(config), tensors)

    def see_with(self, network: nn.Module) -> "ProjectedDiscriminator":
        """Take over the numbers of a trained EfficientNet-lite0; gives this discriminator back."""
        self.features.load_state_dict(network.state_dict())
        return self

    def train(self, mode: bool = True) -> "ProjectedDiscriminator":
        """Put the heads into training; what is frozen stays as it is."""
        self.training = mode
        self.heads.train(mode)
        return self

    def forward(self, image: Tensor, c: Tensor | None = None) -> Tensor:
        """Score pictures.

        Args:
            image: ``[N, img_channels, *picture_size]``, about -1 to 1.
            c: Labels, ``[N, c_dim]``, one-hot or soft; needed when the model is conditional, else ignored.

        Returns:
            Logits, ``[N, parts]``: 16 for each head at a square of 224 pixels.

        Raises:
            StateError: A label is missing, or a shape is not the model's.
        """
        config = self.config
        wanted = (config.img_channels, *config.picture_size)
        if image.ndim != 4 or image.shape[1:] != wanted:
            raise StateError(f"the picture has shape {list(image.shape)}, and this model takes {['N', *wanted]}")
        if config.c_dim == 0:
            c = None
        elif c is None or c.shape != (image.shape[0], config.c_dim):
            raise StateError(f"this model needs labels of shape [{image.shape[0]}, {config.c_dim}]")
        scales = self.project(image)
        parts = [self.heads.get_submodule(f"head{i}")(scales[i], c) for i in range(config.heads)]
        return torch.cat(parts, dim=1)

    def project(self, image: Tensor) -> list[Tensor]:
        """The mixed scales of pictures, fine to coarse, each twice as large as the frozen network gives it."""
        features = self.features(self._enlarged(image))[SCALES]
        return mix_scales(features, self.channels, self.scales)

    def _enlarged(self, image: Tensor) -> Tensor:
        """Pictures whose longer side is long enough for the frozen network, and whose shorter one for the heads."""
        height, width = image.shape[2:]
        factor = max(self.config.seen_side / max(height, width), SHORTEST_SIDE / min(height, width), 1.0)
        size = [max(round(side * factor / _STEP) * _STEP, SHORTEST_SIDE) for side in (height, width)]
        if factor == 1 and min(height, width) >= SHORTEST_SIDE:
            return image
        return F.interpolate(image, size=size, mode="bilinear", align_corners=False)
