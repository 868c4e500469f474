"""The discriminator that grows with its pictures: ProGAN's, StyleGAN's, and the plain one of StyleGAN2's first release.

They differ in how they shrink features and in what their last layer says of labels. Convolutions have the gain of
their activation in the weights, so a leaky ReLU comes without one.

Source: ProGAN (Karras et al. 2018), appendix A; StyleGAN (Karras et al. 2019), section 2.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import CheckpointError, StateError
from explorer.generators.config import check_at_least, check_between, config_from_json
from explorer.generators.growing import downsample_box
from explorer.generators.stylegan2_config import Taps
from explorer.generators.stylegan2_discriminator import minibatch_deviation
from explorer.ops import conv2d_resample, setup_filter, upfirdn2d

__all__ = ["GrowingConfig", "GrowingDiscriminator", "fused_kernel", "smooth"]

MAX_WIDTH = 1 << 16
GAIN = math.sqrt(2)

Activation = Literal["lrelu", "relu"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GrowingConfig:
    """A growing discriminator's shape and options.

    Raises:
        CheckpointError: A value is out of range or contradicts another.
    """

    resolution: int
    """Pixels along each side: a power of two, from 4."""
    channels: tuple[int, ...]
    """Features of each block, from 4² up to `resolution`."""
    dense_features: int
    """Features between the last two layers."""
    c_dim: int = 0
    """Number of classes."""
    labels: Literal["sum", "predicted"] = "sum"
    """``sum``: one output a class, the label chooses; ``predicted``: the score, then a guess of the label."""
    img_channels: int = 3
    """1 grey, 3 RGB."""
    activation: Activation = "lrelu"
    """After every layer but the last."""
    down: Literal["within", "after", "filter"] = "within"
    """How features shrink: by the mean of four before a layer's bias and activation (StyleGAN), or after them
    (ProGAN), or by a filter before its convolution (StyleGAN2)."""
    fused_from: int | None = None
    """Blocks of this size and above fold the mean into the convolution's kernel; none when ``None``."""
    smoothing: Taps | None = None
    """The filter of ``filter``; else one that comes before a halving and keeps the size."""
    mbstd_group_size: int = 4
    """Pictures that are compared with one another; 1 or less leaves the comparison out."""
    mbstd_num_channels: int = 1
    """Features that tell how much a group varies."""
    grows: bool = True
    """Whether every size has an entry for pictures of its own."""
    lod: float = 0.0
    """Level of detail, see `explorer.generators.growing`."""

    def __post_init__(self) -> None:
        check_between("resolution", self.resolution, 4, 1 << 14)
        if self.resolution & (self.resolution - 1) or len(self.channels) != self.resolution.bit_length() - 2:
            raise CheckpointError(
                f"{len(self.channels)} blocks do not make a discriminator of {self.resolution} pixels"
            )
        for count in (*self.channels, self.dense_features):
            check_between("channels", count, 1, MAX_WIDTH)
        check_between("c_dim", self.c_dim, 0, 1 << 24)
        check_between("img_channels", self.img_channels, 1, 1 << 10)
        check_between("lod", self.lod, 0, len(self.channels) - 1 if self.grows else 0)
        check_at_least("fused_from", self.fused_from, 8)
        check_between("mbstd_num_channels", self.mbstd_num_channels, 0, MAX_WIDTH)
        if self.down == "filter" and self.smoothing is None:
            raise CheckpointError("a discriminator that shrinks by a filter needs one")
        if self.compares and self.channels[0] % self.mbstd_num_channels:
            raise CheckpointError(f"mbstd_num_channels {self.mbstd_num_channels} does not divide {self.channels[0]}")

    @classmethod
    def from_json(cls, data: object) -> "GrowingConfig":
        """Read what ``dataclasses.asdict`` made. Raises `CheckpointError` on anything else."""
        return config_from_json(cls, data)

    @property
    def compares(self) -> bool:
        """Whether the pictures of a batch are compared."""
        return self.mbstd_group_size > 1 and self.mbstd_num_channels > 0

    @property
    def sizes(self) -> tuple[int, ...]:
        """`resolution`, ..., 8, 4."""
        return tuple(4 << i for i in reversed(range(len(self.channels))))


class Conv(nn.Module):
    """A convolution with an equalised learning rate and an activation of its gain in the weights."""

    def __init__(self, in_channels: int, out_channels: int, *, kernel_size: int, activation: Activation) -> None:
        super().__init__()
        self.gain = GAIN / math.sqrt(in_channels * kernel_size**2)
        self.activation = activation
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, kernel_size, kernel_size))
        self.bias = nn.Parameter(torch.zeros(out_channels))

    def forward(self, x: Tensor, *, down: Literal["within", "folded"] | None = None) -> Tensor:
        """``[N, in, h, w]`` to ``[N, out, h, w]``, or half the size by a mean of four before bias and activation."""
        weight = self.weight * self.gain
        if down == "folded":
            y = F.conv2d(x, fused_kernel(weight) / 4, stride=2, padding=1)
        else:
            y = F.conv2d(x, weight, padding=weight.shape[-1] // 2)
            y = y if down is None else downsample_box(y)
        return self.finish(y)

    def filtered(self, x: Tensor, kernel: Tensor) -> Tensor:
        """``[N, in, 2h, 2w]`` to ``[N, out, h, w]``, filtered before every other sample is taken."""
        weight = self.weight * self.gain
        return self.finish(conv2d_resample(x, weight, kernel, down=2, padding=weight.shape[-1] // 2))

    def finish(self, y: Tensor) -> Tensor:
        """Bias and activation."""
        return _activate(y + self.bias[:, None, None], self.activation)


class Dense(nn.Module):
    """A fully connected layer with an equalised learning rate."""

    def __init__(self, in_features: int, out_features: int, *, activation: Activation | None) -> None:
        super().__init__()
        self.gain = (1.0 if activation is None else GAIN) / math.sqrt(in_features)
        self.activation = activation
        self.weight = nn.Parameter(torch.randn(out_features, in_features))
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, in]`` to ``[N, out]``."""
        x = F.linear(x, self.weight * self.gain, self.bias)
        return x if self.activation is None else _activate(x, self.activation)


class Block(nn.Module):
    """Two convolutions, the second of which halves the size."""

    def __init__(self, config: GrowingConfig, *, in_channels: int, out_channels: int, size: int) -> None:
        super().__init__()
        same = {"kernel_size": 3, "activation": config.activation}
        self.conv0 = Conv(in_channels, in_channels, **same)
        self.conv1 = Conv(in_channels, out_channels, **same)
        self.down = config.down
        self.folded = config.fused_from is not None and size >= config.fused_from
        self.register_buffer("smoothing", None if config.smoothing is None else setup_filter(config.smoothing))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, in, 2h, 2w]`` to ``[N, out, h, w]``."""
        x = self.conv0(x)
        if self.down == "filter":
            return self.conv1.filtered(x, self.smoothing)
        if self.smoothing is not None:
            x = smooth(x, self.smoothing)
        if self.folded:
            return self.conv1(x, down="folded")
        return self.conv1(x, down="within") if self.down == "within" else downsample_box(self.conv1(x))


class GrowingDiscriminator(nn.Module):
    """How real a picture looks.

    Args:
        config: Shape and options. Weights start at random.
    """

    def __init__(self, config: GrowingConfig) -> None:
        super().__init__()
        self.config = config
        widths = dict(zip(config.sizes, reversed(config.channels), strict=True))
        for size in config.sizes:
            if config.grows or size == config.resolution:
                entry = Conv(config.img_channels, widths[size], kernel_size=1, activation=config.activation)
                self.add_module(f"fromrgb{size}", entry)
            if size > 4:
                block = Block(config, in_channels=widths[size], out_channels=widths[size // 2], size=size)
                self.add_module(f"b{size}", block)
        width = config.channels[0]
        compared = config.mbstd_num_channels if config.compares else 0
        self.conv = Conv(width + compared, width, kernel_size=3, activation=config.activation)
        self.fc = Dense(width * 16, config.dense_features, activation=config.activation)
        outputs = 1 + config.c_dim if config.labels == "predicted" else max(config.c_dim, 1)
        self.out = Dense(config.dense_features, outputs, activation=None)

    def forward(self, img: Tensor, c: Tensor | None = None) -> Tensor:
        """Score pictures; those of one batch influence one another through `minibatch_deviation`.

        Args:
            img: ``[N, img_channels, resolution, resolution]``, about -1 to 1.
            c: Labels, ``[N, c_dim]``; needed when they choose the score, else ignored.

        Returns:
            ``[N, 1]``; above 0 leans to real.

        Raises:
            StateError: A label is missing, or a shape is not the model's.
        """
        outputs = self._outputs(img)
        if self.config.labels == "predicted" or self.config.c_dim == 0:
            return outputs[:, :1]
        if c is None or c.shape != outputs.shape:
            shown = "none was given" if c is None else f"one of shape {list(c.shape)} was given"
            raise StateError(f"this model needs labels of shape {list(outputs.shape)}, and {shown}")
        return (outputs * c.to(outputs.dtype)).sum(dim=1, keepdim=True)

    def predict_labels(self, img: Tensor) -> Tensor:
        """What class the pictures seem to be of, ``[N, c_dim]``; empty unless the model predicts labels."""
        return self._outputs(img)[:, 1 if self.config.labels == "predicted" else self.out.weight.shape[0] :]

    def _outputs(self, img: Tensor) -> Tensor:
        wanted = (self.config.img_channels, self.config.resolution, self.config.resolution)
        if img.ndim != 4 or img.shape[1:] != wanted:
            raise StateError(f"the picture has shape {list(img.shape)}, and this model takes {['N', *wanted]}")
        image = img.to(self.out.weight.dtype)
        x = self.get_submodule(f"fromrgb{self.config.resolution}")(image)
        for level, size in enumerate(self.config.sizes[:-1]):
            x = self.get_submodule(f"b{size}")(x)
            share = min(max(self.config.lod - level, 0.0), 1.0)
            if self.config.grows and self.config.lod > level:
                image = downsample_box(image)
                seen = self.get_submodule(f"fromrgb{size // 2}")(image)
                x = seen if share == 1 else torch.lerp(x, seen, share)
        if self.config.compares:
            deviation = minibatch_deviation(
                x, group_size=self.config.mbstd_group_size, channels=self.config.mbstd_num_channels
            )
            x = torch.cat([x, deviation], dim=1)
        return self.out(self.fc(self.conv(x).flatten(1)))


def fused_kernel(weight: Tensor) -> Tensor:
    """The kernel that stands for a convolution between neighbours that are added up: one tap larger along each axis.

    Args:
        weight: ``[..., k, k]``.
    """
    padded = F.pad(weight, [1, 1, 1, 1])
    return padded[..., 1:, 1:] + padded[..., :-1, 1:] + padded[..., 1:, :-1] + padded[..., :-1, :-1]


def smooth(x: Tensor, kernel: Tensor) -> Tensor:
    """Filter ``[N, C, h, w]`` by taps ``[kh, kw]`` in the order given, keeping the size."""
    pads = []
    for taps in (kernel.shape[-1], kernel.shape[0]):
        # With an even number of taps, the sample that is too many goes to the end.
        pads += [(taps - 1) // 2, taps // 2]
    return upfirdn2d(x, kernel, pad=tuple(pads), flip_filter=True)


def _activate(x: Tensor, activation: Activation) -> Tensor:
    return F.leaky_relu(x, 0.2) if activation == "lrelu" else F.relu(x)
