"""Where a model computes, and how precisely."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["ON_PROCESSOR", "Choice", "Compute", "Precision"]

Precision = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True, slots=True)
class Compute:
    """What a person chose."""

    device: str = "cpu"
    """``cpu`` or ``cuda``."""
    precision: Precision = "float32"
    """Of everything after the mapping, which stays float32."""


ON_PROCESSOR = Compute()
"""Where every machine can."""


@dataclass(frozen=True, slots=True)
class Choice:
    """Something to choose."""

    value: str
    """As in `Compute`."""
    words: str
    """For a person."""
    reason: str = ""
    """Why this machine cannot do it; empty when it can."""
