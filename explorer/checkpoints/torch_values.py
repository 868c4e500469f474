"""Tensors in a pickle stream: storages from torch's nested legacy stream, and views of them.

A storage is ``torch.storage._load_from_bytes`` of bytes that hold five more pickles (a magic number, a protocol
number, the writer's byte order, the storage as a persistent id, the list of keys) and then the raw values.
Nothing is copied: a tensor is a view of the file's bytes.
"""

import struct
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.checkpoints.inert import Symbol
from explorer.checkpoints.pickle_machine import PickleMachine
from explorer.errors import CheckpointError

__all__ = [
    "LEGACY_MAGIC",
    "LEGACY_PROTOCOL",
    "MAX_DIMENSIONS",
    "STORAGE_DTYPES",
    "AnnouncedStorage",
    "StorageView",
    "announce_storage",
    "load_from_bytes",
    "rebuild_parameter",
    "rebuild_tensor",
]

MAX_DIMENSIONS = 8
LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
LEGACY_PROTOCOL = 1001

STORAGE_DTYPES = {
    "DoubleStorage": torch.float64,
    "FloatStorage": torch.float32,
    "HalfStorage": torch.float16,
    "BFloat16Storage": torch.bfloat16,
    "LongStorage": torch.int64,
    "IntStorage": torch.int32,
    "ShortStorage": torch.int16,
    "CharStorage": torch.int8,
    "ByteStorage": torch.uint8,
    "UntypedStorage": torch.uint8,
    "BoolStorage": torch.bool,
}


@dataclass(frozen=True, slots=True)
class StorageView:
    """A run of numbers in the file."""

    dtype: torch.dtype
    """What the numbers are."""
    count: int
    """How many."""
    raw: memoryview
    """Their bytes, ``count * dtype.itemsize`` long."""


@dataclass(frozen=True, slots=True)
class AnnouncedStorage:
    """A storage that a stream names apart from its bytes."""

    dtype: torch.dtype
    """What the numbers are."""
    key: str
    """By which its bytes are found."""
    count: int
    """How many numbers."""


def load_from_bytes(machine: PickleMachine, args: tuple[object, ...]) -> StorageView:
    """The storage in a nested legacy stream. Source: the layout that ``torch.save`` wrote before its zip files."""
    if len(args) != 1 or not isinstance(args[0], bytes | memoryview):
        raise CheckpointError("this snapshot is damaged: a tensor's storage is not bytes")
    data = args[0] if isinstance(args[0], memoryview) else memoryview(bytearray(args[0]))

    position = 0
    values: list[object] = []
    for _ in range(5):
        nested = PickleMachine(data, {}, machine.budget, start=position, persistent=announce_storage)
        values.append(nested.run())
        position = nested.position

    magic, protocol, system, storage, keys = values
    if magic != LEGACY_MAGIC or protocol != LEGACY_PROTOCOL or not isinstance(system, dict):
        raise CheckpointError("this snapshot is damaged: a tensor's storage is not in torch's legacy layout")
    if system.get("little_endian") is not True:
        raise CheckpointError("this snapshot was written on a big-endian machine: that is not supported")
    if not isinstance(storage, AnnouncedStorage) or keys != [storage.key]:
        raise CheckpointError("this snapshot is damaged: a tensor's storage does not match its list of keys")

    expected = 8 + storage.count * storage.dtype.itemsize
    if len(data) - position != expected or struct.unpack_from("<q", data, position)[0] != storage.count:
        raise CheckpointError(
            f"this snapshot is damaged: a storage of {storage.count} values takes {expected} bytes, "
            f"{len(data) - position} are there"
        )
    return StorageView(storage.dtype, storage.count, data[position + 8 :])


def announce_storage(identity: object) -> AnnouncedStorage:
    """A persistent id of torch's: ('storage', type, key, location, count, view)."""
    if not isinstance(identity, tuple) or len(identity) not in (5, 6) or identity[0] != "storage":
        raise CheckpointError("this snapshot is damaged: a tensor's storage is described in an unknown way")
    kind, key, count = identity[1], identity[2], identity[4]
    if len(identity) == 6 and identity[5] is not None:
        raise CheckpointError("this snapshot holds views between storages, as torch wrote before 2018: not supported")
    if not isinstance(kind, Symbol) or kind.module not in ("torch", "torch.cuda", "torch.storage"):
        raise CheckpointError(f"this snapshot holds a storage of an unknown kind: {_shown(kind)}")
    if kind.name not in STORAGE_DTYPES:
        raise CheckpointError(f"this snapshot holds a storage of kind {kind}: not supported")
    if not isinstance(key, str) or type(count) is not int or not 0 <= count < 2**48:
        raise CheckpointError("this snapshot is damaged: a tensor's storage has an impossible size")
    return AnnouncedStorage(STORAGE_DTYPES[kind.name], key, count)


def rebuild_tensor(machine: PickleMachine, args: tuple[object, ...]) -> Tensor:
    """``torch._utils._rebuild_tensor_v2(storage, offset, size, stride, ...)``: a view of the storage."""
    if len(args) < 4 or not isinstance(args[0], StorageView):
        raise CheckpointError("this snapshot is damaged: a tensor lacks its storage")
    storage, offset, size, stride = args[:4]
    if not isinstance(size, tuple) or not isinstance(stride, tuple) or len(size) != len(stride):
        raise CheckpointError("this snapshot is damaged: a tensor's size and stride do not match")
    if len(size) > MAX_DIMENSIONS or not all(type(n) is int and 0 <= n < 2**31 for n in (offset, *size, *stride)):
        raise CheckpointError("this snapshot is damaged: a tensor has an impossible size, stride or offset")

    # Python's integers do not overflow, so these are the true extents.
    count, last = 1, int(offset)
    for length, step in zip(size, stride, strict=True):
        count *= length
        last += (length - 1) * step
    if count == 0:
        return torch.empty(size, dtype=storage.dtype)
    if last >= storage.count or count > storage.count:
        raise CheckpointError(
            f"this snapshot is damaged: a tensor of size {list(size)} reaches past its {storage.count} stored values"
        )
    return _flat(machine, storage).as_strided(size, stride, offset)


def _flat(machine: PickleMachine, storage: StorageView) -> Tensor:
    """All numbers of a storage, one dimension."""
    if storage.dtype is torch.bool:
        # Bytes other than 0 and 1 are no valid truth values: compare instead of trusting them.
        machine.budget.charge(storage.count)
        return torch.frombuffer(storage.raw, dtype=torch.uint8).ne(0)
    return torch.frombuffer(storage.raw, dtype=storage.dtype)


def rebuild_parameter(machine: PickleMachine, args: tuple[object, ...]) -> Tensor:
    """``torch._utils._rebuild_parameter(tensor, requires_grad, hooks)``: the tensor."""
    if not args or not isinstance(args[0], Tensor):
        raise CheckpointError("this snapshot is damaged: a parameter lacks its tensor")
    return args[0]


def _shown(value: object) -> str:
    """A short name of a value that may be anything."""
    return str(value)[:80] if isinstance(value, Symbol) else type(value).__name__
