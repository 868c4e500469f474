"""Where a model computes, and how precisely."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["ON_PROCESSOR", "Choice", "Compute", "Precision", "choices"]

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


def choices(device: str) -> tuple[tuple[Choice, ...], tuple[Choice, ...]]:
    """Devices and precisions, those with reasons that this machine cannot do. Needs torch.

    Args:
        device: Where the model computes now, which decides about the precisions.
    """
    from explorer.rendering.machine import missing_device

    half = "" if device == "cuda" else "float16 overflows in places, and no processor is faster with it"
    return (
        (Choice("cpu", "Processor"), Choice("cuda", "GPU", missing_device("cuda"))),
        (Choice("float32", "float32"), Choice("bfloat16", "bfloat16"), Choice("float16", "float16", half)),
    )
