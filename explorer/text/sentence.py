"""BERT as a sentence encoder: a transformer that sees the whole text at once; its places are averaged.

Source: BERT (Devlin et al. 2019), section 3; Sentence-BERT (Reimers and Gurevych 2019), section 3.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.errors import CheckpointError
from explorer.generators.config import check_between, config_from_json

__all__ = ["SentenceConfig", "SentenceNetwork"]

MAX_WIDTH = 1 << 14
MAX_LAYERS = 128
MAX_VOCABULARY = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SentenceConfig:
    """Shape and options.

    Raises:
        CheckpointError: A value is out of range or contradicts another.
    """

    vocabulary: int
    """Numbers that the tokenizer may give."""
    places: int
    """The most of them in a text."""
    width: int
    """Features of a place, and length of the vector that comes out."""
    hidden: int
    """Features inside the wide layers."""
    heads: int
    """Of each attention."""
    layers: int
    """Blocks."""
    epsilon: float = 1e-12
    """Keeps normalisation finite."""

    def __post_init__(self) -> None:
        check_between("vocabulary", self.vocabulary, 1, MAX_VOCABULARY)
        for name in ("places", "width", "hidden"):
            check_between(name, getattr(self, name), 1, MAX_WIDTH)
        check_between("layers", self.layers, 1, MAX_LAYERS)
        check_between("heads", self.heads, 1, self.width)
        check_between("epsilon", self.epsilon, 0, 1)
        if self.width % self.heads:
            raise CheckpointError(f"a width of {self.width} does not part into {self.heads} heads")

    @classmethod
    def from_json(cls, data: object) -> "SentenceConfig":
        """Read what ``dataclasses.asdict`` made. Raises `CheckpointError` on anything else."""
        return config_from_json(cls, data)


class _Block(nn.Module):
    def __init__(self, config: SentenceConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.query = nn.Linear(config.width, config.width)
        self.key = nn.Linear(config.width, config.width)
        self.value = nn.Linear(config.width, config.width)
        self.out = nn.Linear(config.width, config.width)
        self.norm1 = nn.LayerNorm(config.width, eps=config.epsilon)
        self.wide = nn.Linear(config.width, config.hidden)
        self.narrow = nn.Linear(config.hidden, config.width)
        self.norm2 = nn.LayerNorm(config.width, eps=config.epsilon)

    def forward(self, x: Tensor) -> Tensor:
        """``[n, width]`` to the same shape."""
        query, key, value = (
            part(x).unflatten(1, (self.heads, -1)).transpose(0, 1) for part in (self.query, self.key, self.value)
        )
        seen = F.scaled_dot_product_attention(query, key, value)
        x = self.norm1(x + self.out(seen.transpose(0, 1).flatten(1)))
        return self.norm2(x + self.narrow(F.gelu(self.wide(x))))


class SentenceNetwork(nn.Module):
    """The network; numbers of a text in, one vector out.

    Args:
        config: Shape and options. Weights start at random.
    """

    def __init__(self, config: SentenceConfig) -> None:
        super().__init__()
        self.config = config
        self.tokens = nn.Parameter(torch.randn(config.vocabulary, config.width) * 0.02)
        self.places = nn.Parameter(torch.randn(config.places, config.width) * 0.02)
        self.segments = nn.Parameter(torch.randn(2, config.width) * 0.02)
        self.norm = nn.LayerNorm(config.width, eps=config.epsilon)
        self.layers = nn.ModuleList(_Block(config) for _ in range(config.layers))

    def forward(self, numbers: Tensor) -> Tensor:
        """A text's vector.

        Args:
            numbers: ``[n]``, n at most ``config.places``.

        Returns:
            ``[width]``.
        """
        x = self.norm(self.tokens[numbers] + self.segments[0] + self.places[: len(numbers)])
        for layer in self.layers:
            x = layer(x)
        return x.mean(dim=0)
