"""StyleGAN-T's discriminator: heads on tokens of five depths of a frozen DINO, which compare them with a text.

In training the published code changes pictures at random and sometimes looks at a part; a score here is the whole
picture's own. Scores depend on the batch, whose pictures are normalised in groups.

Source: StyleGAN-T (Sauer et al. 2023), section 3.2 and figure 4.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import CheckpointError, StateError
from explorer.generators.assign import build_from_tensors
from explorer.generators.config import check_between, config_from_json
from explorer.generators.linear import EqualizedLinear
from explorer.generators.projected_layers import SpectralWeight, freeze
from explorer.generators.stylegan2_config import MAX_WIDTH
from explorer.generators.vision_transformer import VisionConfig, VisionTransformer

__all__ = ["TextDiscriminator", "TextDiscriminatorConfig"]

_COLOURS = 3
_QUARTERS = 4
_SLOPE = 0.2
# Colours of 0 to 1 as DINO was trained with: mean and deviation of ImageNet.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, slots=True, kw_only=True)
class TextDiscriminatorConfig:
    """Shape and options of a `TextDiscriminator`.

    Raises:
        CheckpointError: A value is out of range.
    """

    c_dim: int = 0
    """Length of a text's embedding; 0: there are no texts."""
    cmap_dim: int = 64
    """Length of what a text and a place are compared by."""
    vision: VisionConfig = field(default_factory=VisionConfig)
    """The frozen network."""
    patches_too: bool = True
    """Whether a fifth head looks at the patches before the first block."""
    seen_side: int = 224
    """Side of the square, in pixels, that every picture is brought to."""
    kernel_size: int = 9
    """Tokens that the second layer of a head sees at once."""
    group: int = 8
    """Pictures that are normalised together, at most."""
    epsilon: float = 1e-5
    """Added to a variance before its root divides."""

    def __post_init__(self) -> None:
        check_between("c_dim", self.c_dim, 0, MAX_WIDTH)
        check_between("cmap_dim", self.cmap_dim, 1, MAX_WIDTH)
        check_between("seen_side", self.seen_side, self.vision.patch, 1 << 12)
        check_between("kernel_size", self.kernel_size, 1, 63)
        check_between("group", self.group, 1, 1 << 12)
        check_between("epsilon", self.epsilon, 0, 1)
        if self.kernel_size % 2 == 0:
            raise CheckpointError(f"kernel_size is {self.kernel_size}, and should be odd")
        if self.vision.depth < _QUARTERS or self.vision.tokens < 1:
            raise CheckpointError(
                "the frozen network of a StyleGAN-T discriminator has four blocks and a token at least"
            )

    @classmethod
    def from_json(cls, data: object) -> "TextDiscriminatorConfig":
        """Read what ``dataclasses.asdict`` made. Raises `CheckpointError` on anything else."""
        return config_from_json(cls, data)


class LocalNorm(nn.Module):
    """Each feature to mean 0 and deviation 1 over tokens and a group of pictures, then scaled and shifted."""

    def __init__(self, channels: int, *, group: int, epsilon: float) -> None:
        super().__init__()
        self.group, self.epsilon = group, epsilon
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """``[N, C, tokens]`` to the same."""
        count = len(x)
        # The fewest groups of equal size; the published code knows only batches that divide at once.
        groups = next(n for n in range(-(-count // self.group), count + 1) if count % n == 0)
        parts = x.unflatten(0, (groups, -1))
        variance, mean = torch.var_mean(parts, dim=(1, 3), keepdim=True, correction=0)
        normal = ((parts - mean) * torch.rsqrt(variance + self.epsilon)).flatten(0, 1)
        return normal * self.weight.to(x.dtype)[:, None] + self.bias.to(x.dtype)[:, None]


class SpectralLine(SpectralWeight):
    """A convolution of spectral norm 1 along tokens, whose ends meet."""

    def forward(self, x: Tensor) -> Tensor:
        """``[N, in, tokens]`` to ``[N, out, tokens]``."""
        around = self.weight.shape[2] // 2
        if around:
            x = F.pad(x, (around, around), mode="circular")
        return F.conv1d(x, self.normed().to(x.dtype), self.bias.to(x.dtype))


class Line(nn.Module):
    """Convolution, normalisation, leaky ReLU."""

    def __init__(self, config: TextDiscriminatorConfig, kernel_size: int) -> None:
        super().__init__()
        width = config.vision.width
        self.conv = SpectralLine((width, width, kernel_size), bias=True)
        self.norm = LocalNorm(width, group=config.group, epsilon=config.epsilon)

    def forward(self, x: Tensor) -> Tensor:
        """``[N, C, tokens]`` to the same."""
        return F.leaky_relu(self.norm(self.conv(x)), _SLOPE)


class TextHead(nn.Module):
    """Judges every token of one depth."""

    def __init__(self, config: TextDiscriminatorConfig) -> None:
        super().__init__()
        self.near = Line(config, 1)
        self.wide = Line(config, config.kernel_size)
        self.text = EqualizedLinear(config.c_dim, config.cmap_dim) if config.c_dim else None
        self.last = SpectralLine((config.cmap_dim if config.c_dim else 1, config.vision.width, 1), bias=True)

    def forward(self, x: Tensor, c: Tensor | None) -> Tensor:
        """``[N, C, tokens]`` and texts ``[N, c_dim]`` to ``[N, tokens]``."""
        x = self.near(x)
        x = (self.wide(x) + x) * math.sqrt(0.5)
        x = self.last(x)
        if self.text is not None:
            text = self.text(c.to(x.dtype))
            x = (x * text[:, :, None]).sum(dim=1) * (1 / math.sqrt(text.shape[1]))
        return x.flatten(1)


class TextDiscriminator(nn.Module):
    """``discriminator(image, c)``: logits ``[N, heads * patches]``, above 0 where a token looks real and like the text.

    Args:
        config: Shape and options. Numbers start at random.
    """

    def __init__(self, config: TextDiscriminatorConfig) -> None:
        super().__init__()
        self.config = config
        self.frozen = VisionTransformer(config.vision)
        freeze(self.frozen)
        depth = config.vision.depth
        quarters = [depth * (i + 1) // _QUARTERS - 1 for i in range(_QUARTERS)]
        self.taps = (*quarters, -1) if config.patches_too else tuple(quarters)
        self.heads = nn.ModuleList(TextHead(config) for _ in self.taps)

    @classmethod
    def from_tensors(cls, config: TextDiscriminatorConfig, tensors: Mapping[str, Tensor]) -> "TextDiscriminator":
        """Build around tensors named as in the state dict, without copying them. See `build_from_tensors`."""
        return build_from_tensors(lambda: cls(config), tensors)

    def forward(self, image: Tensor, c: Tensor | None = None) -> Tensor:
        """Score pictures.

        Args:
            image: ``[N, 3, H, W]``, about -1 to 1.
            c: Embedded texts, ``[N, c_dim]``; needed when the model takes texts, else ignored.

        Raises:
            StateError: A text is missing, or the pictures have other than three colours.
        """
        config = self.config
        if image.ndim != 4 or image.shape[1] != _COLOURS:
            raise StateError(f"the picture has shape {list(image.shape)}, and this model takes [N, 3, H, W]")
        if config.c_dim == 0:
            c = None
        elif c is None or c.shape != (image.shape[0], config.c_dim):
            raise StateError(f"this model needs embedded texts of shape [{image.shape[0]}, {config.c_dim}]")
        x = F.interpolate((image + 1) / 2, size=[config.seen_side] * 2, mode="area")
        mean, deviation = (torch.tensor(values).to(x)[:, None, None] for values in (_MEAN, _DEVIATION))
        found = self.frozen((x - mean) / deviation, self.taps)
        return torch.cat(
            [head(self._readout(found[tap]), c) for head, tap in zip(self.heads, self.taps, strict=True)], 1
        )

    def _readout(self, tokens: Tensor) -> Tensor:
        """Each patch and the class's token, ``[N, C, patches]``."""
        first = self.config.vision.tokens
        return (tokens[:, first:] + tokens[:, :first].mean(dim=1, keepdim=True)).transpose(1, 2)
