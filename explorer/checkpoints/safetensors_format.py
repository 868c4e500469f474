"""Latent Explorer's own files: safetensors, with the networks' options in the header.

Header metadata has one entry of ours, ``latent_explorer``: JSON text with ``version``, ``generator``,
``discriminator`` and ``text_encoder`` (each ``{family, config}``), ``card`` and ``extra``. Tensors are named
``generator.*``, ``discriminator.*``, ``text_encoder.*`` and ``extra.*``, each network's as in its ``state_dict``.

Source: the container is described at huggingface.co/docs/safetensors: 8 bytes of header length, JSON, raw values.
"""

import json
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from explorer.errors import CheckpointError

__all__ = ["FORMAT_VERSION", "Header", "decode", "encode_header", "is_own", "read_header"]

FORMAT_VERSION = 1
METADATA_KEY = "latent_explorer"

MAX_HEADER_BYTES = 32 << 20
MAX_TENSORS = 100_000
MAX_DIMENSIONS = 8

_DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_NAMES = {dtype: name for name, dtype in _DTYPES.items()}


@dataclass(frozen=True, slots=True)
class TensorEntry:
    """Where one tensor lies."""

    dtype: torch.dtype
    shape: tuple[int, ...]
    start: int
    """Offset behind the header, in bytes."""
    stop: int


@dataclass(frozen=True, slots=True)
class Header:
    """A header that was checked against the size of its file."""

    tensors: Mapping[str, TensorEntry]
    """By name."""
    metadata: Mapping[str, Any]
    """What our entry holds."""
    data_start: int
    """Where the values begin in the file, in bytes."""


def encode_header(tensors: Mapping[str, Tensor], metadata: Mapping[str, object]) -> bytes:
    """The header, its length in front, for tensors that follow in the order given."""
    body = {METADATA_KEY: json.dumps({"version": FORMAT_VERSION, **metadata}, allow_nan=False)}
    header: dict[str, object] = {"__metadata__": {"format": "pt", **body}}
    position = 0
    for name, tensor in tensors.items():
        if tensor.dtype not in _NAMES:
            raise CheckpointError(f"the tensor {name} is of type {tensor.dtype}, which cannot be saved")
        offsets = [position, position + tensor.nbytes]
        header[name] = {"dtype": _NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": offsets}
        position += tensor.nbytes
    text = json.dumps(header, separators=(",", ":")).encode()
    # Padded with spaces so that the values start at a multiple of 64 bytes.
    text += b" " * (-(8 + len(text)) % 64)
    return len(text).to_bytes(8, "little") + text


def is_own(data: memoryview) -> bool:
    """Whether a file's header says that Latent Explorer wrote it; what is no header at all says nothing."""
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(MAX_HEADER_BYTES, len(data) - 8):
        return True  # `read_header` says what is wrong.
    about = _parse(bytes(data[8 : 8 + length])).get("__metadata__")
    return isinstance(about, dict) and METADATA_KEY in about


def read_header(data: memoryview, *, foreign: bool = False) -> Header:
    """Check a whole file's header: every tensor lies inside it and none overlaps another.

    Args:
        data: The whole file.
        foreign: Take a file of anybody's, whose metadata is then not read.

    Raises:
        CheckpointError: It is damaged, foreign, or of a newer version.
    """
    length = int.from_bytes(data[:8], "little")
    if len(data) < 8 or length > min(MAX_HEADER_BYTES, len(data) - 8):
        raise CheckpointError("this safetensors file is cut short or damaged: download or copy it again")
    header = _parse(bytes(data[8 : 8 + length]))
    about = header.pop("__metadata__", None)
    metadata = {} if foreign else _metadata(about)
    if len(header) > MAX_TENSORS:
        raise CheckpointError(f"this safetensors file claims {len(header):,} tensors: refused")
    tensors = {name: _entry(name, value) for name, value in header.items()}

    end = 0
    for name, entry in sorted(tensors.items(), key=lambda item: (item[1].start, item[1].stop)):
        if entry.start != end:
            raise CheckpointError(f"this safetensors file is damaged: the tensor {name[:120]} overlaps or leaves a gap")
        end = entry.stop
    if end != len(data) - 8 - length:
        raise CheckpointError(
            f"this safetensors file is cut short or damaged: its tensors take {end} bytes, "
            f"{len(data) - 8 - length} are there"
        )
    return Header(tensors, metadata, 8 + length)


def _parse(text: bytes) -> dict[str, Any]:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made = dict(pairs)
        if len(made) != len(pairs):
            raise ValueError("a name appears twice")
        return made

    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number")

    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=unique, parse_constant=refuse)
    except (ValueError, RecursionError):
        raise CheckpointError("this safetensors file is damaged: its header cannot be read") from None
    if not isinstance(header, dict):
        raise CheckpointError("this safetensors file is damaged: its header is not an object")
    return header


def _metadata(value: object) -> dict[str, Any]:
    text = value.get(METADATA_KEY) if isinstance(value, dict) else None
    if not isinstance(text, str):
        raise CheckpointError(
            "this safetensors file was not made by Latent Explorer and does not say what its tensors are: "
            "open the published .pkl snapshot and convert it with `convert`"
        )
    metadata = _parse(text.encode("utf-8", "replace"))
    version = metadata.get("version")
    if type(version) is not int or version < 1:
        raise CheckpointError("this safetensors file is damaged: it has no version")
    if version > FORMAT_VERSION:
        raise CheckpointError(f"this file was made by a newer Latent Explorer (format {version}): update to open it")
    return metadata


def _entry(name: str, value: object) -> TensorEntry:
    damaged = CheckpointError(f"this safetensors file is damaged: the tensor {name[:120]} is described wrongly")
    if not isinstance(value, dict) or not isinstance(value.get("dtype"), str):
        raise damaged
    shape, offsets = value.get("shape"), value.get("data_offsets")
    if not _whole_numbers(shape, MAX_DIMENSIONS) or not _whole_numbers(offsets, 2) or len(offsets) != 2:
        raise damaged
    dtype = _DTYPES.get(value["dtype"])
    if dtype is None:
        raise CheckpointError(f"this safetensors file holds a tensor of type {value['dtype'][:20]}: not supported")
    if offsets[1] - offsets[0] != math.prod(shape) * dtype.itemsize:
        raise damaged
    return TensorEntry(dtype, tuple(shape), offsets[0], offsets[1])


def _whole_numbers(value: object, most: int) -> bool:
    if not isinstance(value, list) or len(value) > most:
        return False
    return all(type(number) is int and 0 <= number < 2**48 for number in value)


def decode(data: memoryview, header: Header, prefix: str, *, half_to_float: bool) -> dict[str, Tensor]:
    """The tensors whose names start with ``prefix``, which is taken off, as views of ``data`` where possible.

    Args:
        data: The whole file, writable.
        header: From `read_header`.
        prefix: ``generator.``.
        half_to_float: Make float32 of half precision.
    """
    if sys.byteorder != "little":
        raise CheckpointError("this machine is big-endian: its checkpoints cannot be read here")
    tensors = {}
    for name, entry in header.tensors.items():
        if name.startswith(prefix):
            raw = data[header.data_start + entry.start : header.data_start + entry.stop]
            tensor = _tensor(raw, entry)
            half = half_to_float and tensor.dtype in (torch.float16, torch.bfloat16)
            tensors[name.removeprefix(prefix)] = tensor.float() if half else tensor
    return tensors


def _tensor(raw: memoryview, entry: TensorEntry) -> Tensor:
    if not len(raw):
        return torch.empty(entry.shape, dtype=entry.dtype)
    if entry.dtype is torch.bool:
        # Bytes other than 0 and 1 are no valid truth values: compare instead of trusting them.
        return torch.frombuffer(raw, dtype=torch.uint8).ne(0).reshape(entry.shape)
    return torch.frombuffer(raw, dtype=entry.dtype).reshape(entry.shape)
