"""What a data set holds, before anybody trains on it: number, sizes, classes, first pictures, problems."""

import io
import json
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from explorer.errors import DatasetError
from explorer.session.job import Job

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["FEW", "DatasetReport", "holds_pictures", "read_report"]

FEW = 100
"""With fewer pictures a model learns them by heart."""
_SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")
_LARGEST_MEMBER = 256 * 2**20
_THUMBNAILS = 24
_SIDE_PX = 96
_NAMED = 3


@dataclass(frozen=True, slots=True, eq=False)
class DatasetReport:
    """A data set at a glance."""

    path: Path
    """The zip, or the folder."""
    name: str
    """What it calls itself, or its file's name."""
    pictures: int
    """How many there are."""
    size: tuple[int, int]
    """Width and height of most of them."""
    mode: str
    """Of most of them: ``RGB``, ``RGBA`` or ``grey``."""
    size_bytes: int
    """Of the zip, or of the folder's pictures."""
    classes: tuple[tuple[str, int], ...] = ()
    """Each class with its number of pictures; empty where there are none."""
    licence: str = ""
    """As it states it."""
    problems: tuple[str, ...] = ()
    """Why it cannot be trained on as it is; empty when it can."""
    notes: tuple[str, ...] = ()
    """What else a person should know."""
    thumbnails: "tuple[npt.NDArray[np.uint8], ...]" = ()
    """The first pictures, ``[h, w, 3]`` each, no side above 96."""
    is_folder: bool = False
    """Whether a data set has to be made of it first."""

    @property
    def can_be_trained_on(self) -> bool:
        """Whether the trainer will take it as it is."""
        return not self.problems and not self.is_folder


def holds_pictures(path: Path) -> bool:
    """Whether a path may be a data set: a zip with pictures in it, or a folder with some in it or just below."""
    try:
        if path.is_dir():
            return next(_in_folder(path, deep=False), None) is not None
        if path.suffix.lower() != ".zip":
            return False
        with zipfile.ZipFile(path) as archive:
            return any(name.lower().endswith(_SUFFIXES) for name in archive.namelist())
    except (OSError, zipfile.BadZipFile):
        return False


def read_report(path: Path, job: Job) -> DatasetReport | None:
    """Look at every picture's head; ``None`` when the job was cancelled.

    Args:
        path: A zip, or a folder.
        job: Told how far it is.

    Raises:
        DatasetError: It is neither, it cannot be read or there is no picture in it.
    """
    try:
        if path.is_dir():
            return _of_folder(path, job)
        with zipfile.ZipFile(path) as archive:
            return _of_zip(archive, path, job)
    except FileNotFoundError as error:
        raise DatasetError(f"There is nothing at {path}.") from error
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        what = "is no zip of pictures" if isinstance(error, zipfile.BadZipFile) else f"cannot be read ({error})"
        raise DatasetError(
            f"{path.name} {what}: choose a zip with PNG, JPEG or WebP pictures, or a folder of them."
        ) from error


@dataclass(frozen=True, slots=True)
class _Head:
    name: str
    size: tuple[int, int]
    mode: str


def _of_zip(archive: zipfile.ZipFile, path: Path, job: Job) -> DatasetReport | None:
    names = sorted(name for name in archive.namelist() if name.lower().endswith(_SUFFIXES))

    def open_member(name: str) -> IO[bytes]:
        if archive.getinfo(name).file_size > _LARGEST_MEMBER:
            raise OSError("too large")
        return archive.open(name)

    description, problems = _description(archive, path)
    return _report(path, names, open_member, job, description=description, problems=problems)


def _of_folder(path: Path, job: Job) -> DatasetReport | None:
    names = sorted(str(found.relative_to(path)) for found in _in_folder(path, deep=True))
    return _report(path, names, lambda name: (path / name).open("rb"), job)


def _in_folder(path: Path, *, deep: bool) -> Iterator[Path]:
    folders = []
    for entry in sorted(path.iterdir()):
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            folders.append(entry)
        elif entry.suffix.lower() in _SUFFIXES:
            yield entry
    for folder in folders:
        yield from _in_folder(folder, deep=True) if deep else _pictures_in(folder)


def _pictures_in(folder: Path) -> Iterator[Path]:
    return (entry for entry in folder.iterdir() if entry.suffix.lower() in _SUFFIXES)


def _report(
    path: Path,
    names: Sequence[str],
    open_picture: Callable[[str], IO[bytes]],
    job: Job,
    *,
    description: dict[str, object] | None = None,
    problems: tuple[str, ...] = (),
) -> DatasetReport | None:
    if not names:
        raise DatasetError(f"{path.name} holds no pictures (PNG, JPEG or WebP).")
    heads: list[_Head] = []
    unreadable: list[str] = []
    thumbnails: list[npt.NDArray[np.uint8]] = []
    size_bytes = 0
    for done, name in enumerate(names):
        if job.cancelled:
            return None
        try:
            with open_picture(name) as file:
                head, small = _look(name, file, thumbnail=len(thumbnails) < _THUMBNAILS)
        except (OSError, ValueError, SyntaxError, zipfile.BadZipFile, RuntimeError):
            unreadable.append(name)
            continue
        heads.append(head)
        thumbnails += [] if small is None else [small]
        if path.is_dir():
            size_bytes += (path / name).stat().st_size
        job.progress = (done + 1) / len(names)
    if not heads:
        raise DatasetError(f"None of the {len(names)} pictures of {path.name} can be read.")
    is_folder, labels = path.is_dir(), (description or {}).get("labels")
    size, mode = (Counter(getattr(head, kind) for head in heads).most_common(1)[0][0] for kind in ("size", "mode"))
    classes, label_problems = _classes(labels, (description or {}).get("class_names"), names)
    found = (*problems, *label_problems, *_problems(heads, unreadable, size, mode, is_folder=is_folder))
    return DatasetReport(
        path=path,
        name=str((description or {}).get("name") or path.stem),
        pictures=len(heads),
        size=size,
        mode=mode,
        size_bytes=size_bytes or path.stat().st_size,
        classes=classes,
        licence=str((description or {}).get("licence") or ""),
        problems=found,
        notes=_notes(len(heads)),
        thumbnails=tuple(thumbnails),
        is_folder=is_folder,
    )


def _look(name: str, file: IO[bytes], *, thumbnail: bool) -> "tuple[_Head, npt.NDArray[np.uint8] | None]":
    from PIL import Image

    # A head is enough, but for those that are shown.
    with Image.open(file if not thumbnail else io.BytesIO(file.read())) as image:
        mode = {"L": "grey", "RGBA": "RGBA"}.get(image.mode, "RGB")
        head = _Head(name, image.size, mode)
        if not thumbnail:
            return head, None
        small = image.convert("RGB")
        small.thumbnail((_SIDE_PX, _SIDE_PX))
        return head, np.asarray(small)


def _problems(
    heads: list[_Head], unreadable: list[str], size: tuple[int, int], mode: str, *, is_folder: bool
) -> tuple[str, ...]:
    found = []
    if len(heads) < 2:
        found.append("One picture is no data set: a model learns from hundreds.")
    if unreadable and not is_folder:
        found.append(f"{_some(unreadable)} cannot be read.")
    for kind, usual in (("size", size), ("mode", mode)):
        others = [head for head in heads if getattr(head, kind) != usual]
        if others and not is_folder:
            first = getattr(others[0], kind)
            is_of, most = (f"{one[0]} × {one[1]}" if isinstance(one, tuple) else str(one) for one in (first, usual))
            found.append(f"{_some([head.name for head in others])}: {is_of}, while most pictures are {most}.")
    return tuple(found)


def _some(names: list[str]) -> str:
    """Names in words: the first of them, and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more:,} more" if more > 0 else "")


def _notes(count: int) -> tuple[str, ...]:
    if 2 <= count < FEW:
        return (f"{count} pictures are few: start from a trained model, with the preset few-shot.",)
    return ()


def _description(archive: zipfile.ZipFile, path: Path) -> tuple[dict[str, object], tuple[str, ...]]:
    if "dataset.json" not in archive.namelist():
        return {}, ()
    if archive.getinfo("dataset.json").file_size > _LARGEST_MEMBER:
        return {}, ("dataset.json is too large.",)
    try:
        description = json.loads(archive.read("dataset.json"))
    except (ValueError, RecursionError):
        return {}, (f"dataset.json in {path.name} is damaged.",)
    return (description, ()) if isinstance(description, dict) else ({}, ("dataset.json holds no object.",))


def _classes(
    labels: object, class_names: object, names: Sequence[str]
) -> tuple[tuple[tuple[str, int], ...], tuple[str, ...]]:
    """Each class with its number of pictures, and what is wrong with the labels."""
    if not labels:
        return (), ()
    try:
        known = {str(name): int(label) for name, label in labels}  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        return (), ("The labels in dataset.json are no pairs of a file and a class.",)
    missing = [name for name in names if name not in known]
    counts = Counter(known[name] for name in names if name in known)
    words = class_names if isinstance(class_names, list) else []
    classes = tuple((str(words[i]) if 0 <= i < len(words) else f"class {i}", counts[i]) for i in sorted(counts))
    return classes, (f"{_some(missing)} have no label.",) if missing else ()
