"""Training runs and models in a folder, and how far and how good each is, without opening any of them.

What a run's folder looks like: docs/training.md for ours. The published trainers of StyleGAN2-ADA, StyleGAN3 and
StyleGAN-XL write ``network-snapshot-KIMG.pkl`` and ``metric-NAME.jsonl``, those before them ``metric-NAME.txt``.
"""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["FoundModel", "Run", "find_runs", "read_run"]

_OURS = re.compile(r"snapshot-(\d{1,15})\.safetensors")
_PUBLISHED = re.compile(r"network-(?:snapshot|final)(?:-(\d{1,9}))?\.pkl|best_model\.pkl")
_MODELS = (".pkl", ".pt", ".pth", ".safetensors")
_METRIC_LINE = re.compile(r"^(network-\S+)\s+time\b.*?\s(\w+)\s+(\d+(?:\.\d+)?)\s*$")

# Nobody keeps runs deeper, and a person who chooses the root of a disk gets an answer.
_DEEPEST = 8
_MOST_FOLDERS = 50_000
_LEAST_BYTES = 4096
_MOST_HEADER = 4 << 20
_MOST_LOG = 64 << 20


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A file that looks like a model."""

    path: Path
    """Where it is."""
    size_bytes: int
    """Of the file."""
    changed_s: float
    """When it was written, in seconds since 1970."""
    kimg: float | None = None
    """Thousands of pictures shown in training, as its name or its header says."""
    metrics: tuple[tuple[str, float], ...] = ()
    """Measured quality by name, as the run's log or its header says."""
    licence: str = ""
    """As its header says."""


@dataclass(frozen=True, slots=True)
class Run:
    """A folder with models in it."""

    folder: Path
    """Where it is."""
    is_training: bool
    """Whether a trainer wrote them, one after the other."""
    models: tuple[FoundModel, ...]
    """The newest first: the one that came furthest, or else the one written last."""


def find_runs(folder: Path) -> Iterator[Run | None]:
    """Look for models in a folder and in those below it; hidden ones, and links to folders, are left out.

    Yields:
        A run, or ``None`` where a folder holds no model: a moment to stop.

    Raises:
        OSError: The folder itself cannot be read.
    """
    waiting, seen = [(folder, 0)], 0
    while waiting and seen < _MOST_FOLDERS:
        place, depth = waiting.pop(0)
        seen += 1
        try:
            run, below = read_run(place)
        except OSError:
            if depth == 0:
                raise
            continue
        if depth < _DEEPEST:
            waiting += [(path, depth + 1) for path in below]
        yield run


def read_run(folder: Path) -> tuple[Run | None, list[Path]]:
    """The models that lie in a folder itself, and the folders in it, by name.

    Raises:
        OSError: The folder cannot be read.
    """
    files: dict[str, os.stat_result] = {}
    below = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            try:
                if entry.is_dir(follow_symlinks=False):
                    below.append(Path(entry.path))
                elif entry.is_file():
                    files[entry.name] = entry.stat()
            except OSError:
                continue
    below.sort(key=lambda path: path.name.casefold())
    metrics = _logged(folder, files)
    found = [_found(folder / name, about, metrics.get(name, {})) for name, about in files.items() if _fits(name, about)]
    if not any(found):
        return None, below
    models = sorted((model for model in found if model is not None), key=_oldest_last)
    is_training = any(_OURS.fullmatch(name) or _PUBLISHED.fullmatch(name) for name in files)
    return Run(folder, is_training, tuple(models)), below


def _oldest_last(model: FoundModel) -> tuple[bool, float, float]:
    return model.kimg is None, -(model.kimg or 0), -model.changed_s


def _fits(name: str, about: os.stat_result) -> bool:
    return Path(name).suffix.lower() in _MODELS and about.st_size >= _LEAST_BYTES


def _found(path: Path, about: os.stat_result, metrics: dict[str, float]) -> FoundModel | None:
    card: dict[str, object] = {}
    kimg: float | None = None
    if ours := _OURS.fullmatch(path.name):
        kimg = int(ours[1]) / 1000
    elif (published := _PUBLISHED.fullmatch(path.name)) and published[1]:
        kimg = float(published[1])
    if path.suffix.lower() == ".safetensors" and not metrics:
        header = _card(path)
        if header is None:
            return None
        card = header
        metrics = _numbers(card.get("metrics"))
        number = card.get("kimg")
        kimg = float(number) if kimg is None and isinstance(number, int | float) else kimg
    licence = card.get("licence")
    return FoundModel(
        path,
        about.st_size,
        about.st_mtime,
        kimg,
        tuple(metrics.items()),
        licence if isinstance(licence, str) else "",
    )


def _card(path: Path) -> dict[str, object] | None:
    """The card in a header of ours; ``None`` in files of anybody else."""
    try:
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            header = json.loads(file.read(length)) if 2 <= length <= _MOST_HEADER else None
        about = json.loads(header["__metadata__"]["latent_explorer"]) if isinstance(header, dict) else None
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None
    if not isinstance(about, dict):
        return None
    card = about.get("card")
    return card if isinstance(card, dict) else {}


def _logged(folder: Path, files: dict[str, os.stat_result]) -> dict[str, dict[str, float]]:
    """What logs say about each file, by its name."""
    metrics: dict[str, dict[str, float]] = {}
    for name, about in sorted(files.items()):
        if about.st_size > _MOST_LOG:
            continue
        if name == "log.jsonl":
            for line in _objects(folder / name):
                if line.get("event") == "snapshot":
                    line = {key: value for key, value in line.items() if key != "shown"}
                    metrics.setdefault(str(line.get("file")), {}).update(_numbers(line))
        elif name.startswith("metric-") and name.endswith(".jsonl"):
            for line in _objects(folder / name):
                metrics.setdefault(str(line.get("snapshot_pkl")), {}).update(_numbers(line.get("results")))
        elif name.startswith("metric-") and name.endswith(".txt"):
            for text in _lines(folder / name):
                if match := _METRIC_LINE.match(text):
                    metrics.setdefault(f"{match[1]}.pkl", {})[match[2]] = float(match[3])
    return metrics


def _numbers(values: object) -> dict[str, float]:
    pairs = values.items() if isinstance(values, dict) else ()
    return {
        str(name): float(value) for name, value in pairs if isinstance(value, int | float) and type(value) is not bool
    }


def _objects(path: Path) -> Iterator[dict[str, object]]:
    for text in _lines(path):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, dict):
            yield value


def _lines(path: Path) -> Iterator[str]:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            yield from file
    except OSError:
        return
