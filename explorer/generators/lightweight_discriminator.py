"""The discriminator of the light StyleGAN2: residual blocks, no comparison within a batch.

Source: StyleGAN2 (Karras et al. 2020) as in stylegan2-pytorch 1.9 (MIT).
"""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import StateError
from explorer.generators.lightweight_config import DiscriminatorConfig
from explorer.generators.lightweight_layers import Attention, blur

__all__ = ["Discriminator", "DiscriminatorConfig"]

# Keeps the variance of a sum of two branches that have variance 1 each.
BRANCH_GAIN = math.sqrt(0.5)


class Block(nn.Module):
    """Two convolutions beside a pointwise one; halves the size when `down`."""

    def __init__(self, in_channels: int, out_channels: int, *, down: bool, attends: bool) -> None:
        super().__init__()
        self.around = nn.Conv2d(in_channels, out_channels, 1, stride=2 if down else 1)
        self.conv0 = nn.Conv2d(in_channels, out_channels, 3, padding=1)
        self.conv1 = nn.Conv2d(out_channels, out_channels, 3, padding=1)
        if down:
            self.down = nn.Conv2d(out_channels, out_channels, 3, padding=1, stride=2)
        if attends:
            self.attention = Attention(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """``[N, in, h, w]`` to ``[N, out, h, w]``, or half the size."""
        around = self.around(x)
        x = F.leaky_relu(self.conv0(x), 0.2)
        x = F.leaky_relu(self.conv1(x), 0.2)
        if hasattr(self, "down"):
            x = self.down(blur(x))
        x = (x + around) * BRANCH_GAIN
        return self.attention(x) if hasattr(self, "attention") else x


class Discriminator(nn.Module):
    """How real a picture looks.

    Args:
        config: Shape and options. Weights start at random.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        before = config.img_channels
        for i, width in enumerate(config.channels):
            down = i < len(config.channels) - 1
            self.add_module(f"block{i}", Block(before, width, down=down, attends=i in config.attention))
            before = width
        self.conv = nn.Conv2d(before, before, 3, padding=1)
        self.out = nn.Linear(before * 4, 1)

    def forward(self, img: Tensor, c: Tensor | None = None) -> Tensor:
        """Score pictures, ``[N, img_channels, resolution, resolution]``, about -1 to 1: ``[N, 1]``.

        Raises:
            StateError: A shape is not the model's.
        """
        wanted = (self.config.img_channels, self.config.resolution, self.config.resolution)
        if img.ndim != 4 or img.shape[1:] != wanted:
            raise StateError(f"the picture has shape {list(img.shape)}, and this model takes {['N', *wanted]}")
        x = (img.to(self.out.weight.dtype) + 1) / 2
        for i in range(len(self.config.channels)):
            x = self.get_submodule(f"block{i}")(x)
        return self.out(self.conv(x).flatten(1))
