"""Where pictures come from: a folder, a zip, a video, or a single picture."""

import json
import posixpath
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from PIL import Image

from explorer.errors import DatasetError
from training.dataset.video import VIDEOS, frames

__all__ = ["PICTURES", "Item", "Source", "open_source"]

PICTURES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".jp2", ".ppm", ".pgm", ".tga", ".avif")
_MAX_MEMBER_BYTES = 512 * 2**20
# What systems leave in folders and zips; no picture of a person's.
_NOT_OURS = ("__MACOSX/", ".")


@dataclass(frozen=True, slots=True)
class Item:
    """One picture that has not been read yet."""

    name: str
    """Path within the source, with ``/``; a frame of a video ends in ``#number``."""
    read: Callable[[], bytes | Image.Image]
    """Its file's content, or a frame. May raise `OSError`, `DatasetError` and what zips raise."""


class Source(Protocol):
    """Pictures in a fixed order."""

    name: str
    """For the data set's name."""
    description: dict[str, Any]
    """The source's dataset.json; empty without one."""
    names: list[str]
    """Of pictures and videos, sorted."""

    def items(self, order: list[str], every: int) -> Iterator[Item]:
        """The pictures of these files; of a video, one frame in ``every``."""

    def text(self, name: str) -> str | None:
        """A file of the source as text; ``None`` where there is none."""


def open_source(path: Path) -> Source:
    """A folder, zip, video or picture.

    Raises:
        DatasetError: There is nothing, or nothing of use.
    """
    if not path.exists():
        raise DatasetError(f"there is nothing at {path}: name a folder, a zip, a video or a picture")
    if path.is_dir():
        return _Folder(path)
    suffix = path.suffix.lower()
    if suffix in (*PICTURES, *VIDEOS):
        return _Folder(path.parent, only=path.name)
    if zipfile.is_zipfile(path):
        return _Zip(path)
    raise DatasetError(f"{path.name} is neither a folder, a zip, a video nor a picture that can be read")


def _wanted(name: str) -> bool:
    base = posixpath.basename(name)
    return name.lower().endswith((*PICTURES, *VIDEOS)) and not base.startswith(_NOT_OURS) and _NOT_OURS[0] not in name


@dataclass(slots=True)
class _Folder:
    path: Path
    only: str | None = None
    name: str = ""
    description: dict[str, Any] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.name = Path(self.only).stem if self.only else self.path.resolve().name
        if self.only is not None:
            self.names = [self.only]
            return
        found = (path.relative_to(self.path).as_posix() for path in self.path.rglob("*") if path.is_file())
        self.names = sorted(name for name in found if _wanted(name))
        self.description = _description(self.text("dataset.json"), self.name)

    def items(self, order: list[str], every: int) -> Iterator[Item]:
        for name in order:
            path = self.path / name
            if name.lower().endswith(VIDEOS):
                yield from _frame_items(name, path, every)
            else:
                yield Item(name, path.read_bytes)

    def text(self, name: str) -> str | None:
        path = self.path / name
        return path.read_text(encoding="utf-8-sig", errors="replace") if path.is_file() else None


@dataclass(slots=True)
class _Zip:
    path: Path
    name: str = ""
    description: dict[str, Any] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    archive: zipfile.ZipFile = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.name = self.path.stem
        try:
            # Open as long as anybody may read a picture, which is later than the last one was named.
            self.archive = zipfile.ZipFile(self.path)
            self.names = sorted(
                info.filename for info in self.archive.infolist() if not info.is_dir() and _wanted(info.filename)
            )
        except (zipfile.BadZipFile, OSError) as error:
            raise DatasetError(f"{self.path.name} is not a zip that can be read: {error}") from error
        self.description = _description(self.text("dataset.json"), self.name)

    def items(self, order: list[str], every: int) -> Iterator[Item]:
        for name in order:
            if name.lower().endswith(VIDEOS):
                yield Item(name, _refuses(f"{name} is a video inside a zip: unpack it first"))
            else:
                yield Item(name, partial(self._read, name))

    def text(self, name: str) -> str | None:
        if name not in self.archive.NameToInfo:
            return None
        try:
            return self._read(name).decode("utf-8-sig", errors="replace")
        except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
            raise DatasetError(f"{name} in {self.path.name} cannot be read: {error}") from error

    def _read(self, name: str) -> bytes:
        # The size in the directory is checked before memory is taken.
        size = self.archive.getinfo(name).file_size
        if size > _MAX_MEMBER_BYTES:
            raise DatasetError(f"{name} claims {size} bytes, and at most {_MAX_MEMBER_BYTES} are read")
        return self.archive.read(name)


def _frame_items(name: str, path: Path, every: int) -> Iterator[Item]:
    try:
        for number, frame in frames(path, every):
            yield Item(f"{name}#{number:06d}", lambda frame=frame: frame)  # type: ignore[misc]
    except DatasetError as error:
        yield Item(name, _refuses(str(error)))


def _refuses(text: str) -> Callable[[], bytes]:
    def read() -> bytes:
        raise DatasetError(text)

    return read


def _description(text: str | None, name: str) -> dict[str, Any]:
    if text is None:
        return {}
    try:
        description = json.loads(text)
    except ValueError as error:
        raise DatasetError(f"dataset.json of {name} is not JSON: {error}; mend it or take it away") from error
    if not isinstance(description, dict):
        raise DatasetError(f"dataset.json of {name} holds a {type(description).__name__}, not an object")
    return description
