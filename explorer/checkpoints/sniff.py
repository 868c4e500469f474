"""What a file is, from its first bytes and never from its name, and what to do with it when it is no model."""

import os
import stat
import struct
import zipfile
from pathlib import Path
from typing import Literal

from explorer.errors import CheckpointError

__all__ = ["HEAD_BYTES", "FileKind", "is_openvino", "is_shard_index", "sniff"]

FileKind = Literal["openvino", "pickle", "safetensors", "shards", "torch"]

HEAD_BYTES = 4096

_IMAGE = "open a model, such as a .pkl or a .safetensors file"
_FETCH = "download the checkpoint again"

# (first bytes, what the file is, what to do)
_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"\xff\xd8\xff", "a JPEG picture", _IMAGE),
    (b"\x89PNG\r\n\x1a\n", "a PNG picture", _IMAGE),
    (b"GIF87a", "a GIF picture", "open a model's .pkl or .safetensors file instead"),
    (b"GIF89a", "a GIF picture", "open a model's .pkl or .safetensors file instead"),
    (b"BM", "a BMP picture", _IMAGE),
    (b"II*\x00", "a TIFF picture", _IMAGE),
    (b"MM\x00*", "a TIFF picture", _IMAGE),
    (b"\x00\x00\x01\x00", "an icon", "open a model's .pkl or .safetensors file instead"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM video", "open a model's .pkl or .safetensors file instead"),
    (b"%PDF-", "a PDF document", "open a model's .pkl or .safetensors file instead"),
    (b"\x1f\x8b", "a gzip archive", "unpack it and open the checkpoint inside"),
    (b"BZh", "a bzip2 archive", "unpack it and open the checkpoint inside"),
    (b"\xfd7zXZ\x00", "an xz archive", "unpack it and open the checkpoint inside"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive", "unpack it and open the checkpoint inside"),
    (b"Rar!\x1a\x07", "a RAR archive", "unpack it and open the checkpoint inside"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive", "unpack it and open the checkpoint inside"),
    (b"\x89HDF\r\n\x1a\n", "an HDF5 file (Keras)", "only StyleGAN snapshots and our own safetensors are read"),
    (b"\x93NUMPY", "a NumPy array", "open it as a latent, not as a model"),
    (b"GGUF", "a GGUF language model", "only StyleGAN snapshots and our own safetensors are read"),
    (b"\x7fELF", "a program", "open a model's .pkl or .safetensors file instead"),
    (b"MZ", "a Windows program", "open a model's .pkl or .safetensors file instead"),
    (b"ID3", "an audio file", "open a model's .pkl or .safetensors file instead"),
    (b"OggS", "an Ogg audio or video file", "open a model's .pkl or .safetensors file instead"),
    (b"fLaC", "an audio file", "open a model's .pkl or .safetensors file instead"),
    (b"SQLite format 3\x00", "a database", "open a model's .pkl or .safetensors file instead"),
    (b"version https://git-lfs.github.com/spec/", "a Git LFS pointer without its content", "run `git lfs pull`"),
)

_RIFF = {b"WEBP": ("a WebP picture", _IMAGE), b"AVI ": ("an AVI video", ""), b"WAVE": ("an audio file", "")}

# torch's legacy container starts with its magic number as a pickle of protocol 2.
_TORCH_LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."

_TEXT_BYTES = frozenset(range(32, 256)) | {9, 10, 12, 13, 27}


def sniff(path: Path) -> FileKind:
    """Which reader a file needs.

    Raises:
        CheckpointError: It is not there, cannot be read, or is something else; the message says what and what to do.
    """
    head, size = _read_head(path)
    if size == 0:
        raise CheckpointError(f"this file is empty: {_FETCH}")
    _refuse_signature(head)
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")):
        _refuse_other_zip(path)
        return "torch"
    if _is_safetensors(head, size):
        return "safetensors"
    if head.startswith(_TORCH_LEGACY):
        return "torch"
    if head[0] == 0x80 and len(head) > 1 and head[1] <= 5:
        return "pickle"
    if is_openvino(head):
        return "openvino"
    if is_shard_index(head):
        return "shards"
    _refuse_text(head)
    if head[:1] in (b"}", b"]", b"(", b"c"):
        return "pickle"
    if _is_onnx(head):
        raise _not_a_model("an ONNX model", "open the .pkl or .safetensors file that it was exported from")
    raise CheckpointError(
        f"this file is of an unknown kind (it starts with {head[:8].hex(' ')}): open a StyleGAN .pkl "
        "snapshot, a .pt file of weights, or a .safetensors file of Latent Explorer"
    )


def is_shard_index(head: bytes) -> bool:
    """Whether a file that starts like this is an index of safetensors files."""
    return head.lstrip()[:1] == b"{" and b'"weight_map"' in head


def _not_a_model(what: str, advice: str) -> CheckpointError:
    return CheckpointError(f"this file is {what}, not a checkpoint" + (f": {advice}" if advice else ""))


def _read_head(path: Path) -> tuple[bytes, int]:
    try:
        status = os.stat(path)
        if stat.S_ISDIR(status.st_mode):
            raise CheckpointError(f"{path} is a folder: open the checkpoint file inside it")
        # A pipe or a device could be waited on for ever.
        if not stat.S_ISREG(status.st_mode):
            raise CheckpointError(f"{path} is a device or a pipe, not a file: open a checkpoint file")
        with open(path, "rb") as file:
            return file.read(HEAD_BYTES), status.st_size
    except FileNotFoundError:
        raise CheckpointError(f"{path} does not exist: check the name") from None
    except PermissionError:
        raise CheckpointError(f"{path} may not be read: check its permissions") from None
    except (OSError, ValueError) as error:
        # ValueError: a name with a zero byte in it.
        raise CheckpointError(f"{str(path)[:200]!r} cannot be read: {error}") from None


def _refuse_signature(head: bytes) -> None:
    for start, what, advice in _SIGNATURES:
        if head.startswith(start):
            raise _not_a_model(what, advice)
    if head.startswith(b"RIFF") and head[8:12] in _RIFF:
        raise _not_a_model(*_RIFF[head[8:12]])
    if head[4:8] == b"ftyp":
        picture = head[8:12] in (b"avif", b"heic", b"heix", b"mif1")
        raise _not_a_model(
            "an AVIF or HEIC picture" if picture else "an MP4 or QuickTime video", _IMAGE if picture else ""
        )


def _refuse_other_zip(path: Path) -> None:
    """Refuse a zip that is not PyTorch's."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()[:10_000]
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError, OverflowError, struct.error):
        raise _not_a_model("a damaged zip archive", _FETCH) from None

    if any(name == "data.pkl" or name.endswith("/data.pkl") for name in names):
        return
    if "project.json" in names:
        raise _not_a_model("a Latent Explorer project", "open it with Open project, or give it to `render`")
    if any(name.lower().endswith((".png", ".jpg", ".jpeg", ".webp")) for name in names):
        raise _not_a_model("a zip of pictures, a data set", "train a model on it with python -m training")
    if any(name.endswith(".npy") for name in names):
        raise _not_a_model("a NumPy archive (.npz)", "open it as latents, not as a model")
    if any(name.startswith(("word/", "xl/", "ppt/")) for name in names):
        raise _not_a_model("an office document", "")
    raise _not_a_model("a zip archive", "unpack it and open the checkpoint inside")


def _is_safetensors(head: bytes, size: int) -> bool:
    return len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= size - 8


def is_openvino(head: bytes) -> bool:
    """A graph is an XML document whose root is a net of layers."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")
    return start.startswith((b"<?xml", b"<net ")) and b"<net " in start and b"<layers>" in start


def _refuse_text(head: bytes) -> None:
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<!doctype html", b"<html")) or (start.startswith(b"<") and b"<html" in start[:1000]):
        raise _not_a_model("a web page, probably an error page saved in place of the download", _FETCH)
    if start.startswith((b"<?xml", b"<svg")):
        raise _not_a_model("an XML or SVG document", _FETCH)
    if start.startswith((b'{"', b"{\n", b"{\r", b"{ ", b"{}", b'["', b"[{", b"[\n")):
        raise _not_a_model("a JSON document", "open a model's .pkl or .safetensors file instead")
    # Protocol 0 pickles are text too, and end lines with opcodes: they start with one of these.
    if head[:1] not in (b"(", b"c", b"]", b"}") and all(byte in _TEXT_BYTES for byte in head):
        raise _not_a_model("a text file", _FETCH)
    if head[:1] == b"c" and not head[1:200].partition(b"\n")[0].replace(b".", b"").replace(b"_", b"").isalnum():
        raise _not_a_model("a text file", _FETCH)


def _is_onnx(head: bytes) -> bool:
    """An ONNX file is a protocol buffer: field 1 is a small version, field 2 its producer's name."""
    if len(head) < 8 or head[0] != 0x08 or head[2] != 0x12:
        return False
    name = head[4 : 4 + head[3]]
    return name.isascii() and name.decode("ascii").isprintable()
