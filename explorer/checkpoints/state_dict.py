"""Typed reads from a table of named tensors: every name and shape of a file is doubted here."""

import re
from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from explorer.errors import CheckpointError

__all__ = ["StateDict", "is_table_of_tensors"]

MAX_TENSORS = 20_000


def is_table_of_tensors(value: object) -> bool:
    """Whether `value` is a dictionary of text to tensors, as ``state_dict()`` makes it."""
    return (
        isinstance(value, dict)
        and 0 < len(value) <= MAX_TENSORS
        and all(isinstance(name, str) and isinstance(item, Tensor) for name, item in value.items())
    )


class StateDict:
    """Tensors by name, each taken once.

    Args:
        tensors: By name.
        what: For messages: ``generator``.
        size: Of the file in bytes; all tensors together cannot be larger.

    Raises:
        CheckpointError: They are larger.
    """

    def __init__(self, tensors: Mapping[str, Tensor], *, what: str, size: int | None = None) -> None:
        self._tensors = dict(tensors)
        self._left = set(tensors)
        self.what = what
        # Many tensors that view the same bytes would each become a copy later.
        if size is not None and sum(tensor.numel() * tensor.element_size() for tensor in tensors.values()) > size:
            raise CheckpointError(f"this file's {what} claims more tensors than the file's size allows: refused")

    def below(self, prefix: str, *, what: str | None = None) -> "StateDict":
        """The tensors whose names start with `prefix`, which is taken off."""
        found = {name.removeprefix(prefix): item for name, item in self._tensors.items() if name.startswith(prefix)}
        self._left -= {prefix + name for name in found}
        return StateDict(found, what=what or self.what)

    def __contains__(self, name: str) -> bool:
        return name in self._tensors

    @property
    def names(self) -> Iterable[str]:
        """All names."""
        return self._tensors.keys()

    def numbers(self, pattern: str) -> list[int]:
        """Sorted numbers at the place of the group of `pattern` in the names that match it whole."""
        matches = (re.fullmatch(pattern, name) for name in self._tensors)
        return sorted({int(match[1]) for match in matches if match and len(match[1]) <= 4})

    def count(self, pattern: str, *, first: int = 0) -> int:
        """How many there are of ``first, first + 1, ...``.

        Raises:
            CheckpointError: There is none, or one is missing in between.
        """
        found = self.numbers(pattern)
        if not found or found != list(range(first, first + len(found))):
            shown = pattern.replace("\\", "").replace("(d+)", "N").replace("(d{1,2})", "N")
            raise CheckpointError(f"this file's {self.what} lacks parts: there should be {shown} for every N")
        return len(found)

    def shape(self, name: str, *, axes: int) -> tuple[int, ...]:
        """The shape of a tensor with so many axes, which must exist and stays to be taken."""
        tensor = self._tensors.get(name)
        if tensor is None:
            raise CheckpointError(f"this file's {self.what} has no tensor {name}: it is damaged or of another kind")
        if tensor.ndim != axes:
            raise CheckpointError(
                f"this file's {self.what} has a tensor {name} of shape {list(tensor.shape)}: it should have {axes} axes"
            )
        return tuple(tensor.shape)

    def take(self, name: str, *, axes: int) -> Tensor:
        """A tensor of floating point numbers with so many axes, which must exist.

        Raises:
            CheckpointError: It does not, or is of another kind.
        """
        self.shape(name, axes=axes)
        tensor = self._tensors[name]
        if not tensor.is_floating_point() or tensor.layout != torch.strided:
            raise CheckpointError(f"this file's {self.what} has a tensor {name} that holds no floating point numbers")
        self._left.discard(name)
        return tensor

    def drop(self, pattern: str) -> None:
        """Leave out whatever matches `pattern` whole."""
        self._left = {name for name in self._left if not re.fullmatch(pattern, name)}

    def finish(self) -> None:
        """Refuse what nobody took: a network that is only partly understood would give other pictures.

        Raises:
            CheckpointError: There is such a tensor.
        """
        if self._left:
            raise CheckpointError(
                f"this file's {self.what} has a tensor {min(self._left)[:120]} that has no place in this architecture"
            )
