"""What R3GAN's two networks are made of: convolutions without a bias, and residual blocks without a normalisation.

Source: The GAN is dead; long live the GAN! A Modern GAN Baseline (Huang et al. 2024), section 3.2.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.ops import bias_act

__all__ = ["LRELU_GAIN", "Conv", "ResidualBlock", "branch_gain"]

# Keeps the variance through a leaky ReLU of slope 0.2 (He et al. 2015).
LRELU_GAIN = math.sqrt(2 / (1 + 0.2**2))


def branch_gain(blocks: int) -> float:
    """First scale of the convolutions in a residual branch, so that the sum of `blocks` branches stays in bounds.

    Source: Fixup (Zhang et al. 2019), for branches of three layers.
    """
    return LRELU_GAIN * max(blocks, 1) ** (-1 / 4)


class Conv(nn.Module):
    """A convolution that keeps the size, with no bias. Weights start normal, scaled by what they sum over.

    Args:
        in_channels: Features in.
        out_channels: Features out.
        kernel_size: Taps along each side: odd.
        groups: Parts of the features that do not see each other.
        gain: Factor on the first weights; 0 starts a residual branch as nothing.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, kernel_size: int = 1, groups: int = 1, gain: float = 1.0
    ) -> None:
        super().__init__()
        self.groups = groups
        fan_in = in_channels // groups * kernel_size**2
        shape = (out_channels, in_channels // groups, kernel_size, kernel_size)
        self.weight = nn.Parameter(torch.randn(shape) * (gain / math.sqrt(fan_in)))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, in, h, w]`` to ``[N, out, h, w]``."""
        return F.conv2d(x, self.weight, padding=self.weight.shape[-1] // 2, groups=self.groups)


class ResidualBlock(nn.Module):
    """``x + narrow(act(grouped(act(widen(x)))))``, the activations leaky with a bias before them.

    Args:
        channels: Features in and out.
        expansion: How many times wider the middle is.
        groups: Of the middle convolution.
        kernel_size: Of the middle convolution.
        gain: See `branch_gain`.
    """

    def __init__(self, channels: int, *, expansion: int, groups: int, kernel_size: int, gain: float) -> None:
        super().__init__()
        wide = channels * expansion
        self.widen = Conv(channels, wide, gain=gain)
        self.widen_bias = nn.Parameter(torch.zeros(wide))
        self.middle = Conv(wide, wide, kernel_size=kernel_size, groups=groups, gain=gain)
        self.middle_bias = nn.Parameter(torch.zeros(wide))
        self.narrow = Conv(wide, channels, gain=0)

    def forward(self, x: Tensor) -> Tensor:
        """``[N, C, h, w]`` to the same."""
        y = bias_act(self.widen(x), self.widen_bias, act="lrelu", gain=1)
        y = bias_act(self.middle(y), self.middle_bias, act="lrelu", gain=1)
        return x + self.narrow(y)
