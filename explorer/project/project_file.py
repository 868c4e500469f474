"""Projects in one file: a zip of ``project.json`` (versioned, data only) and ``blobs/<sha256>.npy``.

Nothing in a project is ever executed. Sizes are checked before anything is read, hashes after.
"""

import hashlib
import io
import json
import zipfile
import zlib
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import Path
from typing import NoReturn

from explorer.errors import ProjectFileError
from explorer.project.atomic import write_atomically
from explorer.project.blobs import BlobStore, npy_bytes
from explorer.state import BlobRef, EditState, History, Point
from explorer.state.serialize import (
    decode_history,
    decode_points,
    decode_state,
    encode_history,
    encode_points,
    encode_state,
)

__all__ = ["VERSION", "Project", "load_project", "looks_like_project", "references", "save_project"]

VERSION = 4
_FORMAT = "latent-explorer-project"
_LARGEST_JSON = 256 * 2**20
_LARGEST_BLOB = 64 * 2**20 + 4096
_LARGEST_TOTAL = 2 * 2**30
_MOST_ENTRIES = 100_000
# A fixed time in the archive: the same project gives the same bytes.
_TIME = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Project:
    """What a project file holds."""

    state: EditState
    """What was shown, which may not be committed yet."""
    history: History
    """Every step, with all branches."""
    blobs: BlobStore = field(default_factory=BlobStore, compare=False)
    """The arrays that the states refer to."""
    points: tuple[Point, ...] = ()
    """What a person saved to come back to."""


def save_project(project: Project, path: str | Path) -> None:
    """Write a project, replacing the file at once or not at all.

    Raises:
        ProjectFileError: The file cannot be written, or a state refers to an array that is not there.
    """
    path = Path(path)
    content = _packed(project)
    try:
        write_atomically(path, content)
    except OSError as error:
        raise ProjectFileError(f"{path} cannot be written: {error.strerror or error}") from error


def load_project(path: str | Path) -> Project:
    """Read a project.

    Raises:
        ProjectFileError: The file is missing, no project, of a newer version, damaged or hostile.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return _unpacked(archive, path)
    except FileNotFoundError:
        raise ProjectFileError(f"{path} does not exist") from None
    except zipfile.BadZipFile as error:
        raise ProjectFileError(_what_it_is(path, error)) from None
    except OSError as error:
        raise ProjectFileError(f"{path} cannot be read: {error.strerror or error}") from None
    except (zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # Damaged streams, unknown compression and encrypted entries; recursion ends here too.
        raise ProjectFileError(f"{path} is damaged: {error}: take an older copy") from None


def looks_like_project(path: str | Path) -> bool:
    """Whether a file is a zip that holds ``project.json``, by content, not by name."""
    try:
        with zipfile.ZipFile(path) as archive:
            return "project.json" in archive.namelist()
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError):
        return False


def _packed(project: Project) -> bytes:
    document = {
        "format": _FORMAT,
        "version": VERSION,
        "state": encode_state(project.state),
        "history": encode_history(project.history),
        "points": encode_points(project.points),
    }
    wanted = references((project.state, project.history, project.points))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        text = json.dumps(document, allow_nan=False, separators=(",", ":"))
        archive.writestr(zipfile.ZipInfo("project.json", _TIME), text, zipfile.ZIP_DEFLATED)
        for reference in wanted:
            content = npy_bytes(project.blobs.get(reference))
            archive.writestr(zipfile.ZipInfo(f"blobs/{reference.sha256}.npy", _TIME), content, zipfile.ZIP_STORED)
    return buffer.getvalue()


def _unpacked(archive: zipfile.ZipFile, path: Path) -> Project:
    entries = {info.filename: info for info in archive.infolist()}
    if "project.json" not in entries:
        raise ProjectFileError(f"{path} is a zip archive, but no project: it has no project.json")
    total = sum(info.file_size for info in archive.infolist())
    if len(archive.infolist()) > _MOST_ENTRIES or total > _LARGEST_TOTAL:
        raise ProjectFileError(f"{path} would unpack to {total} bytes in {len(archive.infolist())} files: refused")
    document = _json(_entry(archive, entries["project.json"], _LARGEST_JSON, path), path)
    state, history = decode_state(document.get("state")), decode_history(document.get("history"))
    # The first version had no points.
    points = decode_points(document.get("points", []))
    wanted = references((state, history, points))
    blobs = BlobStore()
    for reference in wanted:
        info = entries.get(f"blobs/{reference.sha256}.npy")
        if info is None:
            raise ProjectFileError(f"{path} lacks the array {reference.sha256[:12]}...: take an older copy")
        content = _entry(archive, info, _LARGEST_BLOB, path)
        if hashlib.sha256(content).hexdigest() != reference.sha256:
            raise ProjectFileError(f"{path} is damaged: the array {reference.sha256[:12]}... is not what it was")
        blobs.put_bytes(content)
    return Project(state, history, blobs, points)


def _entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int, path: Path) -> bytes:
    if info.file_size > limit:
        raise ProjectFileError(f"{path}: {info.filename} says it holds {info.file_size} bytes, over {limit}: refused")
    with archive.open(info) as stream:
        # The declared size may be a lie, so never take more than the limit.
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise ProjectFileError(f"{path}: {info.filename} holds over {limit} bytes: refused")
    return content


def _json(content: bytes, path: Path) -> dict[str, object]:
    try:
        document = json.loads(content, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ProjectFileError(f"{path} is damaged: project.json is not valid: {error}") from None
    if not isinstance(document, dict) or document.get("format") != _FORMAT:
        raise ProjectFileError(f"{path} is no project of Latent Explorer: its project.json is something else")
    version = document.get("version")
    if type(version) is not int or version < 1:
        raise ProjectFileError(f"{path} has the project version {str(version)[:40]!r}: expected a whole number from 1")
    if version > VERSION:
        raise ProjectFileError(f"{path}: this project was made by a newer Latent Explorer (version {version}): update")
    if unknown := sorted(set(document) - {"format", "version", "state", "history", "points"}):
        raise ProjectFileError(f"{path}: project.json has the unknown field {unknown[0][:40]!r}")
    return document


def _refuse_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is no number")


def references(value: object) -> dict[BlobRef, None]:
    """Every array that a value of the state's types refers to, each once, in order."""
    found: dict[BlobRef, None] = {}
    _find_references(value, found)
    return found


def _find_references(value: object, found: dict[BlobRef, None]) -> None:
    if isinstance(value, BlobRef):
        found[value] = None
    elif isinstance(value, tuple):
        for item in value:
            _find_references(item, found)
    elif is_dataclass(value):
        for part in fields(value):
            _find_references(getattr(value, part.name), found)


def _what_it_is(path: Path, error: zipfile.BadZipFile) -> str:
    with path.open("rb") as file:
        start = file.read(8)
    kinds = {
        b"\xff\xd8\xff": "a JPEG picture",
        b"\x89PNG": "a PNG picture",
        b"PK": "a damaged project",
        b"\x80": "a pickle, perhaps a checkpoint",
    }
    kind = next((name for magic, name in kinds.items() if start.startswith(magic)), "something else")
    if kind == "a damaged project":
        return f"{path} is a damaged project (cut short, or changed: {error}): take an older copy"
    return f"{path} is {kind}, not a project: a project is a .latent file that Latent Explorer saved"
