"""Where a person's text encoders lie: one folder for each kind, remembered from run to run."""

import json
from pathlib import Path

import platformdirs

from explorer.project.atomic import write_atomically

__all__ = ["keep_text_folder", "text_folders"]

_FILE = "text-encoders.json"
_MOST_BYTES = 1 << 16


def text_folders(settings: Path | None = None) -> dict[str, Path]:
    """Folders by the kind of encoder; what cannot be read is as if it were never chosen.

    Args:
        settings: Where settings are; the platform's place for them when ``None``.
    """
    try:
        with open(_path(settings), "rb") as file:
            value = json.loads(file.read(_MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    pairs = value.items() if isinstance(value, dict) else ()
    return {kind: Path(folder) for kind, folder in pairs if isinstance(folder, str) and folder}


def keep_text_folder(kind: str, folder: Path, settings: Path | None = None) -> None:
    """Remember a folder.

    Raises:
        OSError: It cannot be written down.
    """
    path = _path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    folders = {**text_folders(settings), kind: folder.absolute()}
    write_atomically(path, json.dumps({name: str(place) for name, place in folders.items()}, indent=2).encode())


def _path(settings: Path | None) -> Path:
    return (settings or Path(platformdirs.user_config_dir("latent-explorer", appauthor=False))) / _FILE
