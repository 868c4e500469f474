"""Public models that are known: where they are, whose terms they are under and how large: `assets/known-models.json`.

Facts from their authors' pages. Sizes are reckoned from the networks that such a file holds. Nothing is fetched here.
A list of the same form in the settings folder, `known-models.json`, stands before it: models of a team, or a mirror.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import platformdirs

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
        entries = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(entries, list):
            raise TypeError("it is no list")
        models = tuple(KnownModel(**{**entry, "resolution": tuple(entry["resolution"])}) for entry in entries)
    except (OSError, ValueError, TypeError, LookupError) as error:
        raise CheckpointError(f"the list of public models, {path.name}, cannot be read ({error}): {advice}") from error
    return models
