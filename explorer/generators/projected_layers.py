"""Parts of Projected GAN's discriminators: convolutions of spectral norm 1, batch norms, and fixed random mixing."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["BatchNorm", "SpectralConv", "SpectralWeight", "freeze", "mix_scales", "random_conv"]

_EPSILON = 1e-12


class SpectralWeight(nn.Module):
    """A convolution's weight that is divided by its largest singular value, and its bias.

    That value is followed by one step of power iteration for each batch in training; without training the vectors
    stay, so that a picture's score does not depend on what came before.

    Args:
        shape: Of the weight: out, in, and the sides of the kernel.
        bias: Whether there is one.

    Source: Spectral Normalization (Miyato et al. 2018), algorithm 1.
    """

    def __init__(self, shape: tuple[int, ...], *, bias: bool) -> None:
        super().__init__()
        out_channels, fan_in = shape[0], math.prod(shape[1:])
        # Uniform within 1 / sqrt(fan_in), as torch begins.
        self.weight = nn.Parameter((torch.rand(shape) * 2 - 1) * (1 / math.sqrt(fan_in)))
        self.bias = nn.Parameter((torch.rand(out_channels) * 2 - 1) * (1 / math.sqrt(fan_in))) if bias else None
        self.register_buffer("left", torch.randn(out_channels))
        self.register_buffer("right", torch.randn(fan_in))

    def normed(self) -> Tensor:
        """The weight, its largest singular value 1."""
        return self.weight / self._norm()

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


class SpectralConv(SpectralWeight):
    """A convolution of spectral norm 1."""

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
        super().__init__((out_channels, in_channels // groups, kernel_size, kernel_size), bias=bias)
        self.stride, self.padding, self.groups = stride, padding, groups

    def forward(self, x: Tensor) -> Tensor:
        """``[N, in, h, w]`` to ``[N, out, h', w']``."""
        weight = self.normed().to(x.dtype)
        return F.conv2d(x, weight, _as(self.bias, x), self.stride, self.padding, groups=self.groups)


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


def mix_scales(features: Sequence[Tensor], channels: nn.Module, scales: nn.Module) -> list[Tensor]:
    """Mix features across each scale, then across scales from the coarsest to the finest.

    Args:
        features: ``[N, C_i, h_i, w_i]``, fine to coarse.
        channels: ``mix{i}`` of `random_conv`, for each scale.
        scales: Likewise, after a scale has taken in the coarser ones and was doubled; empty to leave that out.

    Source: Projected GANs Converge Faster (Sauer et al. 2021), section 3.2.
    """
    mixed = [_mix(channels, i, x) for i, x in enumerate(features)]
    if next(scales.children(), None) is None:
        return mixed
    done: list[Tensor] = []
    for i in reversed(range(len(mixed))):
        x = mixed[i]
        if done:
            # An odd side of a coarser scale is one longer when doubled.
            x = x + done[0][:, :, : x.shape[2], : x.shape[3]]
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=True)
        done.insert(0, _mix(scales, i, x))
    return done


def _mix(mixing: nn.Module, index: int, x: Tensor) -> Tensor:
    layer = mixing.get_submodule(f"mix{index}")
    return F.conv2d(x, layer.weight.to(x.dtype), layer.bias.to(x.dtype))


def freeze(network: nn.Module) -> None:
    """Make buffers of all parameters: no optimiser and no `requires_grad_` finds them."""
    for part in network.modules():
        for name, parameter in list(part.named_parameters(recurse=False)):
            delattr(part, name)
            part.register_buffer(name, parameter.detach())


def _as(bias: Tensor | None, x: Tensor) -> Tensor | None:
    return None if bias is None else bias.to(x.dtype)
