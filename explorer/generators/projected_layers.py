"""What the heads of Projected GAN's discriminator learn with: convolutions of spectral norm 1, and batch norms."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["BatchNorm", "SpectralConv", "random_conv"]

_EPSILON = 1e-12


class SpectralConv(nn.Module):
    """A convolution whose weight is divided by its largest singular value.

    That value is followed by one step of power iteration for each batch in training; without training the vectors
    stay, so that a picture's score does not depend on what came before.

    Source: Spectral Normalization (Miyato et al. 2018), algorithm 1.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int,
        stride: int = 1,
        padding: int = 0,
        groups: int = 1,
        bias: bool = False,
    ) -> None:
        super().__init__()
        self.stride, self.padding, self.groups = stride, padding, groups
        shape = (out_channels, in_channels // groups, kernel_size, kernel_size)
        fan_in = shape[1] * kernel_size**2
        # Uniform within 1 / sqrt(fan_in), as torch begins.
        self.weight = nn.Parameter((torch.rand(shape) * 2 - 1) * (1 / math.sqrt(fan_in)))
        self.bias = nn.Parameter((torch.rand(out_channels) * 2 - 1) * (1 / math.sqrt(fan_in))) if bias else None
        self.register_buffer("left", torch.randn(out_channels))
        self.register_buffer("right", torch.randn(fan_in))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, in, h, w]`` to ``[N, out, h', w']``."""
        weight = self.weight / self._norm()
        return F.conv2d(x, weight.to(x.dtype), _as(self.bias, x), self.stride, self.padding, groups=self.groups)

    def _norm(self) -> Tensor:
        matrix = self.weight.flatten(1)
        if self.training:
            self._iterate(matrix.detach())
        # Copies: a second batch moves the vectors before the first one's gradient is taken.
        left, right = F.normalize(self.left, dim=0, eps=_EPSILON), F.normalize(self.right, dim=0, eps=_EPSILON)
        return torch.dot(left, matrix @ right)

    @torch.no_grad()
    def _iterate(self, matrix: Tensor) -> None:
        self.right.copy_(F.normalize(matrix.t() @ F.normalize(self.left, dim=0, eps=_EPSILON), dim=0, eps=_EPSILON))
        self.left.copy_(F.normalize(matrix @ self.right, dim=0, eps=_EPSILON))


class BatchNorm(nn.Module):
    """Each feature to mean 0 and deviation 1 over batch and places, then scaled and shifted.

    Source: Batch Normalization (Ioffe and Szegedy 2015).
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, C, h, w]`` to the same; of the batch itself in training, of the running averages else."""
        return F.batch_norm(x, self.running_mean, self.running_var, self.weight, self.bias, self.training, 0.1, 1e-5)


def random_conv(in_channels: int, out_channels: int) -> nn.Module:
    """A 1x1 convolution of random numbers that never learn: its numbers are buffers."""
    layer = nn.Module()
    spread = 1 / math.sqrt(in_channels)
    layer.register_buffer("weight", (torch.rand(out_channels, in_channels, 1, 1) * 2 - 1) * spread)
    layer.register_buffer("bias", (torch.rand(out_channels) * 2 - 1) * spread)
    return layer


def _as(bias: Tensor | None, x: Tensor) -> Tensor | None:
    return None if bias is None else bias.to(x.dtype)
