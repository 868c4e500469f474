"""NumPy scalars, dtypes and arrays in a pickle stream, rebuilt from their bytes with every size checked."""

import math

import numpy as np

from explorer.checkpoints.inert import InertObject, Pending, Symbol
from explorer.checkpoints.pickle_machine import PickleMachine
from explorer.checkpoints.torch_values import MAX_DIMENSIONS
from explorer.errors import CheckpointError

__all__ = ["NUMPY_CONSTRUCTORS"]

_CODES = frozenset({"b1", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "?", "f", "d"})


class _PendingDtype(Pending):
    """A plain number type; its byte order comes with BUILD."""

    __slots__ = ("code", "order")

    def __init__(self, code: str) -> None:
        super().__init__()
        self.code = code
        self.order = "<"

    def finish(self, machine: PickleMachine, state: object) -> "_PendingDtype":
        """Take the byte order; anything that would give the type fields is refused."""
        if not isinstance(state, tuple) or not 5 <= len(state) <= 9 or state[1] not in ("<", ">", "|", "="):
            raise CheckpointError("this snapshot is damaged: a number type in it cannot be read")
        if any(part is not None for part in state[2:5]):
            raise CheckpointError("this snapshot holds an array of records: not supported")
        self.order = str(state[1])
        return self

    @property
    def dtype(self) -> np.dtype:
        """The type that is meant."""
        return np.dtype(self.code).newbyteorder(self.order.replace("|", "=").replace("=", "<"))


class _PendingArray(Pending):
    """An array before its shape and bytes."""

    __slots__ = ("finished",)

    def __init__(self) -> None:
        super().__init__()
        self.finished = False

    def finish(self, machine: PickleMachine, state: object) -> np.ndarray:
        """The array, from (version, shape, dtype, is_fortran, bytes)."""
        if self.finished or not isinstance(state, tuple) or len(state) != 5:
            raise CheckpointError("this snapshot is damaged: an array in it cannot be read")
        self.finished = True
        _, shape, dtype, fortran, raw = state
        return _array(machine, raw, dtype, shape, "F" if fortran is True else "C")


def _array(machine: PickleMachine, raw: object, dtype: object, shape: object, order: str) -> np.ndarray:
    if not isinstance(dtype, _PendingDtype):
        raise CheckpointError("this snapshot holds an array of objects or text: refused, only numbers are read")
    if not isinstance(raw, bytes | memoryview):
        raise CheckpointError("this snapshot is damaged: an array's values are not bytes")
    if not isinstance(shape, tuple) or len(shape) > MAX_DIMENSIONS:
        raise CheckpointError("this snapshot is damaged: an array has an impossible shape")
    if not all(type(n) is int and 0 <= n < 2**31 for n in shape):
        raise CheckpointError("this snapshot is damaged: an array has an impossible shape")
    kind = dtype.dtype
    if math.prod(shape) * kind.itemsize != len(raw):
        raise CheckpointError(
            f"this snapshot is damaged: an array of shape {list(shape)} does not take {len(raw)} bytes"
        )
    machine.budget.charge(len(raw))
    # A bool array is compared, since bytes other than 0 and 1 are no valid truth values.
    values = np.frombuffer(raw, np.uint8) != 0 if kind.kind == "b" else np.frombuffer(raw, kind)
    return values.astype(kind.newbyteorder("="), copy=True).reshape(shape, order=order)


def _dtype(machine: PickleMachine, args: tuple[object, ...]) -> object:
    if not args or not isinstance(args[0], str):
        raise CheckpointError("this snapshot is damaged: a number type in it cannot be read")
    code = args[0].lstrip("<>|=")
    if code in _CODES:
        return _PendingDtype(code)
    if code[:1] == "O":
        raise CheckpointError("this snapshot holds an array of objects: refused, only numbers are read")
    return InertObject(Symbol("numpy", "dtype"), args)


def _scalar(machine: PickleMachine, args: tuple[object, ...]) -> object:
    if len(args) != 2 or not isinstance(args[1], bytes | memoryview):
        raise CheckpointError("this snapshot is damaged: a number in it cannot be read")
    return _array(machine, args[1], args[0], (), "C").item()


def _reconstruct(machine: PickleMachine, args: tuple[object, ...]) -> object:
    if len(args) != 3 or args[0] != Symbol("numpy", "ndarray"):
        raise CheckpointError("this snapshot holds an array of a class of its own: refused, only plain arrays are read")
    return _PendingArray()


def _frombuffer(machine: PickleMachine, args: tuple[object, ...]) -> object:
    if len(args) != 4 or args[3] not in ("C", "F"):
        raise CheckpointError("this snapshot is damaged: an array in it cannot be read")
    return _array(machine, args[0], args[1], args[2], str(args[3]))


NUMPY_CONSTRUCTORS = {
    Symbol("numpy", "dtype"): _dtype,
    Symbol("numpy.core.multiarray", "scalar"): _scalar,
    Symbol("numpy._core.multiarray", "scalar"): _scalar,
    Symbol("numpy.core.multiarray", "_reconstruct"): _reconstruct,
    Symbol("numpy._core.multiarray", "_reconstruct"): _reconstruct,
    Symbol("numpy.core.numeric", "_frombuffer"): _frombuffer,
    Symbol("numpy._core.numeric", "_frombuffer"): _frombuffer,
}
