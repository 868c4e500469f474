"""From a source to a zip and its report, picture by picture."""

import base64
import errno
import hashlib
import json
import os
import threading
import warnings
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from explorer.errors import DatasetError
from training.dataset.archive import GrowingZip, Record, no_room
from training.dataset.labels import Labels, find_labels
from training.dataset.likeness import Likeness, Likenesses, look
from training.dataset.options import Options
from training.dataset.pictures import BadPictureError, encode, open_picture, prepare, size_of
from training.dataset.report import Report, save_report
from training.dataset.sources import Item, Source, open_source
from training.dataset.video import VIDEOS
from training.sizes import base_of

__all__ = ["Event", "Problem", "Progress", "build", "examine"]

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_AHEAD = 4
"""Pictures that each thread may be ahead of the one that is written."""
_SUGGESTED = (256, 128, 64, 32)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far it is."""

    done: int
    total: int | None
    """``None`` where videos do not say how long they are."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A picture that is left out."""

    name: str
    kind: str
    text: str


Event = Progress | Problem


def build(
    source_path: Path,
    target: Path,
    options: Options,
    *,
    tell: Callable[[Event], None] = lambda event: None,
    report_path: Path | None = None,
) -> Report:
    """Write a zip of equally large pictures with ``dataset.json``, and its report beside it.

    Killed at any instant, the next call with the same source and options goes on; ``target`` is whole or not there.

    Args:
        source_path: A folder, a zip, a video or a picture.
        target: The zip. An old one is replaced at the end.
        options: What to do.
        tell: Called from this thread.
        report_path: Where the report goes; beside the zip without it.

    Raises:
        DatasetError: There is nothing to build from, options do not fit the pictures, or the disk is full.
    """
    if not target.parent.is_dir():
        raise DatasetError(f"{target.parent} is no folder: make it first")
    if target.exists() and source_path.exists() and target.samefile(source_path):
        raise DatasetError(f"{target} is the source: give the new data set another name")
    work = _Work.begin(source_path, options)
    try:
        with GrowingZip(target, work.fingerprint()) as archive:
            report = work.run(tell, archive)
            archive.finish(json.dumps(work.description(archive.records, report)).encode())
        report.out = str(target)
        save_report(report, report_path or target, work.picture)
    except OSError as error:
        if error.errno in _FULL:
            raise no_room(error, target) from error
        raise DatasetError(f"{target} cannot be written: {error.strerror or error}") from error
    return report


def examine(
    source_path: Path,
    options: Options,
    *,
    tell: Callable[[Event], None] = lambda event: None,
    report_path: Path | None = None,
) -> Report:
    """The report of what `build` would write; nothing is written but the report, where a path is given.

    Without a size in the options and with pictures of several, one is suggested and used.

    Raises:
        DatasetError: As `build`.
    """
    work = _Work.begin(source_path, options, suggest=True)
    report = work.run(tell, None)
    if report_path is not None:
        save_report(report, report_path, work.picture)
    return report


@dataclass(slots=True)
class _Work:
    source: Source
    options: Options
    labels: Labels | None
    size: tuple[int, int]
    order: list[str]
    notes: list[str]

    @classmethod
    def begin(cls, path: Path, options: Options, *, suggest: bool = False) -> "_Work":
        with _quiet_pillow():
            source = open_source(path)
            if not source.names:
                raise DatasetError(f"{source.name} holds no pictures: PNG, JPEG, WebP, GIF, TIFF, BMP or videos")
            labels = find_labels(source, options.labels)
            notes: list[str] = []
            size = options.size or _common_size(source, notes, suggest=suggest)
        if labels is not None and len(labels.classes) == 0:
            raise DatasetError(f"no picture of {source.name} has a class")
        return cls(source, options, labels, size, _order(source, options), notes)

    def fingerprint(self) -> str:
        """Changes with all that the zip depends on, as far as can be seen without reading pictures."""
        seen = json.dumps([self.order, self.size, self.options.to_json(), self.labels and self.labels.classes])
        return hashlib.sha256(seen.encode()).hexdigest()

    def run(self, tell: Callable[[Event], None], archive: GrowingZip | None) -> Report:
        records = archive.records if archive else []
        report = Report(
            source=self.source.name, size=self.size, colour=self.options.colour, notes=self.notes,
            labels=self.labels.origin if self.labels else "none",
        )  # fmt: skip
        tally = _Tally(report, self.labels)
        for record in records:
            tally.add(record)
        total = None if any(name.lower().endswith(VIDEOS) for name in self.order) else len(self.order)
        written = sum(len(record["members"]) for record in records)
        items = islice(self.source.items(self.order, self.options.every), len(records), None)
        with _quiet_pillow():
            for record, contents in _in_order(lambda item: self._one(item, archive is not None), items):
                self._decide(record, contents, tally)
                record["members"] = [_member(written + i, self.options.format) for i in range(len(contents))]
                written += len(contents)
                if archive:
                    archive.records.append(record)
                    archive.add(record, contents)
                tally.add(record)
                if record["kind"] != "kept":
                    tell(Problem(record["name"], record["kind"], record["text"]))
                tell(Progress(report.found, total))
        tally.finish(self)
        return report

    def _one(self, item: Item, writes: bool) -> tuple[Record, list[bytes]]:
        """What can be said and made of one picture by itself; runs in several threads."""
        record: Record = {"name": item.name, "kind": "kept", "text": ""}
        try:
            if self.labels is not None and (label := self.labels.of(item.name)) is None:
                raise BadPictureError("unlabelled", f"{self.labels.origin} names no class for it")
            opened = open_picture(item)
            pixels = prepare(opened, self.options, self.size)
        except BadPictureError as error:
            return {**record, "kind": error.kind, "text": str(error)}, []
        likeness = look(pixels)
        record |= {
            "notes": list(opened.notes),
            "grey": _is_grey(pixels),
            "hash": likeness.hash,
            "thumb": base64.b64encode(likeness.thumb).decode(),
            "class": label if self.labels is not None else None,
        }
        shown = [pixels, pixels[:, ::-1]] if self.options.xflip else [pixels]
        return record, [encode(each, self.options.format) if writes else b"" for each in shown]

    def _decide(self, record: Record, contents: list[bytes], tally: "_Tally") -> None:
        """Whether a picture that looks like an earlier one stays."""
        first = tally.like(record) if record["kind"] == "kept" else None
        record["like"] = first
        if first is not None and self.options.drop_duplicates:
            record |= {"kind": "duplicate", "text": f"looks like {tally.names[first]}"}
            contents.clear()

    def description(self, records: list[Record], report: Report) -> dict[str, Any]:
        """The zip's dataset.json; what the source's said of pictures stays with them."""
        kept = [(record, member) for record in records for member in record["members"]]
        before = self.source.description
        about = {entry.get("file"): entry for entry in before.get("images") or [] if isinstance(entry, dict)}
        images = [
            {**about.get(record["name"], {}), "file": member, "source": record["name"]} for record, member in kept
        ]
        labels = [[member, record["class"]] for record, member in kept] if self.labels else None
        carried = {name: value for name, value in before.items() if name not in ("labels", "images", "class_names")}
        names = {"class_names": list(self.labels.names)} if self.labels and self.labels.names else {}
        return {
            "name": self.source.name,
            **carried,
            "size": list(report.size),
            **names,
            "labels": labels,
            "images": images,
        }

    def picture(self, name: str) -> Image.Image | None:
        """A picture of the source once more, as it is in the zip; frames of videos are not looked for again."""
        if "#" in name and name.partition("#")[0].lower().endswith(VIDEOS):
            return None
        try:
            with _quiet_pillow():
                opened = open_picture(next(iter(self.source.items([name], 1))))
        except BadPictureError:
            return None
        pixels = prepare(opened, replace(self.options, enlarge=True), self.size)
        return Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)


class _Tally:
    """Sums over the records so far."""

    def __init__(self, report: Report, labels: Labels | None) -> None:
        self.report, self.labels = report, labels
        self.seen = Likenesses()
        self.names: list[str] = []
        self.groups: dict[int, list[str]] = {}
        self.counts: Counter[int] = Counter()
        self.changed: Counter[str] = Counter()
        self.grey: list[str] = []

    def like(self, record: Record) -> int | None:
        """Which earlier picture, counted from 0, this one looks like."""
        return self.seen.find(_likeness(record))

    def add(self, record: Record) -> None:
        self.report.found += 1
        if record["kind"] in ("kept", "duplicate"):
            self._compare(record)
        if record["kind"] != "kept":
            self.report.skipped.append({key: record[key] for key in ("name", "kind", "text")})
            return
        copies = len(record["members"])
        self.report.pictures += copies
        self.report.kept.append(record["name"])
        self.changed.update(
            note if not note.startswith("first of") else "animated, first frame" for note in record["notes"]
        )
        if record["grey"]:
            self.grey.append(record["name"])
        if record["class"] is not None:
            self.counts[record["class"]] += copies

    def _compare(self, record: Record) -> None:
        first = record["like"]
        if first is None:
            self.seen.add(_likeness(record))
            self.names.append(record["name"])
        else:
            self.groups.setdefault(first, [self.names[first]]).append(record["name"])

    def finish(self, work: _Work) -> None:
        report = self.report
        if report.pictures < 2:
            first = f"; the first: {report.skipped[0]['name']}: {report.skipped[0]['text']}" if report.skipped else ""
            raise DatasetError(
                f"{len(report.kept)} of {report.found} pictures of {report.source} can be used, and a data set needs "
                f"at least 2{first}"
            )
        report.duplicates = list(self.groups.values())
        if len(self.grey) * 2 < len(report.kept):
            report.grey = self.grey
        elif len(self.grey) == len(report.kept) and work.options.colour == "rgb":
            report.notes.append("All pictures are grey: --colour grey makes a smaller model.")
        report.changed = dict(self.changed)
        if self.labels is not None:
            count = max(max(self.counts) + 1, len(self.labels.names))
            names = self.labels.names or tuple(str(number) for number in range(count))
            report.classes = [{"name": name, "count": self.counts[i]} for i, name in enumerate(names)]
        report.notes += _advice(report, work)


def _advice(report: Report, work: _Work) -> Iterator[str]:
    try:
        base_of(report.size)
    except DatasetError as error:
        yield f"The trainer cannot build a network for this size: {error}."
    empty = [entry["name"] for entry in report.classes if entry["count"] == 0]
    if empty:
        yield f"{len(empty)} classes have no pictures: {', '.join(empty[:5])}."
    folders = {name.rpartition("/")[0] for name in work.source.names}
    if work.labels is None and 1 < len(folders - {""}) < len(work.source.names) / 4 and not work.source.description:
        yield f"Pictures lie in {len(folders)} folders: --labels folders makes each a class."
    if report.pictures < 200:
        yield f"{report.pictures} pictures are few: start from a trained model (--resume-from) with --preset few-shot."


def _likeness(record: Record) -> Likeness:
    return Likeness(record["hash"], base64.b64decode(record["thumb"]))


def _is_grey(pixels: np.ndarray) -> bool:
    if pixels.shape[2] == 1:
        return True
    spread = np.ptp(pixels[:, :, :3], axis=2)
    # JPEG gives a grey picture a breath of colour.
    return bool(spread.mean() < 2 and spread.max() < 24)


def _member(number: int, format: str) -> str:
    return f"{number // 1000:05d}/img{number:08d}.{format}"


def _order(source: Source, options: Options) -> list[str]:
    """Names in the order of the zip: mixed by their hashes, but as they are where somebody has ordered them."""
    ordered = bool(source.description) and not source.description.get("labels")
    if options.keep_order or ordered or any(name.lower().endswith(VIDEOS) for name in source.names):
        return source.names
    return sorted(source.names, key=lambda name: hashlib.sha256(name.encode()).digest())


def _common_size(source: Source, notes: list[str], *, suggest: bool) -> tuple[int, int]:
    sizes: Counter[tuple[int, int]] = Counter()
    seen: set[str] = set()
    for item in source.items(source.names, 1):
        file = item.name.partition("#")[0]
        if file in seen:
            continue
        seen.add(file)
        try:
            sizes[size_of(item)] += 1
        except BadPictureError as error:
            last = f"{item.name}: {error}"
    if not sizes:
        raise DatasetError(f"no picture of {source.name} can be read; {last}")
    if len(sizes) == 1:
        return next(iter(sizes))
    sides = sorted(min(size) for size in sizes.elements())
    # A few small pictures may go.
    short = sides[len(sides) // 20]
    side = next((side for side in _SUGGESTED if side <= short), _SUGGESTED[-1])
    (common, count), smallest, largest = sizes.most_common(1)[0], min(sizes), max(sizes)
    text = (
        f"pictures of {source.name} have {len(sizes)} sizes, from {smallest[1]} x {smallest[0]} to {largest[1]} x "
        f"{largest[0]}; {count} have {common[1]} x {common[0]}"
    )
    if not suggest:
        raise DatasetError(f"{text}: name one, as --size {side}")
    notes.append(f"{text[0].upper()}{text[1:]}; --size {side} is suggested, and used here.")
    return side, side


def _in_order(
    work: Callable[[Item], tuple[Record, list[bytes]]], items: Iterable[Item]
) -> Iterator[tuple[Record, list[bytes]]]:
    """Results in the order of the items, made by a few threads that do not run far ahead."""
    threads = min(os.cpu_count() or 1, 8)
    with ThreadPoolExecutor(threads, thread_name_prefix="dataset") as pool:
        waiting: deque[Future[tuple[Record, list[bytes]]]] = deque()
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                if len(waiting) > threads * _AHEAD:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


_quieting = threading.RLock()


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    """Without what Pillow says of strange files on stderr: the report names them."""
    with _quieting, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
