"""R3GAN's discriminator: the generator's layers in the other order.

Source: The GAN is dead; long live the GAN! A Modern GAN Baseline (Huang et al. 2024), section 3.
"""

import math
from collections.abc import Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import StateError
from explorer.generators.assign import build_from_tensors
from explorer.generators.r3gan import add_blocks
from explorer.generators.r3gan_config import DiscriminatorConfig
from explorer.generators.r3gan_layers import Conv
from explorer.ops import downsample2d, setup_filter

__all__ = ["Discriminator", "DiscriminatorConfig"]


class Down(nn.Module):
    """Filters and halves the size, then changes the number of features where it has to."""

    def __init__(self, config: DiscriminatorConfig, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.register_buffer("resample_filter", setup_filter(config.resample_filter))
        self.conv = Conv(in_channels, out_channels) if in_channels != out_channels else None

    def forward(self, x: Tensor) -> Tensor:
        """``[N, in, 2h, 2w]`` to ``[N, out, h, w]``."""
        x = downsample2d(x, self.resample_filter)
        return x if self.conv is None else self.conv(x)


class Basis(nn.Module):
    """Each feature's weighted sum over the smallest size, then a linear layer."""

    def __init__(self, config: DiscriminatorConfig, outputs: int) -> None:
        super().__init__()
        channels, (height, width) = config.channels[0], config.base_size
        self.features = nn.Parameter(torch.randn(channels, height, width) * (1 / math.sqrt(height * width)))
        self.weight = nn.Parameter(torch.randn(outputs, channels) * (1 / math.sqrt(channels)))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, C, h, w]`` to ``[N, outputs]``."""
        return F.linear((x * self.features).sum(dim=(2, 3)), self.weight)


class Discriminator(nn.Module):
    """``discriminator(image, c)``: one logit a picture.

    Args:
        config: Shape and options. Weights start at random, residual branches at nothing.
    """

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.fromrgb = Conv(config.img_channels, config.channels[-1])
        for i in range(len(config.channels)):
            part = nn.Module()
            add_blocks(part, config, i)
            if i > 0:
                part.add_module("down", Down(config, config.channels[i], config.channels[i - 1]))
            else:
                part.add_module("basis", Basis(config, config.embed_dim if config.c_dim else 1))
            self.add_module(f"b{4 << i}", part)
        if config.c_dim > 0:
            # What is compared has as many entries as the embedding, and their sum should not grow with it.
            first = torch.randn(config.embed_dim, config.c_dim)
            self.embedding = nn.Parameter(first * (1 / math.sqrt(config.c_dim * config.embed_dim)))

    @classmethod
    def from_tensors(cls, config: DiscriminatorConfig, tensors: Mapping[str, Tensor]) -> "Discriminator":
        """Build around tensors named as in the state dict, without copying them. See `build_from_tensors`."""
        return build_from_tensors(lambda: cls(config), tensors)

    def forward(self, image: Tensor, c: Tensor | None = None) -> Tensor:
        """Logits ``[N, 1]`` of pictures ``[N, C, H, W]`` and labels ``[N, c_dim]``.

        Raises:
            StateError: A label is missing, or a shape is not the model's.
        """
        config = self.config
        wanted = (config.img_channels, *config.picture_size)
        if image.shape[1:] != wanted:
            raise StateError(f"this discriminator takes pictures of shape {list(wanted)}, not {list(image.shape[1:])}")
        if config.c_dim > 0 and (c is None or c.shape != (image.shape[0], config.c_dim)):
            raise StateError(f"this discriminator needs labels of shape [{image.shape[0]}, {config.c_dim}]")
        x = self.fromrgb(image.to(self.fromrgb.weight.dtype))
        for i in reversed(range(len(config.channels))):
            for layer in self.get_submodule(f"b{4 << i}").children():
                x = layer(x)
        if config.c_dim > 0:
            assert c is not None, "checked above"
            x = (x * F.linear(c.to(x), self.embedding)).sum(dim=1, keepdim=True)
        return x
