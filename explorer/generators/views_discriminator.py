"""Published discriminators of Projected GAN and StyleGAN-XL: heads on what one or two frozen networks see.

Each view is a network that never learns, EfficientNet-lite0 or a vision transformer, four of its scales, their fixed
random mixing, and a head for each scale. The trainer's own is `explorer.generators.projected_discriminator`.

In training the published code changes pictures at random before they are looked at; a score here is the picture's own.

Source: Projected GANs Converge Faster (Sauer et al. 2021), sections 3 and 4; StyleGAN-XL (Sauer et al. 2022),
section 3.3; the scales of a transformer: Vision Transformers for Dense Prediction (Ranftl et al. 2021), section 3.
"""

from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import StateError
from explorer.generators.assign import build_from_tensors
from explorer.generators.efficientnet import EfficientNetLite0
from explorer.generators.projected_heads import Head, Labels
from explorer.generators.projected_layers import freeze, mix_scales, random_conv
from explorer.generators.views_config import SCALES, ViewConfig, ViewsConfig
from explorer.generators.vision_transformer import VisionConfig, VisionTransformer

__all__ = ["ViewsConfig", "ViewsDiscriminator"]

_COLOURS = 3


class Lite(nn.Module):
    """EfficientNet-lite0's scales of strides 4 to 32."""

    def __init__(self) -> None:
        super().__init__()
        self.network = EfficientNetLite0(classifies=False)
        self.widths = self.network.channels[1:]

    def forward(self, x: Tensor) -> list[Tensor]:
        """``[N, 3, H, W]`` to four scales, fine to coarse."""
        return list(self.network.scales_of(x)[1:])


class Vision(nn.Module):
    """Four depths of a vision transformer as four scales of strides 4 to 32."""

    def __init__(self, config: VisionConfig, widths: tuple[int, ...]) -> None:
        super().__init__()
        self.network = VisionTransformer(config)
        self.widths = widths
        # After each quarter of the blocks.
        self.taps = tuple(config.depth * (i + 1) // SCALES - 1 for i in range(SCALES))
        self.takes = nn.ModuleList(nn.Conv2d(config.width, width, 1) for width in widths)
        self.fourfold = nn.ConvTranspose2d(widths[0], widths[0], 4, stride=4)
        self.twofold = nn.ConvTranspose2d(widths[1], widths[1], 2, stride=2)
        self.halve = nn.Conv2d(widths[3], widths[3], 3, stride=2, padding=1)

    def forward(self, x: Tensor) -> list[Tensor]:
        """``[N, 3, H, W]`` to four scales, fine to coarse."""
        config = self.network.config
        size = [side // config.patch for side in x.shape[2:]]
        found = self.network(x, self.taps)
        scales = []
        for tap, take in zip(self.taps, self.takes, strict=True):
            patches = found[tap][:, config.tokens :].transpose(1, 2)
            scales.append(take(patches.unflatten(2, size)))
        return [self.fourfold(scales[0]), self.twofold(scales[1]), scales[2], self.halve(scales[3])]


class View(nn.Module):
    """One frozen network with its mixing and its heads."""

    def __init__(self, config: ViewConfig, labels: Labels) -> None:
        super().__init__()
        self.config = config
        self.frozen = Lite() if config.vision is None else Vision(config.vision, config.readout)
        freeze(self.frozen)
        widths = self.frozen.widths
        self.channels, self.scales = nn.Module(), nn.Module()
        for part, after in ((self.channels, config.channels), (self.scales, config.scales)):
            for i, width in enumerate(after):
                # A coarser scale joins the one before it, so its width is that one's before mixing.
                part.add_module(f"mix{i}", random_conv(widths[i], width))
            widths = after or widths
        self.heads = nn.Module()
        for i, halvings in enumerate(config.heads):
            self.heads.add_module(f"head{i}", Head(widths[i], halvings, separable=config.separable, labels=labels))

    def train(self, mode: bool = True) -> "View":
        """Put the heads into training; what is frozen stays as it is."""
        self.training = mode
        self.heads.train(mode)
        return self

    def forward(self, image: Tensor, c: Tensor | None) -> Tensor:
        """Colours about -1 to 1 and labels to logits, ``[N, parts]``."""
        config = self.config
        scale = torch.tensor([0.5 / value for value in config.deviation]).to(image)
        pairs = zip(config.mean, config.deviation, strict=True)
        shift = torch.tensor([(0.5 - mean) / value for mean, value in pairs]).to(image)
        x = image * scale[:, None, None] + shift[:, None, None]
        if config.resized:
            x = F.interpolate(x, size=[config.resized] * 2, mode="bilinear", align_corners=False)
        features = self.frozen(x)
        if config.channels:
            features = mix_scales(features, self.channels, self.scales)
        heads = [self.heads.get_submodule(f"head{i}") for i in range(len(config.heads))]
        return torch.cat([head(x, c) for head, x in zip(heads, features, strict=False)], dim=1)


class ViewsDiscriminator(nn.Module):
    """``discriminator(image, c)``: logits ``[N, parts]``, above 0 where a part looks real; one view's after the other.

    Args:
        config: Shape and options. Numbers start at random.
    """

    def __init__(self, config: ViewsConfig) -> None:
        super().__init__()
        self.config = config
        labels = Labels(c_dim=config.c_dim, embed_features=config.embed_features, cmap_dim=config.cmap_dim)
        self.views = nn.ModuleList(View(view, labels) for view in config.views)

    @classmethod
    def from_tensors(cls, config: ViewsConfig, tensors: Mapping[str, Tensor]) -> "ViewsDiscriminator":
        """Build around tensors named as in the state dict, without copying them. See `build_from_tensors`."""
        return build_from_tensors(lambda: cls(config), tensors)

    def forward(self, image: Tensor, c: Tensor | None = None) -> Tensor:
        """Score pictures.

        Args:
            image: ``[N, 3, H, W]``, about -1 to 1.
            c: Labels, ``[N, c_dim]``, one-hot or soft; needed when the model is conditional, else ignored.

        Raises:
            StateError: A label is missing, or the pictures have other than three colours.
        """
        config = self.config
        if image.ndim != 4 or image.shape[1] != _COLOURS:
            raise StateError(f"the picture has shape {list(image.shape)}, and this model takes [N, 3, H, W]")
        if config.c_dim == 0:
            c = None
        elif c is None or c.shape != (image.shape[0], config.c_dim):
            raise StateError(f"this model needs labels of shape [{image.shape[0]}, {config.c_dim}]")
        return torch.cat([view(image, c) for view in self.views], dim=1)
