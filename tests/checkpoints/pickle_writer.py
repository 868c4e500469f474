"""Write pickle streams opcode by opcode, snapshots' and hostile ones, without the code that they name."""

import struct
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Global:
    """A name in the stream."""

    module: str
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """REDUCE of a global with arguments, with an optional BUILD."""

    target: Global
    args: tuple[object, ...]
    state: object = None


@dataclass(frozen=True, slots=True)
class NewObject:
    """NEWOBJ of a class without arguments, filled with items or built from a state."""

    target: Global
    items: dict[str, object] | None = None
    state: object = None


@dataclass(frozen=True, slots=True)
class Persistent:
    """A persistent id."""

    identity: tuple[object, ...]


STORAGE_NAMES = {
    torch.float32: "FloatStorage",
    torch.float64: "DoubleStorage",
    torch.float16: "HalfStorage",
    torch.bfloat16: "BFloat16Storage",
    torch.int64: "LongStorage",
    torch.uint8: "ByteStorage",
    torch.bool: "BoolStorage",
}


class PickleWriter:
    """Writes values to a file. Protocol 4 uses STACK_GLOBAL and MEMOIZE, protocols 2 and 3 GLOBAL and BINPUT."""

    def __init__(self, file: BinaryIO, *, protocol: int = 4, numpy_package: str = "numpy._core") -> None:
        self.file = file
        self.protocol = protocol
        self.multiarray = f"{numpy_package}.multiarray"
        self.memo: dict[object, int] = {}
        self._count = 0

    def dump(self, value: object) -> None:
        """One whole pickle."""
        self.memo, self._count = {}, 0
        self.file.write(bytes([0x80, self.protocol]))
        self.write(value)
        self.file.write(b".")

    def write(self, value: object) -> None:
        """Push one value."""
        out = self.file.write
        if value is None or isinstance(value, bool):
            out({None: b"N", True: b"\x88", False: b"\x89"}[value])
        elif isinstance(value, int):
            self._integer(value)
        elif isinstance(value, float):
            out(b"G" + struct.pack(">d", value))
        elif isinstance(value, str | Global):
            self._remembered(value)
        elif isinstance(value, bytes | memoryview):
            out(b"B" + struct.pack("<I", len(value)))
            out(value)
        elif isinstance(value, tuple):
            self._marked(value, b"t")
        elif isinstance(value, list):
            out(b"]")
            self._marked(value, b"e")
        elif isinstance(value, dict):
            out(b"}")
            self._items(value)
        elif isinstance(value, set):
            self._set(value)
        elif isinstance(value, Call | NewObject):
            self._object(value)
        elif isinstance(value, Persistent):
            self.write(value.identity)
            out(b"Q")
        elif isinstance(value, Tensor):
            self._tensor(value)
        elif isinstance(value, np.ndarray | np.generic):
            self._numpy(value)
        else:
            raise TypeError(f"cannot write a {type(value).__name__}")

    def _integer(self, value: int) -> None:
        if -(2**31) <= value < 2**31:
            self.file.write(b"J" + struct.pack("<i", value))
            return
        raw = value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True)
        self.file.write(bytes([0x8A, len(raw)]) + raw)

    def _remembered(self, value: str | Global) -> None:
        if value in self.memo:
            self.file.write(b"j" + struct.pack("<I", self.memo[value]))
            return
        if isinstance(value, str):
            raw = value.encode()
            self.file.write(b"X" + struct.pack("<I", len(raw)) + raw)
        elif self.protocol >= 4:
            self.write(value.module)
            self.write(value.name)
            self.file.write(b"\x93")
        else:
            self.file.write(f"c{value.module}\n{value.name}\n".encode())
        self.file.write(b"\x94" if self.protocol >= 4 else b"r" + struct.pack("<I", self._count))
        self.memo[value] = self._count
        self._count += 1

    def _marked(self, values: tuple[object, ...] | list[object], close: bytes) -> None:
        self.file.write(b"(")
        for value in values:
            self.write(value)
        self.file.write(close)

    def _items(self, values: dict[object, object]) -> None:
        self._marked([part for pair in values.items() for part in pair], b"u")

    def _set(self, values: set[object]) -> None:
        if self.protocol >= 4:
            self.file.write(b"\x8f")
            self._marked(list(values), b"\x90")
        else:
            self.write(Call(Global("builtins", "set"), (list(values),)))

    def _object(self, value: Call | NewObject) -> None:
        self.write(value.target)
        self.write(value.args if isinstance(value, Call) else ())
        self.file.write(b"R" if isinstance(value, Call) else b"\x81")
        if isinstance(value, NewObject) and value.items:
            self._items(value.items)
        if value.state is not None:
            self.write(value.state)
            self.file.write(b"b")

    def _tensor(self, tensor: Tensor) -> None:
        """A plain tensor, its storage nested as torch's legacy stream."""
        self.write(Global("torch._utils", "_rebuild_tensor_v2"))
        self.file.write(b"(")
        self.write(Global("torch.storage", "_load_from_bytes"))
        head, raw = storage_stream(tensor)
        length = len(head) + raw.nbytes
        wide = length >= 2**32
        self.file.write(b"(" + (b"\x8e" + struct.pack("<Q", length) if wide else b"B" + struct.pack("<I", length)))
        self.file.write(head)
        self.file.write(raw.data)
        self.file.write(b"tR")
        for part in (0, tuple(tensor.shape), tuple(tensor.contiguous().stride()), False, ordered_dict()):
            self.write(part)
        self.file.write(b"tR")

    def _numpy(self, value: np.ndarray | np.generic) -> None:
        order = (3, "<", None, None, None, -1, -1, 0)
        kind = Call(Global("numpy", "dtype"), (value.dtype.str[1:], False, True), order)
        if isinstance(value, np.generic):
            self.write(Call(Global(self.multiarray, "scalar"), (kind, value.tobytes())))
            return
        state = (1, value.shape, kind, False, value.tobytes())
        self.write(Call(Global(self.multiarray, "_reconstruct"), (Global("numpy", "ndarray"), (0,), b"b"), state))


def ordered_dict() -> Call:
    """An empty ordered dictionary, of which a module's state holds a dozen."""
    return Call(Global("collections", "OrderedDict"), ())


def storage_stream(tensor: Tensor) -> tuple[bytes, np.ndarray]:
    """torch's legacy stream of a tensor's values: what comes before them, and the values as bytes."""
    out = BytesIO()
    writer = PickleWriter(out, protocol=2)
    key, count = "94238413599456", tensor.numel()
    writer.dump(0x1950A86A20F9469CFC6C)
    writer.dump(1001)
    writer.dump(
        {"protocol_version": 1001, "little_endian": True, "type_sizes": {"short": 2, "int": 4, "long": 4}},
    )
    writer.dump(Persistent(("storage", Global("torch", STORAGE_NAMES[tensor.dtype]), key, "cpu", count, None)))
    writer.dump([key])
    out.write(struct.pack("<q", count))
    return out.getvalue(), tensor.detach().contiguous().reshape(-1).view(torch.uint8).numpy()
