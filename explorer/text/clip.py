"""The text half of CLIP: a transformer that reads from left to right; its last place stands for the text.

Source: CLIP (Radford et al. 2021), section 2.4; blocks as in GPT-2 (Radford et al. 2019), section 2.3: normalised
before attention and before the wide layer, each added to what it read.
"""

from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import CheckpointError
from explorer.generators.config import check_between, config_from_json

__all__ = ["ClipConfig", "ClipText"]

MAX_WIDTH = 1 << 14
MAX_LAYERS = 128
MAX_VOCABULARY = 1 << 20

Activation = Literal["quick_gelu", "gelu"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipConfig:
    """Shape and options.

    Raises:
        CheckpointError: A value is out of range or contradicts another.
    """

    vocabulary: int
    """Numbers that the tokenizer may give."""
    length: int
    """The most of them in a text."""
    width: int
    """Features of a place."""
    hidden: int
    """Features inside the wide layers."""
    heads: int
    """Of each attention."""
    layers: int
    """Blocks."""
    features: int
    """Length of the vector that comes out."""
    activation: Activation = "quick_gelu"
    """``quick_gelu``: x sigmoid(1.702 x), as OpenAI trained; ``gelu``: as most others did."""
    epsilon: float = 1e-5
    """Keeps normalisation finite."""

    def __post_init__(self) -> None:
        check_between("vocabulary", self.vocabulary, 1, MAX_VOCABULARY)
        check_between("length", self.length, 2, MAX_WIDTH)
        for name in ("width", "hidden", "features"):
            check_between(name, getattr(self, name), 1, MAX_WIDTH)
        check_between("layers", self.layers, 1, MAX_LAYERS)
        check_between("heads", self.heads, 1, self.width)
        check_between("epsilon", self.epsilon, 0, 1)
        if self.width % self.heads:
            raise CheckpointError(f"a width of {self.width} does not part into {self.heads} heads")

    @classmethod
    def from_json(cls, data: object) -> "ClipConfig":
        """Read what ``dataclasses.asdict`` made. Raises `CheckpointError` on anything else."""
        return config_from_json(cls, data)


class _Block(nn.Module):
    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.heads, self.activation = config.heads, config.activation
        self.norm1 = nn.LayerNorm(config.width, eps=config.epsilon)
        self.joint = nn.Linear(config.width, 3 * config.width)
        self.out = nn.Linear(config.width, config.width)
        self.norm2 = nn.LayerNorm(config.width, eps=config.epsilon)
        self.wide = nn.Linear(config.width, config.hidden)
        self.narrow = nn.Linear(config.hidden, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """``[n, width]`` to the same shape."""
        joint = self.joint(self.norm1(x)).unflatten(1, (3, self.heads, -1))
        query, key, value = joint.permute(1, 2, 0, 3)  # [heads, n, width / heads]
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.out(seen.transpose(0, 1).flatten(1))
        y = self.wide(self.norm2(x))
        y = y * torch.sigmoid(1.702 * y) if self.activation == "quick_gelu" else F.gelu(y)
        return x + self.narrow(y)


class ClipText(nn.Module):
    """The network; numbers of a text in, one vector out.

    Args:
        config: Shape and options. Weights start at random.
    """

    def __init__(self, config: ClipConfig) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Parameter(torch.randn(config.vocabulary, config.width) * 0.02)
        self.places = nn.Parameter(torch.randn(config.length, config.width) * 0.01)
        self.layers = nn.ModuleList(_Block(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.projection = nn.Linear(config.width, config.features, bias=False)

    def forward(self, numbers: Tensor) -> Tensor:
        """A text's vector.

        Args:
            numbers: ``[n]``, n at most ``config.length``; the last one marks the end.

        Returns:
            ``[features]``.
        """
        x = self.tokens[numbers] + self.places[: len(numbers)]
        for layer in self.layers:
            x = layer(x)
        return self.projection(self.norm(x[-1]))
