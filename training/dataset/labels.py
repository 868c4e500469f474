"""Classes of pictures: from a dataset.json, from folders, or from a CSV file."""

import csv
import io
import posixpath
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from explorer.errors import DatasetError
from training.dataset.sources import Source

__all__ = ["Labels", "find_labels"]

_FILE_COLUMNS = ("file", "filename", "file_name", "path", "image", "name")
_CLASS_COLUMNS = ("label", "class", "category", "class_name")
_MOST_CLASSES = 100_000


@dataclass(frozen=True, slots=True)
class Labels:
    """A class for every picture that has one."""

    classes: dict[str, int]
    """By the picture's name in its source."""
    names: tuple[str, ...]
    """One a class; empty where they have none."""
    origin: str
    """Where they come from, for the report."""

    def of(self, name: str) -> int | None:
        """The class of a picture or of a video's frame."""
        return self.classes.get(name.partition("#")[0])


def find_labels(source: Source, wanted: str) -> Labels | None:
    """Classes as ``Options.labels`` asks for.

    Raises:
        DatasetError: There are none where some were asked for, or they cannot be understood.
    """
    if wanted == "none":
        return None
    if wanted == "auto":
        pairs = source.description.get("labels")
        return _from_description(pairs, source) if pairs else None
    if wanted == "folders":
        return _from_folders(source)
    return _from_csv(wanted, source)


def _from_folders(source: Source) -> Labels:
    folders = {name: posixpath.dirname(name) for name in source.names}
    names = sorted({folder for folder in folders.values() if folder})
    if len(names) < 2:
        raise DatasetError(
            f"{source.name} has no folders that could be classes: put each class into a folder of its own, or "
            "leave --labels folders out"
        )
    return Labels({name: names.index(folder) for name, folder in folders.items() if folder}, tuple(names), "folders")


def _from_description(pairs: Any, source: Source) -> Labels:
    names = source.description.get("class_names") or ()
    wrong = f"'labels' in dataset.json of {source.name} are not pairs of a file and a whole number from 0"
    try:
        classes = {str(name): label for name, label in pairs}
    except (TypeError, ValueError) as error:
        raise DatasetError(wrong) from error
    if not all(isinstance(label, int) and 0 <= label < _MOST_CLASSES for label in classes.values()):
        raise DatasetError(f"{wrong}: leave them out with --labels none, or mend them")
    if not isinstance(names, list | tuple) or not all(isinstance(name, str) for name in names):
        raise DatasetError(f"'class_names' in dataset.json of {source.name} is not a list of names")
    return Labels(classes, tuple(names) if len(names) > max(classes.values()) else (), "dataset.json")


def _from_csv(file: str, source: Source) -> Labels:
    text = source.text(file) if not Path(file).is_file() else None
    if text is None:
        try:
            text = Path(file).read_text(encoding="utf-8-sig", errors="replace")
        except OSError as error:
            raise DatasetError(f"the labels {file} cannot be read: {error.strerror or error}") from error
    found = dict(_rows(text, file))
    by_base = Counter(posixpath.basename(name) for name in source.names)
    # A full path first; a bare name where only one picture has it.
    named = {
        name: found.get(name, found.get(base) if by_base[base := posixpath.basename(name)] == 1 else None)
        for name in source.names
    }
    labelled = {name: label for name, label in named.items() if label is not None}
    if not labelled:
        raise DatasetError(f"no file that {file} names is among the pictures of {source.name}")
    names = _class_names(labelled.values())
    if names is None:
        return Labels({name: int(label) for name, label in labelled.items()}, (), file)
    return Labels({name: names.index(label) for name, label in labelled.items()}, names, file)


def _rows(text: str, file: str) -> Iterable[tuple[str, str]]:
    lines = [line for line in csv.reader(io.StringIO(text)) if line]
    if not lines or len(lines[0]) < 2:
        raise DatasetError(f"{file} has no two columns: write a file and its class in each line")
    head = [cell.strip().lower() for cell in lines[0]]
    file_column = next((head.index(name) for name in _FILE_COLUMNS if name in head), None)
    class_column = next((head.index(name) for name in _CLASS_COLUMNS if name in head), None)
    if file_column is None or class_column is None:
        file_column, class_column = 0, 1
    else:
        lines = lines[1:]
    for number, line in enumerate(lines, start=1):
        if len(line) <= max(file_column, class_column):
            raise DatasetError(f"line {number} of {file} has {len(line)} columns: a file and its class are wanted")
        yield line[file_column].strip().replace("\\", "/").removeprefix("./"), line[class_column].strip()


def _class_names(labels: Iterable[str]) -> tuple[str, ...] | None:
    """Classes in order; ``None`` where they are numbers from 0 already."""
    seen = set(labels)
    if all(label.isdecimal() for label in seen) and max(int(label) for label in seen) < _MOST_CLASSES:
        return None
    return tuple(sorted(seen))
