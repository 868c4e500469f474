"""The layers of the light StyleGAN2 and of its discriminator."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Attention", "NoisyConv", "ToRGB", "blur", "double", "double_smoothly"]

HEADS = 8
HEAD_FEATURES = 64
EPSILON = 1e-8
NORM_EPSILON = 1e-5


class NoisyConv(nn.Module):
    """A modulated 3x3 convolution, noise that a linear map spreads over the features, and a leaky ReLU."""

    def __init__(self, w_dim: int, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.style = nn.Linear(w_dim, in_channels)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.noise_weight = nn.Parameter(torch.zeros(out_channels))
        self.noise_bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x: Tensor, s: Tensor, noise: Tensor) -> Tensor:
        """``[N, in, h, w]`` to ``[N, out, h, w]``.

        Args:
            x: Features.
            s: ``[N, in]``, added to 1.
            noise: ``[N or 1, H, W]``, of which the upper left corner is taken, turned over its diagonal.
        """
        scale = s + 1
        energy = self.weight.square().sum(dim=[2, 3])
        norm = (scale.square() @ energy.t() + EPSILON).rsqrt()
        y = F.conv2d(x * scale[:, :, None, None], self.weight, padding=1) * norm[:, :, None, None]
        corner = noise[:, None, : y.shape[2], : y.shape[3]].transpose(2, 3)
        y = y + corner * self.noise_weight[:, None, None] + self.noise_bias[:, None, None]
        return F.leaky_relu(y, 0.2)


class ToRGB(nn.Module):
    """A pointwise modulated convolution to colours, without demodulation and bias."""

    def __init__(self, w_dim: int, in_channels: int, img_channels: int) -> None:
        super().__init__()
        self.style = nn.Linear(w_dim, in_channels)
        self.weight = nn.Parameter(torch.randn(img_channels, in_channels, 1, 1))

    def forward(self, x: Tensor, s: Tensor) -> Tensor:
        """``[N, in, h, w]`` and ``[N, in]``, added to 1, to ``[N, img_channels, h, w]``."""
        return F.conv2d(x * (s + 1)[:, :, None, None], self.weight)


class ChannelNorm(nn.Module):
    """Mean 0 and deviation 1 over the features of every place, then a scale and a shift of each."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, C, h, w]`` to the same."""
        variance, mean = torch.var_mean(x, dim=1, unbiased=False, keepdim=True)
        x = (x - mean) / (variance + NORM_EPSILON).sqrt()
        return x * self.scale[:, None, None] + self.shift[:, None, None]


class Attention(nn.Module):
    """Attention whose cost grows with the picture and not with its square, and two pointwise convolutions; residual."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = HEADS * HEAD_FEATURES
        self.norm = ChannelNorm(channels)
        self.query = nn.Conv2d(channels, inner, 1, bias=False)
        self.near = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.key_value = nn.Conv2d(channels, 2 * inner, 1, bias=False)
        self.out = nn.Conv2d(inner, channels, 1)
        self.widen_norm = ChannelNorm(channels)
        self.widen = nn.Conv2d(channels, 2 * channels, 1)
        self.narrow = nn.Conv2d(2 * channels, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """``[N, C, h, w]`` to the same."""
        x = x + self._attend(self.norm(x))
        return x + self.narrow(F.leaky_relu(self.widen(self.widen_norm(x)), 0.2))

    def _attend(self, x: Tensor) -> Tensor:
        n, _, h, w = x.shape
        parts = (self.query(x), *self.key_value(self.near(x)).chunk(2, dim=1))
        # [N, heads, features of a head, places]
        query, key, value = (part.reshape(n, HEADS, HEAD_FEATURES, h * w) for part in parts)
        context = key.softmax(dim=3) @ value.transpose(2, 3)
        seen = context.transpose(2, 3) @ (query.softmax(dim=2) * HEAD_FEATURES**-0.5)
        return self.out(F.gelu(seen.reshape(n, -1, h, w)))


def double(x: Tensor) -> Tensor:
    """``[N, C, h, w]`` to ``[N, C, 2h, 2w]``, linear between pixels."""
    return F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)


def blur(x: Tensor) -> Tensor:
    """Weights of 1, 2, 1 along both axes; the picture is mirrored beyond its edge."""
    taps = x.new_tensor([0.25, 0.5, 0.25])
    kernel = torch.outer(taps, taps).expand(x.shape[1], 1, 3, 3)
    return F.conv2d(F.pad(x, [1, 1, 1, 1], mode="reflect"), kernel, groups=x.shape[1])


def double_smoothly(x: Tensor) -> Tensor:
    """`double`, then `blur`."""
    return blur(double(x))
