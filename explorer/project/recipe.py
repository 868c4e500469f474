"""Pictures that know how they were made: a PNG with the state, its arrays and its model's hash in a text chunk.

Reading never decodes the picture and never executes anything; sizes are checked before memory is taken.
"""

import base64
import io
import json
import zlib
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, NoReturn

from explorer.errors import ProjectFileError, StateError
from explorer.project.atomic import write_atomically
from explorer.project.blobs import BlobStore, npy_bytes
from explorer.project.project_file import VERSION, references
from explorer.state import CheckpointRef, EditState
from explorer.state.serialize import decode_state, encode_state

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Recipe", "looks_like_picture", "read_recipe", "save_picture"]

_KEYWORD = "latent-explorer"
_FORMAT = "latent-explorer-recipe"
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LARGEST_TEXT = 64 * 2**20
_MOST_CHUNKS = 100_000


@dataclass(frozen=True, slots=True)
class Recipe:
    """What a picture was made from."""

    state: EditState
    """What was shown."""
    blobs: BlobStore = field(default_factory=BlobStore, compare=False)
    """The arrays that it refers to."""


def save_picture(pixels: "npt.NDArray[np.uint8]", path: str | Path, recipe: Recipe | None = None) -> None:
    """Write ``[H, W, C]`` as a PNG, at once or not at all, with the recipe inside.

    In the recipe, a path below the person's own folder is kept without that folder's name.

    Raises:
        StateError: The picture's channels are neither grey, RGB nor RGBA.
        ProjectFileError: The recipe refers to an array that is not there.
        OSError: The file cannot be written.
    """
    from PIL import Image
    from PIL.PngImagePlugin import PngInfo

    if pixels.shape[2] not in (1, 3, 4):
        raise StateError(f"a picture of {pixels.shape[2]} channels cannot be a PNG: 1, 3 and 4 can")
    information = PngInfo()
    if recipe is not None:
        information.add_itxt(_KEYWORD, _text(recipe), zip=True)
    buffer = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG", pnginfo=information)
    write_atomically(Path(path), buffer.getvalue())


def looks_like_picture(path: str | Path) -> bool:
    """Whether a file is a PNG, by content, not by name."""
    try:
        with Path(path).open("rb") as file:
            return file.read(len(_SIGNATURE)) == _SIGNATURE
    except OSError:
        return False


def read_recipe(path: str | Path) -> Recipe:
    """Read what a picture was made from.

    Raises:
        ProjectFileError: The file is missing, no PNG, without a recipe, of a newer version, damaged or hostile.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            text = _find_text(file, path)
    except FileNotFoundError:
        raise ProjectFileError(f"{path} does not exist") from None
    except OSError as error:
        raise ProjectFileError(f"{path} cannot be read: {error.strerror or error}") from None
    return _recipe(text, path)


def _text(recipe: Recipe) -> str:
    state = recipe.state
    if state.checkpoint is not None:
        state = replace(state, checkpoint=_without_home(state.checkpoint))
    arrays = {
        reference.sha256: base64.b64encode(npy_bytes(recipe.blobs.get(reference))).decode()
        for reference in references(state)
    }
    document = {"format": _FORMAT, "version": VERSION, "state": encode_state(state), "arrays": arrays}
    return json.dumps(document, allow_nan=False, separators=(",", ":"))


def _without_home(reference: CheckpointRef) -> CheckpointRef:
    # Pictures are passed around, and a folder is often called like its owner.
    try:
        inside = Path(reference.hint).relative_to(Path.home())
    except (ValueError, RuntimeError):
        return reference
    return replace(reference, hint=f"~/{inside.as_posix()}")


def _find_text(file: BinaryIO, path: Path) -> bytes:
    if file.read(len(_SIGNATURE)) != _SIGNATURE:
        raise ProjectFileError(f"{path} is not a PNG picture, so it cannot hold a recipe")
    for _ in range(_MOST_CHUNKS):
        head = file.read(8)
        if len(head) < 8 or head[4:] == b"IEND":
            raise ProjectFileError(
                f"{path} is a picture without a recipe: Latent Explorer did not save it, or another program "
                "has taken the recipe out. Open a picture that was saved here"
            )
        length = int.from_bytes(head[:4], "big")
        if head[4:] != b"iTXt":
            file.seek(length + 4, io.SEEK_CUR)
            continue
        if length > _LARGEST_TEXT:
            raise ProjectFileError(f"{path} says it holds a text of {length} bytes, over {_LARGEST_TEXT}: refused")
        body, check = file.read(length), file.read(4)
        if len(body) < length or int.from_bytes(check, "big") != zlib.crc32(b"iTXt" + body):
            raise ProjectFileError(f"{path} is damaged (cut short, or changed): take another copy")
        if body.startswith(_KEYWORD.encode() + b"\0"):
            return _unpacked(body, path)
    raise ProjectFileError(f"{path} is in over {_MOST_CHUNKS} pieces: refused")


def _unpacked(body: bytes, path: Path) -> bytes:
    # Keyword, NUL, whether compressed, how, language, NUL, translated keyword, NUL, text.
    flags, rest = body[len(_KEYWORD) + 1 : len(_KEYWORD) + 3], body[len(_KEYWORD) + 3 :]
    parts = rest.split(b"\0", 2)
    if len(parts) != 3 or flags not in (b"\0\0", b"\1\0"):
        raise ProjectFileError(f"{path} is damaged: its recipe is not a PNG text")
    if flags[0] == 0:
        return parts[2]
    unpacker = zlib.decompressobj()
    try:
        text = unpacker.decompress(parts[2], _LARGEST_TEXT)
    except zlib.error as error:
        raise ProjectFileError(f"{path} is damaged: its recipe does not unpack ({error})") from None
    if unpacker.unconsumed_tail or not unpacker.eof:
        raise ProjectFileError(f"{path}: its recipe is cut short, or over {_LARGEST_TEXT} bytes: refused")
    return text


def _recipe(text: bytes, path: Path) -> Recipe:
    try:
        document = json.loads(text, parse_constant=_refuse_constant)
        if not isinstance(document, dict) or document.get("format") != _FORMAT:
            raise ProjectFileError(f"{path}: the recipe in this picture is something else")
        version = document.get("version")
        if type(version) is not int or version < 1:
            raise ProjectFileError(f"{path} has the recipe version {str(version)[:40]!r}: expected a number from 1")
        if version > VERSION:
            raise ProjectFileError(f"{path}: this picture is of a newer Latent Explorer (version {version}): update")
        if unknown := sorted(set(document) - {"format", "version", "state", "arrays"}):
            raise ProjectFileError(f"{path}: the recipe has the unknown field {unknown[0][:40]!r}")
        state = decode_state(document.get("state"))
    except (ValueError, RecursionError) as error:
        raise ProjectFileError(f"{path} is damaged: its recipe is not valid: {str(error)[:120]}") from None
    return Recipe(state, _arrays(state, document.get("arrays"), path))


def _arrays(state: EditState, document: object, path: Path) -> BlobStore:
    if not isinstance(document, dict):
        raise ProjectFileError(f"{path} is damaged: its recipe has no arrays")
    blobs = BlobStore()
    for reference in references(state):
        content = document.get(reference.sha256)
        try:
            array = base64.b64decode(content, validate=True) if isinstance(content, str) else b""
        except ValueError:
            array = b""
        if not array or blobs.put_bytes(array) != reference:
            raise ProjectFileError(f"{path} is damaged: the array {reference.sha256[:12]}... is missing or changed")
    return blobs


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")
