"""Public models that are known: where they are, whose terms they are under and how large: `assets/known-models.json`.

Facts from their authors' pages. Sizes are reckoned from the networks that such a file holds. Nothing is fetched here.
A list of the same form in the settings folder, `known-models.json`, stands before it: models of a team, or a mirror.
"""

import json
from dataclasses import dataclass, fields
from pathlib import Path

import platformdirs

from explorer.errors import CheckpointError

__all__ = ["KnownModel", "known_models"]

_LARGEST = 2**20
_FILE = Path(__file__).resolve().parents[2] / "assets" / "known-models.json"


@dataclass(frozen=True, slots=True)
class KnownModel:
    """A public model."""

    name: str
    """For a person: what made it, what it shows, its size."""
    family: str
    """As in `GeneratorSpec.family`."""
    resolution: tuple[int, int]
    """Height and width, in pixels."""
    licence: str
    """Whose terms its weights are under."""
    about_mb: int | None
    """About so many million bytes; ``None`` where it is not known."""
    address: str
    """What opens it: an address for `explorer.remote.parse_address`, or ``pip:PACKAGE`` for a package that holds it."""
    page: str
    """Where its authors tell of it."""

    @property
    def opens(self) -> bool:
        """Whether the address opens by itself; a package is installed by hand, and its folder opened."""
        return not self.address.startswith("pip:")

    @property
    def size_words(self) -> str:
        """How large the file is, in words."""
        return "size unknown" if self.about_mb is None else f"about {self.about_mb} MB"


def known_models(path: Path | None = None) -> tuple[KnownModel, ...]:
    """Every public model that is known, in the files' order, a person's own list first.

    Args:
        path: One list alone.

    Raises:
        CheckpointError: A list is damaged, or the one that came with the program is missing.
    """
    if path is not None:
        return _read(path, "install again")
    own = Path(platformdirs.user_config_dir("latent-explorer", appauthor=False)) / _FILE.name
    mine = _read(own, f"mend or remove {own}") if own.exists() else ()
    return (*mine, *_read(_FILE, "install again"))


def _read(path: Path, advice: str) -> tuple[KnownModel, ...]:
    try:
        if not path.is_file():
            # A pipe could be waited on for ever.
            raise ValueError("it is no file")
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise ValueError(f"it is larger than {_LARGEST} bytes")
        entries = json.loads(data)
        if not isinstance(entries, list):
            raise ValueError("it is no list")
        return tuple(_model(entry, number) for number, entry in enumerate(entries, start=1))
    except RecursionError:
        reason = "it is nested too deeply"
    except (OSError, ValueError) as error:
        reason = str(error)
    raise CheckpointError(f"the list of public models, {path.name}, cannot be read ({reason}): {advice}")


def _model(entry: object, number: int) -> KnownModel:
    """A model as the list has it.

    Raises:
        ValueError: A field is missing, of another type or unknown.
    """
    names = [field.name for field in fields(KnownModel)]
    if not isinstance(entry, dict) or set(entry) != set(names):
        raise ValueError(f"entry {number} has not just these: {', '.join(names)}")
    size, about_mb = entry["resolution"], entry["about_mb"]
    if not isinstance(size, list) or len(size) != 2 or not all(_is_count(side) for side in size):
        raise ValueError(f"resolution of entry {number} is not [height, width] in pixels")
    if about_mb is not None and not _is_count(about_mb):
        raise ValueError(f"about_mb of entry {number} is neither a whole number nor null")
    for name in names:
        if name not in ("resolution", "about_mb") and not isinstance(entry[name], str):
            raise ValueError(f"{name} of entry {number} is no text")
    return KnownModel(**{**entry, "resolution": (size[0], size[1])})


def _is_count(value: object) -> bool:
    # In Python, True is an int.
    return type(value) is int and value > 0
