"""What a person calls the directions of a model, and the layers that each is used on: one small JSON file.

It lies among the settings, by the hash of the model: a direction is a property of the model, found anew from it every
time, so a name given to it once is right in every project that shows this model. A project still carries the names of
the sliders that it uses (`Slider.name`), for machines that do not know them.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from explorer.project.atomic import write_atomically
from widgets.slider_edits import Basis, Layers

__all__ = ["NAME_LENGTH", "DirectionBook", "Entry", "decode", "encode"]

VERSION = 1
NAME_LENGTH = 60
"""How long a name may be, in letters."""
_LARGEST_INDEX = 2**20
_LARGEST_LAYER = 4095

Place = tuple[Basis, int]
Book = dict[str, dict[Place, "Entry"]]


@dataclass(frozen=True, slots=True)
class Entry:
    """What is remembered about one direction."""

    name: str = ""
    """What a person calls it; empty for none."""
    layers: Layers = None
    """Rows of ``w_plus`` that its slider moves; all when ``None``."""


class DirectionBook:
    """The names of this person and their file.

    Args:
        path: Of the file; it need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._book: Book = {}
        self.problem = ""
        """What a person should be told about the file; empty when nothing is wrong."""
        try:
            self._book = decode(path.read_text("utf-8"))
        except FileNotFoundError:
            pass
        except (OSError, ValueError) as error:
            aside = path.with_name(f"{path.stem}-kept{path.suffix}")
            try:
                path.replace(aside)
                kept = f"the file is kept as {aside.name}"
            except OSError:
                kept = f"{path} stays as it is"
            self.problem = f"The names of directions cannot be read ({error}): they start anew, {kept}."

    def find(self, model: str, basis: Basis, index: int) -> Entry | None:
        """What is remembered about a direction of a model, by its hash; ``None`` when nothing is."""
        return self._book.get(model, {}).get((basis, index))

    def named(self, model: str) -> tuple[Place, ...]:
        """The directions of a model that have a name, principal ones first."""
        places = (place for place, entry in self._book.get(model, {}).items() if entry.name)
        return tuple(sorted(places, key=lambda place: (place[0] == "axis", place[1])))

    def keep(self, model: str, basis: Basis, index: int, entry: Entry) -> None:
        """Remember something, and write the file."""
        if self.find(model, basis, index) == entry:
            return
        self._book.setdefault(model, {})[basis, index] = entry
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path, encode(self._book).encode())
        except OSError as error:
            self.problem = f"Names cannot be remembered, {self._path}: {error.strerror or error}"

    def take_problem(self) -> str:
        """What is wrong with the file, told once; empty when nothing is."""
        problem, self.problem = self.problem, ""
        return problem


def encode(book: Mapping[str, Mapping[Place, Entry]]) -> str:
    """As JSON."""
    models = {
        model: {
            f"{basis}/{index}": {"name": entry.name, "layers": None if entry.layers is None else list(entry.layers)}
            for (basis, index), entry in sorted(entries.items())
        }
        for model, entries in book.items()
    }
    return json.dumps({"version": VERSION, "models": models}, indent=1, ensure_ascii=False) + "\n"


def decode(text: str) -> Book:
    """What `encode` wrote.

    Raises:
        ValueError: It is no JSON object, of a newer version, or holds what cannot be.
    """
    try:
        document = json.loads(text)
    except ValueError:
        raise ValueError("it is damaged") from None
    if not isinstance(document, dict) or type(document.get("version")) is not int:
        raise ValueError("it is damaged")
    if document["version"] > VERSION:
        raise ValueError(f"a newer version of the app wrote it ({document['version']})")
    models = document.get("models")
    if not isinstance(models, dict) or not all(isinstance(entries, dict) for entries in models.values()):
        raise ValueError("it is damaged")
    return {model: {_place(key): _entry(value) for key, value in entries.items()} for model, entries in models.items()}


def _place(key: str) -> Place:
    basis, _, index = key.partition("/")
    if basis not in ("pca", "axis") or not (index.isascii() and index.isdigit()) or int(index) > _LARGEST_INDEX:
        raise ValueError(f"it is damaged: {key[:40]!r} is no direction")
    return "pca" if basis == "pca" else "axis", int(index)


def _entry(value: object) -> Entry:
    name, layers = (value.get("name"), value.get("layers")) if isinstance(value, dict) else (None, None)
    if not isinstance(name, str) or len(name) > NAME_LENGTH:
        raise ValueError("it is damaged: a name is no short text")
    if layers is None:
        return Entry(name)
    if not isinstance(layers, list) or not all(type(row) is int and 0 <= row <= _LARGEST_LAYER for row in layers):
        raise ValueError("it is damaged: layers are no list of numbers")
    return Entry(name, tuple(sorted(set(layers))))
