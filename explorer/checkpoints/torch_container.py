"""What ``torch.save`` writes: the zip container of today and the legacy stream of before 2020, read as data.

Tensors become views of the file's bytes. Weights need few names, so everything outside `ALLOWED_NAMES` is refused.

Source: the layouts that ``torch.serialization`` documents. Legacy: five pickles (magic number, protocol number, byte
order, object, storage keys), then for each key a count of 8 bytes and the raw values. Zip: ``NAME/data.pkl``, and
``NAME/data/KEY`` for each storage.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from explorer.checkpoints.allowed import SNAPSHOT_CONSTRUCTORS
from explorer.checkpoints.inert import Symbol
from explorer.checkpoints.pickle_machine import Budget, Constructor, PickleMachine
from explorer.checkpoints.torch_values import (
    LEGACY_MAGIC,
    LEGACY_PROTOCOL,
    STORAGE_DTYPES,
    AnnouncedStorage,
    StorageView,
    announce_storage,
)
from explorer.errors import CheckpointError

__all__ = ["read_torch_container"]

MAX_ENTRIES = 200_000
MAX_PICKLE_BYTES = 256 << 20
# Weights hardly shrink. A megabyte is granted on top, so that small files of equal numbers pass.
MOST_EXPANSION = 4
FREE_EXPANSION = 1 << 20

_DAMAGED = "this PyTorch file is damaged: download or copy it again"


def read_torch_container(data: memoryview) -> object:
    """The saved object: dictionaries and lists of tensors, numbers and text.

    Args:
        data: The whole file, writable since tensors become views of it.

    Raises:
        CheckpointError: It is damaged, hostile, or a program and not weights.
    """
    if data[:2] == b"PK":
        return _read_zip(data)
    return _read_legacy(data)


class _Strict(PickleMachine):
    """Refuses every name that weights do not need, instead of making inert data of it."""

    def symbol(self, module: object, name: object) -> Symbol:
        symbol = super().symbol(module, name)
        if symbol not in ALLOWED_NAMES:
            raise CheckpointError(
                f"this PyTorch file asks for {symbol}, which weights do not need: nothing was run; "
                "save the model's state_dict alone, and do not trust a file from elsewhere"
            )
        return symbol


def _constructors() -> Mapping[Symbol, Constructor]:
    nested = Symbol("torch.storage", "_load_from_bytes")
    kept = {
        symbol: constructor
        for symbol, constructor in SNAPSHOT_CONSTRUCTORS.items()
        if symbol != nested and symbol.module.partition(".")[0] not in ("torch_utils",)
    }
    return MappingProxyType({**kept, Symbol("torch", "Size"): _size})


def _size(machine: PickleMachine, args: tuple[object, ...]) -> tuple[object, ...]:
    if len(args) != 1 or not isinstance(args[0], tuple | list):
        raise CheckpointError(_DAMAGED)
    return tuple(args[0])


_CONSTRUCTORS = _constructors()

ALLOWED_NAMES = frozenset(
    {
        *_CONSTRUCTORS,
        *(Symbol("torch", name) for name in STORAGE_DTYPES),
        *(Symbol("torch.storage", name) for name in STORAGE_DTYPES),
        *(Symbol("torch.cuda", name) for name in STORAGE_DTYPES),
        Symbol("argparse", "Namespace"),
        Symbol("builtins", "object"),
        Symbol("numpy", "ndarray"),
        Symbol("pathlib", "PosixPath"),
        Symbol("pathlib", "WindowsPath"),
        Symbol("torch", "device"),
        Symbol("torch", "float16"),
        Symbol("torch", "float32"),
        Symbol("torch", "float64"),
        Symbol("torch", "bfloat16"),
        Symbol("torch", "int64"),
        Symbol("types", "SimpleNamespace"),
    }
)
"""Classes among these that no constructor stands for become inert data, such as training arguments."""


def _read_legacy(data: memoryview) -> object:
    announced: dict[str, AnnouncedStorage] = {}

    def announce(identity: object) -> StorageView:
        storage = announce_storage(identity)
        before = announced.setdefault(storage.key, storage)
        if (before.dtype, before.count) != (storage.dtype, storage.count):
            raise CheckpointError(f"{_DAMAGED} (the storage {storage.key[:40]} is announced in two ways)")
        return StorageView(storage.dtype, storage.count, data[:0])

    # The object comes before its numbers, so it is read twice: first only to learn where they begin.
    position, head = 0, []
    for _ in range(3):
        machine = _Strict(data, _CONSTRUCTORS, Budget(len(data)), start=position)
        head.append(machine.run())
        position = machine.position
    _check_head(head)
    blind = {**_CONSTRUCTORS, **dict.fromkeys(_TENSOR_BUILDERS, _no_tensor)}
    scout = _Strict(data, blind, Budget(len(data)), start=position, persistent=announce)
    scout.run()
    table = _Strict(data, _CONSTRUCTORS, Budget(len(data)), start=scout.position)
    storages = _storages(data, table.run(), announced, table.position)
    machine = _Strict(
        data, _CONSTRUCTORS, Budget(len(data)), start=position, persistent=lambda i: storages[announce_storage(i).key]
    )
    return machine.run()


_TENSOR_BUILDERS = (
    Symbol("torch._utils", "_rebuild_tensor_v2"),
    Symbol("torch._utils", "_rebuild_tensor"),
    Symbol("torch._utils", "_rebuild_parameter"),
    Symbol("torch._utils", "_rebuild_parameter_with_state"),
)


def _no_tensor(machine: PickleMachine, args: tuple[object, ...]) -> None:
    """Stands for a tensor whose numbers are not found yet."""


def _check_head(head: list[object]) -> None:
    magic, protocol, system = head
    if magic != LEGACY_MAGIC or protocol != LEGACY_PROTOCOL or not isinstance(system, dict):
        raise CheckpointError(_DAMAGED)
    if system.get("little_endian") is not True:
        raise CheckpointError("this PyTorch file was written on a big-endian machine: that is not supported")


def _storages(
    data: memoryview, keys: object, announced: Mapping[str, AnnouncedStorage], position: int
) -> dict[str, StorageView]:
    """Every storage's bytes, which follow the object in the order of `keys`."""
    known = isinstance(keys, list) and all(isinstance(key, str) for key in keys)
    if not known or sorted(keys) != sorted(announced):
        raise CheckpointError(f"{_DAMAGED} (its list of storages does not match its tensors)")
    found = {}
    for key in keys:
        storage = announced[key]
        length = storage.count * storage.dtype.itemsize
        if length > len(data) - position - 8 or struct.unpack_from("<q", data, position)[0] != storage.count:
            raise CheckpointError(f"{_DAMAGED} (the storage {key[:40]} should have {length} bytes)")
        found[key] = StorageView(storage.dtype, storage.count, data[position + 8 : position + 8 + length])
        position += 8 + length
    if position != len(data):
        raise CheckpointError(f"{_DAMAGED} ({len(data) - position} bytes follow its last storage)")
    return found


def _read_zip(data: memoryview) -> object:
    archive = _Archive(data)
    pickles = [name for name in archive.names if name == "data.pkl" or name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise CheckpointError(f"this zip archive holds {len(pickles)} pickles named data.pkl: it is no PyTorch file")
    root = pickles[0].removesuffix("data.pkl")
    if any(name.startswith(f"{root}code/") for name in archive.names):
        raise CheckpointError(
            "this file is a TorchScript program, not a checkpoint: save the model's state_dict and open that"
        )
    if f"{root}byteorder" in archive.names and bytes(archive.read(f"{root}byteorder", most=16)) != b"little":
        raise CheckpointError("this PyTorch file was written on a big-endian machine: that is not supported")
    kept: dict[str, StorageView] = {}

    def storage(identity: object) -> StorageView:
        announced = announce_storage(identity)
        view = kept.get(announced.key)
        if view is None:
            length = announced.count * announced.dtype.itemsize
            raw = archive.read(f"{root}data/{announced.key}", most=length)
            if len(raw) != length:
                raise CheckpointError(
                    f"{_DAMAGED} (the storage {announced.key[:40]} should have {length} bytes, {len(raw)} are there)"
                )
            view = kept[announced.key] = StorageView(announced.dtype, announced.count, raw)
        if (view.dtype, view.count) != (announced.dtype, announced.count):
            raise CheckpointError(f"{_DAMAGED} (the storage {announced.key[:40]} is announced in two ways)")
        return view

    stream = archive.read(pickles[0], most=MAX_PICKLE_BYTES)
    return _Strict(stream, _CONSTRUCTORS, Budget(len(stream)), persistent=storage).run()


class _Archive:
    """A zip in memory whose stored entries are views of it, and whose packed ones may not grow without end."""

    def __init__(self, data: memoryview) -> None:
        self._data = data
        self._left = len(data) * MOST_EXPANSION + FREE_EXPANSION
        try:
            with zipfile.ZipFile(_MemoryFile(data)) as archive:
                entries = archive.infolist()
        except _ZIP_FAULTS as error:
            raise CheckpointError(f"{_DAMAGED} ({error})") from None
        if len(entries) > MAX_ENTRIES:
            raise CheckpointError(f"this zip archive has {len(entries):,} entries: refused, no checkpoint needs that")
        self._entries = {entry.filename: entry for entry in entries}
        if len(self._entries) != len(entries):
            raise CheckpointError(f"{_DAMAGED} (two of its entries have one name)")
        self.names = frozenset(self._entries)

    def read(self, name: str, *, most: int) -> memoryview:
        """An entry's bytes, writable; `most` bounds what it may say of its size."""
        entry = self._entries.get(name)
        if entry is None:
            raise CheckpointError(f"{_DAMAGED} (it lacks its part {name[:80]})")
        if entry.file_size > most:
            raise CheckpointError(f"{_DAMAGED} (its part {name[:80]} has {entry.file_size} bytes, at most {most} fit)")
        raw = self._raw(entry)
        if entry.compress_type == zipfile.ZIP_STORED:
            content = raw
        elif entry.compress_type == zipfile.ZIP_DEFLATED:
            content = self._inflated(entry, raw)
        else:
            raise CheckpointError("this PyTorch file is packed in a way that PyTorch does not use: pack it again")
        if len(content) != entry.file_size or zlib.crc32(content) != entry.CRC:
            raise CheckpointError(f"{_DAMAGED} (the checksum of its part {name[:80]} is wrong)")
        return content

    def _raw(self, entry: zipfile.ZipInfo) -> memoryview:
        """The bytes behind an entry's own header, whose name and extra field may have other lengths."""
        start, data = entry.header_offset, self._data
        head = bytes(data[start : start + 30])
        if entry.flag_bits & 1 or len(head) < 30 or head[:4] != b"PK\x03\x04":
            raise CheckpointError(f"{_DAMAGED} (an entry's header is not where it should be)")
        start += 30 + sum(struct.unpack_from("<HH", head, 26))
        if entry.compress_size > len(data) - start:
            raise CheckpointError(f"{_DAMAGED} (an entry reaches past its end)")
        return data[start : start + entry.compress_size]

    def _inflated(self, entry: zipfile.ZipInfo, raw: memoryview) -> memoryview:
        self._left -= entry.file_size
        if self._left < 0:
            raise CheckpointError("this zip archive unpacks to far more than its size: refused as hostile")
        unpacker = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            content = unpacker.decompress(raw, entry.file_size + 1)
        except zlib.error as error:
            raise CheckpointError(f"{_DAMAGED} ({error})") from None
        return memoryview(np.frombuffer(content, np.uint8).copy())


_ZIP_FAULTS: tuple[type[Exception], ...] = (
    zipfile.BadZipFile,
    NotImplementedError,
    OSError,
    OverflowError,
    ValueError,
    struct.error,
)


class _MemoryFile(io.RawIOBase):
    """A file over bytes that are in memory already, without a copy of them."""

    def __init__(self, data: memoryview) -> None:
        super().__init__()
        self._data = data
        self._position = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: len(self._data)}[whence]
        if base + offset < 0:
            raise ValueError("a place before the file's beginning")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: object) -> int:
        target = memoryview(buffer)  # type: ignore[arg-type]
        part = self._data[self._position : self._position + len(target)]
        target[: len(part)] = part
        self._position += len(part)
        return len(part)
