"""The heads of Projected GAN's discriminators: each judges one scale of what a frozen network sees.

Source: Projected GANs Converge Faster (Sauer et al. 2021), section 4; labels by projection: cGANs with Projection
Discriminator (Miyato and Koyama 2018).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.generators.projected_layers import BatchNorm, SpectralConv

__all__ = ["Halving", "Head", "Labels"]

_LAST_WINDOW = 4
_SLOPE = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """How heads compare a label with a place."""

    c_dim: int
    """Number of classes; 0: there are none."""
    embed_features: int
    """Length of a class's embedding."""
    cmap_dim: int
    """Length of what is compared."""


class Halving(nn.Module):
    """Halves the size: convolution, batch norm, leaky ReLU."""

    def __init__(self, in_channels: int, out_channels: int, *, separable: bool) -> None:
        super().__init__()
        self.separable = separable
        if separable:
            self.each = SpectralConv(in_channels, in_channels, kernel_size=3, padding=1, groups=in_channels)
            self.across = SpectralConv(in_channels, out_channels, kernel_size=1)
        else:
            self.conv = SpectralConv(in_channels, out_channels, kernel_size=4, stride=2, padding=1, bias=True)
        self.norm = BatchNorm(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """``[N, in, h, w]`` to ``[N, out, h / 2, w / 2]``."""
        x = self.across(self.each(x)) if self.separable else self.conv(x)
        x = F.leaky_relu(self.norm(x), _SLOPE)
        return F.avg_pool2d(x, 2) if self.separable else x


class Head(nn.Module):
    """Judges one scale in overlapping parts.

    Args:
        in_channels: Features of the scale.
        widths: Features after each halving; none where the scale is small enough.
        separable: See `Halving`.
        labels: How labels are compared.
    """

    def __init__(self, in_channels: int, widths: Sequence[int], *, separable: bool, labels: Labels) -> None:
        super().__init__()
        self.cmap_dim = labels.cmap_dim
        width = in_channels
        for i, features in enumerate(widths):
            self.add_module(f"halving{i}", Halving(width, features, separable=separable))
            width = features
        outputs = labels.cmap_dim if labels.c_dim else 1
        self.last = SpectralConv(width, outputs, kernel_size=_LAST_WINDOW)
        if labels.c_dim:
            self.embedding = nn.Parameter(torch.randn(labels.c_dim, labels.embed_features))
            spread = 1 / math.sqrt(labels.embed_features)
            self.project = nn.Parameter((torch.rand(labels.cmap_dim, labels.embed_features) * 2 - 1) * spread)
            self.project_bias = nn.Parameter((torch.rand(labels.cmap_dim) * 2 - 1) * spread)

    def forward(self, x: Tensor, c: Tensor | None) -> Tensor:
        """Features ``[N, C, h, w]`` and labels to logits, ``[N, parts]``."""
        for name, layer in self.named_children():
            if name.startswith("halving"):
                x = layer(x)
        x = self.last(x)
        if c is not None:
            embedded = c.to(self.embedding) @ self.embedding
            label = F.leaky_relu(F.linear(embedded, self.project, self.project_bias), _SLOPE)
            x = (x * label[:, :, None, None]).sum(dim=1) * (1 / math.sqrt(self.cmap_dim))
        return x.flatten(1)
