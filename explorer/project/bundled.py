"""The models that come with the program: ``assets/models/NAME.safetensors``, each with a card ``NAME.md``."""

from dataclasses import dataclass
from pathlib import Path

from explorer.errors import CheckpointError

__all__ = ["DEFAULT_BUNDLED", "BundledModel", "bundled_models", "find_bundled"]

DEFAULT_BUNDLED = "toons64"
"""What opens when nothing is named; the first by name where it is missing."""

_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "models"


@dataclass(frozen=True, slots=True)
class BundledModel:
    """A model that comes with the program."""

    name: str
    """As in ``bundled:NAME``."""
    title: str
    """For a person: the card's heading."""
    path: Path
    """The checkpoint."""
    card: str
    """What it is, what it was trained on and what it cannot do, in Markdown."""

    @property
    def licence(self) -> str:
        """As the card says; empty where it says none."""
        lines = (line.removeprefix("**Licence**:").strip() for line in self.card.splitlines() if "**Licence**:" in line)
        return next(lines, "")

    @property
    def size_bytes(self) -> int:
        """Of the checkpoint; 0 where it cannot be told."""
        try:
            return self.path.stat().st_size
        except OSError:
            return 0


def bundled_models(folder: Path = _FOLDER) -> tuple[BundledModel, ...]:
    """Every bundled model, the default one first, then by name."""
    paths = sorted(folder.glob("*.safetensors"), key=lambda path: (path.stem != DEFAULT_BUNDLED, path.stem))
    return tuple(_described(path) for path in paths)


def find_bundled(name: str | None = None, folder: Path = _FOLDER) -> BundledModel:
    """One bundled model; the default one without a name.

    Raises:
        CheckpointError: There is none of that name.
    """
    models = bundled_models(folder)
    found = [model for model in models if name in (None, model.name)]
    if not found:
        known = ", ".join(model.name for model in models) or "none"
        raise CheckpointError(f"there is no bundled model {name or DEFAULT_BUNDLED!r}: bundled are {known}")
    return found[0]


def _described(path: Path) -> BundledModel:
    card_path = path.with_suffix(".md")
    card = card_path.read_text(encoding="utf-8") if card_path.exists() else ""
    heading = next((line.removeprefix("# ").strip() for line in card.splitlines() if line.startswith("# ")), "")
    return BundledModel(path.stem, heading or path.stem, path, card)
