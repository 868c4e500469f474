"""Layers that ProGAN's and StyleGAN's generators share. The gain of an activation lies in the weights before it.

Source: ProGAN (Karras et al. 2018), section 4 and appendix A.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.generators.growing import upsample_nearest
from explorer.generators.growing_discriminator import Activation, fused_kernel

__all__ = ["ACTIVATION_GAIN", "ScaledConv", "ScaledDense", "activate"]

ACTIVATION_GAIN = math.sqrt(2)


class ScaledConv(nn.Module):
    """A convolution with an equalised learning rate, and no bias; doubles the size first when `up`.

    Args:
        in_channels: Features in.
        out_channels: Features out.
        kernel_size: Taps along each side.
        gain: Standard deviation of what comes out, for inputs of 1.
        up: Whether the size doubles, by repeating pixels.
        folded: Whether that is folded into a transposed convolution, which turns the taps around.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        kernel_size: int = 3,
        gain: float = ACTIVATION_GAIN,
        up: bool = False,
        folded: bool = False,
    ) -> None:
        super().__init__()
        self.gain = gain / math.sqrt(in_channels * kernel_size**2)
        self.up, self.folded = up, folded
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, in, h, w]`` to ``[N, out, h, w]``, or twice that size."""
        weight = self.weight * self.gain
        if self.folded:
            return F.conv_transpose2d(x, fused_kernel(weight).transpose(0, 1), stride=2, padding=1)
        return F.conv2d(upsample_nearest(x) if self.up else x, weight, padding=weight.shape[-1] // 2)


class ScaledDense(nn.Module):
    """A fully connected layer to features at 4², with an equalised learning rate and no bias."""

    def __init__(self, in_features: int, channels: int) -> None:
        super().__init__()
        # A quarter, since each of the 16 places hears the whole input.
        self.gain = ACTIVATION_GAIN / 4 / math.sqrt(in_features)
        self.weight = nn.Parameter(torch.randn(channels * 16, in_features))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, in]`` to ``[N, channels, 4, 4]``."""
        return F.linear(x, self.weight * self.gain).reshape(x.shape[0], -1, 4, 4)


class ToRGB(nn.Module):
    """A pointwise convolution to colours."""

    def __init__(self, in_channels: int, img_channels: int) -> None:
        super().__init__()
        self.conv = ScaledConv(in_channels, img_channels, kernel_size=1, gain=1.0)
        self.bias = nn.Parameter(torch.zeros(img_channels))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, in, h, w]`` to ``[N, img_channels, h, w]``."""
        return self.conv(x) + self.bias[:, None, None]


def activate(x: Tensor, activation: Activation) -> Tensor:
    """A leaky ReLU of slope 0.2, or a ReLU."""
    return F.leaky_relu(x, 0.2) if activation == "lrelu" else F.relu(x)
