"""Typed reads from a `ModuleRecord`: every value of a file is doubted here, so that readers need not."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from numbers import Integral, Real
from typing import TypeVar

import torch
from torch import Tensor

from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError

__all__ = ["Fields", "agreed"]

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Fields:
    """A record and where it stands, for messages. Every method raises `CheckpointError` where it says so."""

    record: ModuleRecord
    """What is read."""
    name: str
    """Its dotted name: ``G.synthesis.b8``."""

    def child(self, key: str) -> "Fields":
        """A sub-module, which must exist."""
        below = self.record.children.get(key)
        if below is None:
            raise CheckpointError(f"this snapshot's {self.name} has no part {key}: it is damaged or of another family")
        return Fields(below, f"{self.name}.{key}")

    def has(self, key: str) -> bool:
        """Whether there is such a sub-module."""
        return self.record.children.get(key) is not None

    def whole(self, key: str) -> int:
        """A whole number, which must exist."""
        value = self._attribute(key)
        if isinstance(value, bool) or not isinstance(value, Integral) or abs(value) >= 1 << 62:
            raise self._wrong(key, value, "a whole number within reason")
        return int(value)

    def whole_or_none(self, key: str) -> int | None:
        """A whole number or ``None``, which must exist."""
        return None if self._attribute(key) is None else self.whole(key)

    def number(self, key: str) -> float:
        """A finite number, which must exist."""
        value = self._attribute(key)
        if isinstance(value, bool) or not isinstance(value, Real) or not _is_finite(value):
            raise self._wrong(key, value, "a finite number")
        return float(value)

    def number_or_none(self, key: str) -> float | None:
        """A finite number or ``None``, which must exist."""
        return None if self._attribute(key) is None else self.number(key)

    def text(self, key: str) -> str:
        """Text, which must exist."""
        value = self._attribute(key)
        if not isinstance(value, str):
            raise self._wrong(key, value, "text")
        return value

    def flag(self, key: str) -> bool:
        """True or false, which must exist."""
        value = self._attribute(key)
        if not isinstance(value, bool):
            raise self._wrong(key, value, "true or false")
        return value

    def shape(self, key: str, *, axes: int) -> tuple[int, ...]:
        """The shape of a parameter or buffer with so many axes, which must exist."""
        tensor = self.tensor(key)
        if tensor.ndim != axes:
            raise CheckpointError(
                f"this snapshot's {self.name}.{key} has shape {list(tensor.shape)}, and should have {axes} axes"
            )
        return tuple(tensor.shape)

    def tensor(self, key: str) -> Tensor:
        """A parameter or buffer, which must exist."""
        tensor = self.record.parameters.get(key)
        if tensor is None:
            tensor = self.record.buffers.get(key)
        if tensor is None:
            raise CheckpointError(f"this snapshot's {self.name} has no tensor {key}: it is damaged")
        if tensor.layout != torch.strided or not tensor.is_floating_point():
            raise CheckpointError(f"this snapshot's {self.name}.{key} should hold floating point numbers")
        return tensor

    def _attribute(self, key: str) -> object:
        if key not in self.record.attributes:
            raise CheckpointError(f"this snapshot's {self.name} does not tell its {key}: it is damaged or too old")
        return self.record.attributes[key]

    def _wrong(self, key: str, value: object, wanted: str) -> CheckpointError:
        # Only what surely prints short is shown: a file can hold numbers of a million digits.
        shown = repr(value) if isinstance(value, str | float) and len(str(value)) < 60 else f"a {type(value).__name__}"
        return CheckpointError(f"this snapshot's {self.name}.{key} is {shown}, and should be {wanted}")


def agreed(what: str, values: Iterable[T]) -> T:
    """The one value that all share.

    Raises:
        CheckpointError: There is none, or they differ.
    """
    distinct = list(dict.fromkeys(values))
    if len(distinct) != 1:
        found = "differs between layers" if distinct else "is not told by any layer"
        raise CheckpointError(f"this snapshot's {what} {found}: such a model cannot be opened")
    return distinct[0]


def _is_finite(value: Real) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
