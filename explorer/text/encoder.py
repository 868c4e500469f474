"""What every text encoder offers: a tokenizer and a network put together."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor, nn

__all__ = ["CLIP", "ENCODERS", "SENTENCES", "TextEncoder"]

CLIP = "clip"
"""The text half of CLIP, as in the published StyleGAN-T models."""
SENTENCES = "all-minilm-l6-v2"
"""Sentence embeddings of 384 numbers, which can be installed from PyPI."""
ENCODERS: Mapping[str, str] = MappingProxyType({CLIP: "CLIP", SENTENCES: "all-MiniLM-L6-v2"})
"""Every kind of encoder that a model may say it was trained with, and its name for a person."""


@dataclass(frozen=True, slots=True, eq=False)
class TextEncoder:
    """Turns one text into one vector of length 1."""

    kind: str
    """A key of `ENCODERS`."""
    source: str
    """Where its numbers are from, for a person: a folder, or the model's own file."""
    dim: int
    """Length of its vectors."""
    tokenize: Callable[[str], list[int]]
    """A text as numbers, with the marks for its beginning and end, cut where the network's places end."""
    network: nn.Module
    """Takes numbers ``[n]`` and gives a vector ``[dim]``."""

    def encode(self, text: str) -> Tensor:
        """The text's direction, ``[dim]`` float32 of length 1; the same text always gives the same bits."""
        device = next(self.network.parameters()).device
        with torch.no_grad():
            vector = self.network(torch.tensor(self.tokenize(text), device=device)).float().cpu()
            return vector / vector.norm().clamp_min(1e-12)
