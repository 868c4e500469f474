"""Public models that are known: where they are, whose terms they are under and how large: `assets/known-models.json`.

Facts from their authors' pages. Sizes are reckoned from the networks that such a file holds. Nothing is fetched here.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import CheckpointError

__all__ = ["KnownModel", "known_models"]

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


def known_models(path: Path = _FILE) -> tuple[KnownModel, ...]:
    """Every public model that is known, in the file's order.

    Raises:
        CheckpointError: The list that came with the program is missing or damaged.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(entries, list):
            raise TypeError("it is no list")
        models = tuple(KnownModel(**{**entry, "resolution": tuple(entry["resolution"])}) for entry in entries)
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise CheckpointError(
            f"the list of public models, {path.name}, cannot be read ({error}): install again"
        ) from error
    return models
