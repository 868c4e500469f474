"""The text of a kernel: its file behind the common one, and the names that are fixed when it is compiled."""

from functools import lru_cache
from pathlib import Path

import torch

__all__ = ["COMPILER_OPTIONS", "FILES", "scalar_name", "source_of"]

_FOLDER = Path(__file__).parent
FILES = ("upfirdn2d", "filtered_lrelu", "bias_act", "modulation", "pack")
COMPILER_OPTIONS = ("-std=c++17",)

_SCALARS = {torch.float32: "float", torch.float16: "Half", torch.bfloat16: "Bfloat"}


@lru_cache(maxsize=16)
def source_of(file: str) -> str:
    """The source of one of `FILES`, complete: it includes nothing."""
    return "\n".join((_FOLDER / name).read_text(encoding="utf-8") for name in ("common.cuh", f"{file}.cu"))


def scalar_name(dtype: torch.dtype) -> str | None:
    """What the sources call a type; None where they have no such type."""
    return _SCALARS.get(dtype)
