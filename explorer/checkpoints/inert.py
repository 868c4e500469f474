"""What a name and an unknown object in a pickle stream become: data that can be looked at and never called."""

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.errors import CheckpointError

if TYPE_CHECKING:
    from explorer.checkpoints.pickle_machine import PickleMachine

__all__ = ["InertObject", "Pending", "Symbol", "key_is_plain", "refuse_code"]


@dataclass(frozen=True, slots=True)
class Symbol:
    """A class or function that a stream names."""

    module: str
    """For example ``torch.storage``."""
    name: str
    """Without dots."""

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class InertObject:
    """An object of a class that this program does not have: its parts, and no behaviour.

    The parts may refer back to the object, so nothing here walks them, `repr` included.
    """

    __slots__ = ("args", "entries", "items", "state", "symbol")

    def __init__(self, symbol: Symbol, args: tuple[object, ...]) -> None:
        self.symbol = symbol
        """Its class, or the function that would have made it."""
        self.args = args
        """What that would have been called with."""
        self.state: object = None
        """What the object was restored from, usually its ``__dict__``."""
        self.items: list[tuple[object, object]] = []
        """Key and value pairs, for a dictionary's subclass."""
        self.entries: list[object] = []
        """Elements, for a list's subclass."""

    def __repr__(self) -> str:
        return f"<inert {self.symbol}>"


class Pending:
    """A value that a later BUILD completes, such as an array before its bytes."""

    __slots__ = ("memo_keys",)

    def __init__(self) -> None:
        self.memo_keys: list[int] = []

    def finish(self, machine: "PickleMachine", state: object) -> object:
        """The value, from the state that the stream gives."""
        raise NotImplementedError


# Harmless classes of the standard library that a model's settings are sometimes made of.
_PLAIN_CLASSES = frozenset(
    {
        Symbol("argparse", "Namespace"),
        Symbol("collections", "defaultdict"),
        Symbol("datetime", "datetime"),
        Symbol("datetime", "timedelta"),
        Symbol("functools", "partial"),
        Symbol("pathlib", "Path"),
        Symbol("pathlib", "PosixPath"),
        Symbol("pathlib", "PurePosixPath"),
        Symbol("pathlib", "PureWindowsPath"),
        Symbol("pathlib", "WindowsPath"),
        Symbol("torch", "Size"),
        Symbol("torch", "device"),
        Symbol("types", "SimpleNamespace"),
    }
)

# Packages whose functions could do harm; the class of a model's part is never called with arguments from there.
_LOADED_ROOTS = frozenset({"torch", "numpy", "pip", "setuptools", "pkg_resources", "cloudpickle", "joblib", "scipy"})


def refuse_code(symbol: Symbol, args: tuple[object, ...]) -> None:
    """Raise when a stream asks for a call that no model needs.

    Nothing would be run either way. The refusal tells the person that the file is not what it seems.
    """
    if symbol in _PLAIN_CLASSES:
        return
    root = symbol.module.partition(".")[0]
    standard = root in sys.stdlib_module_names or root in ("__builtin__", "copy_reg")
    if standard or (args and root in _LOADED_ROOTS):
        raise CheckpointError(
            f"this pickle asks to run {symbol}, which no model needs: nothing was run, do not trust this file"
        )


def key_is_plain(value: object, depth: int = 2) -> bool:
    """Whether hashing and comparing ``value`` is cheap: a scalar, or a short tuple of such."""
    if value is None or type(value) in (str, bool, float, InertObject, Symbol):
        return True
    if type(value) is int:
        return -(2**63) <= value < 2**64
    if type(value) is bytes:
        return True
    return type(value) is tuple and depth > 0 and len(value) <= 8 and all(key_is_plain(v, depth - 1) for v in value)
