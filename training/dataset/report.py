"""What a data set is like, for people and for programs."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from explorer.project.atomic import write_atomically

__all__ = ["Report", "report_paths", "save_report"]

THUMB = 64
"""Pixels of a thumbnail's side."""
_COLUMNS = 12
# Thumbnails of each kind.
_MOST = {"sample": 48, "duplicate": 24, "grey": 12, "small": 12}


@dataclass(slots=True, kw_only=True)
class Report:
    """Everything by the pictures' names in their source."""

    source: str
    out: str | None = None
    """The zip, or ``None`` where nothing was written."""
    size: tuple[int, int]
    """Height and width of every picture in the zip."""
    colour: str
    found: int = 0
    """Pictures looked at."""
    pictures: int = 0
    """Pictures in the zip, mirror images included."""
    skipped: list[dict[str, str]] = field(default_factory=list)
    """``name``, ``kind`` (unreadable, small, unlabelled, duplicate) and ``text`` of each left out."""
    duplicates: list[list[str]] = field(default_factory=list)
    """Groups that look alike, the first one first."""
    grey: list[str] = field(default_factory=list)
    """Pictures without colour, where most have some."""
    classes: list[dict[str, Any]] = field(default_factory=list)
    """``name`` and ``count`` of each, those without pictures too."""
    labels: str = "none"
    """Where classes come from."""
    changed: dict[str, int] = field(default_factory=dict)
    """How many pictures were turned upright, converted, ...; by what was done."""
    notes: list[str] = field(default_factory=list)
    """Advice, a sentence each."""
    kept: list[str] = field(default_factory=list)
    """The pictures of the zip."""
    thumbnails: list[dict[str, Any]] = field(default_factory=list)
    """``kind`` (sample, duplicate, grey, small), ``name`` and ``box`` (x, y, width, height) on the sheet."""

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        hidden = {"kept"}
        return {name: getattr(self, name) for name in self.__slots__ if name not in hidden}

    def lines(self) -> list[str]:
        """For a terminal."""
        height, width = self.size
        lines = [f"{self.pictures} pictures of {width} x {height} ({self.colour}) from {self.found} in {self.source}"]
        for kind, what in _SKIPPED.items():
            names = [entry for entry in self.skipped if entry["kind"] == kind]
            if names:
                lines.append(f"skipped, {what}: {len(names)}")
                lines += [f"  {entry['name']}: {entry['text']}" for entry in names[:8]]
                lines += [f"  and {len(names) - 8} more"] if len(names) > 8 else []
        if self.duplicates:
            count = sum(len(group) - 1 for group in self.duplicates)
            lines.append(f"look like another: {count}, as {' = '.join(self.duplicates[0][:3])}")
        if self.grey:
            lines.append(f"grey among colour: {len(self.grey)}, as {self.grey[0]}")
        if self.classes:
            counts = ", ".join(f"{entry['name']} {entry['count']}" for entry in self.classes[:20])
            more = f" and {len(self.classes) - 20} more" if len(self.classes) > 20 else ""
            lines.append(f"{len(self.classes)} classes from {self.labels}: {counts}{more}")
        lines += [f"{what}: {count}" for what, count in sorted(self.changed.items())]
        return lines + self.notes


_SKIPPED = {
    "unreadable": "cannot be read",
    "small": "too small",
    "unlabelled": "without a class",
    "duplicate": "look like another",
}


def report_paths(path: Path) -> tuple[Path, Path]:
    """The report of a zip (or of any name) and its sheet of thumbnails."""
    base = path.name.removesuffix(".zip").removesuffix(".json").removesuffix(".report")
    return path.with_name(f"{base}.report.json"), path.with_name(f"{base}.report.png")


def save_report(report: Report, path: Path, picture: Callable[[str], Image.Image | None]) -> None:
    """Write the report as JSON, and its thumbnails on one sheet beside it.

    Args:
        report: Gets its `thumbnails`.
        path: See `report_paths`.
        picture: A picture of the source by name; ``None`` where it cannot be had again.
    """
    json_path, sheet_path = report_paths(path)
    wanted: Mapping[str, list[str]] = {
        "sample": report.kept[:: max(len(report.kept) // _MOST["sample"], 1)],
        "duplicate": [name for group in report.duplicates for name in group[:4]],
        "grey": report.grey,
        "small": [entry["name"] for entry in report.skipped if entry["kind"] == "small"],
    }
    thumbs = []
    for kind, names in wanted.items():
        for name in names[: _MOST[kind]]:
            if (image := picture(name)) is not None:
                thumbs.append((kind, name, image))
    report.thumbnails = [
        {"kind": kind, "name": name, "box": [i % _COLUMNS * THUMB, i // _COLUMNS * THUMB, THUMB, THUMB]}
        for i, (kind, name, _) in enumerate(thumbs)
    ]
    if thumbs:
        write_atomically(sheet_path, _sheet([image for _, _, image in thumbs]))
    else:
        sheet_path.unlink(missing_ok=True)
    write_atomically(json_path, (json.dumps(report.to_dict(), indent=1) + "\n").encode())


def _sheet(images: list[Image.Image]) -> bytes:
    from training.dataset.pictures import encode

    lines = -(-len(images) // _COLUMNS)
    sheet = Image.new("RGB", (_COLUMNS * THUMB, lines * THUMB), (24, 24, 24))
    for i, image in enumerate(images):
        small = image.convert("RGBA")
        # Small pictures keep hard pixels, so that one sees what the network will.
        way = Image.Resampling.NEAREST if max(small.size) < THUMB else Image.Resampling.LANCZOS
        factor = THUMB / max(small.size)
        small = small.resize([max(round(side * factor), 1) for side in small.size], way)  # type: ignore[arg-type]
        x, y = i % _COLUMNS * THUMB, i // _COLUMNS * THUMB
        sheet.paste(small, (x + (THUMB - small.width) // 2, y + (THUMB - small.height) // 2), small)
    return encode(np.asarray(sheet), "png")
