"""Where fetched files are kept: a folder for each address, with the file, and what is known of it as JSON.

``NAME`` is whole and was checked; ``NAME.part`` is on its way. ``about.json`` belongs to the whole one,
``part.json`` to the other.
"""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import platformdirs

from explorer.project.atomic import write_atomically
from explorer.remote.address import Address

__all__ = ["Known", "Slot", "cache_folder", "cached_by_hash", "downloaded", "slot_of"]

_MOST_BYTES = 1 << 16


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a file that is kept."""

    url: str = ""
    """Where it is from, without what may be secret."""
    etag: str = ""
    """The server's name for this version of it."""
    size: int = 0
    """In bytes; of the whole file, as far as the server said; 0 where it did not."""
    sha256: str = ""
    """Of the whole file."""

    @classmethod
    def read(cls, path: Path) -> "Known":
        """From a file; empty where it is missing or damaged, since it can be fetched again."""
        try:
            with open(path, "rb") as file:
                value = json.loads(file.read(_MOST_BYTES))
        except (OSError, ValueError, RecursionError):
            return cls()
        kinds = {field.name: field.type for field in fields(cls)}
        if not isinstance(value, dict) or value.keys() != kinds.keys():
            return cls()
        right = all(type(value[name]) is kind for name, kind in kinds.items())
        return cls(**value) if right and value["size"] >= 0 else cls()

    def write(self, path: Path) -> None:
        """To a file, whole or not at all."""
        write_atomically(path, json.dumps(asdict(self), indent=2).encode())


@dataclass(frozen=True, slots=True)
class Slot:
    """The place of one address."""

    folder: Path
    name: str

    @property
    def whole(self) -> Path:
        """The file."""
        return self.folder / self.name

    @property
    def part(self) -> Path:
        """The file while it is on its way."""
        return self.folder / f"{self.name}.part"

    @property
    def about(self) -> Path:
        """What is known of the file."""
        return self.folder / "about.json"

    @property
    def about_part(self) -> Path:
        """What is known of the file on its way."""
        return self.folder / "part.json"

    def known(self) -> Known | None:
        """What is known of the file where it is there and as long as it should be; else ``None``."""
        known = Known.read(self.about)
        try:
            size = self.whole.stat().st_size
        except OSError:
            return None
        return known if known.sha256 and known.size == size else None

    def drop_part(self) -> None:
        """Remove what is on its way."""
        self.part.unlink(missing_ok=True)
        self.about_part.unlink(missing_ok=True)


def cache_folder() -> Path:
    """The platform's place for what can be fetched again."""
    return Path(platformdirs.user_cache_dir("latent-explorer", appauthor=False)) / "downloads"


def slot_of(address: Address, folder: Path | None = None) -> Slot:
    """Where an address's file is kept; another address, another place."""
    key = hashlib.sha256(address.url.encode()).hexdigest()[:20]
    return Slot((folder or cache_folder()) / key, address.name)


def cached_by_hash(sha256: str, folder: Path | None = None) -> Path | None:
    """A fetched file by its hash, without asking anybody; ``None`` when there is none."""
    if not re.fullmatch(r"[0-9a-f]{64}", sha256):
        return None
    return next((path for path, known in _kept(folder or cache_folder()) if known.sha256 == sha256), None)


def _kept(folder: Path) -> Iterator[tuple[Path, Known]]:
    for about in sorted(folder.glob("*/about.json")):
        known = Known.read(about)
        for path in about.parent.iterdir():
            if path.name not in ("about.json", "part.json", "lock") and path.suffix != ".part":
                slot = Slot(about.parent, path.name)
                if slot.known() == known:
                    yield path, known


def downloaded(folder: Path | None = None) -> Mapping[Path, Known]:
    """Every file that is kept whole, and what is known of it."""
    return dict(_kept(folder or cache_folder()))
