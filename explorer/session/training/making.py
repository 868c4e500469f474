"""Data sets made of folders and videos, and looked at closely, by ``main.py dataset`` in a process of its own."""

import json
import subprocess
import tempfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import DatasetError
from explorer.session.job import Job
from explorer.session.training.process import MAIN, end_process, start_program

__all__ = ["Health", "Making", "free_zip", "look_closely", "make_dataset"]

_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Making:
    """A data set to be made."""

    source: Path
    """A folder, a zip or a video."""
    target: Path
    """The zip."""
    size: str = ""
    """Side of a square or width x height, as ``64`` or ``192x256``; as the pictures are when empty."""
    how: str = "crop"
    """``crop``, ``fit`` or ``pad``."""
    folders_are_classes: bool = False
    """Whether each folder is a class."""

    def arguments(self) -> tuple[str, ...]:
        """The command line."""
        return (
            str(self.source.absolute()),
            str(self.target.absolute()),
            *(("--size", self.size) if self.size else ()),
            *("--how", self.how),
            *(("--labels", "folders") if self.folders_are_classes else ()),
        )


@dataclass(frozen=True, slots=True)
class Health:
    """What a close look at every picture found."""

    pictures: int
    """That can be used."""
    suggested: tuple[int, int]
    """Width and height to make them."""
    skipped: tuple[tuple[str, str], ...]
    """Pictures that cannot be used, and why."""
    duplicates: tuple[tuple[str, ...], ...]
    """Groups that look alike."""
    grey: tuple[str, ...]
    """Pictures without colour among coloured ones."""
    notes: tuple[str, ...]
    """Advice, in the words of the command line."""


def free_zip(source: Path) -> Path:
    """A zip beside a source that is not there yet."""
    count = 1
    while (target := source.parent / f"{source.stem}{'' if count == 1 else f'-{count}'}.zip").exists():
        count += 1
    return target


def look_closely(path: Path, job: Job) -> Health | None:
    """Look at every picture; ``None`` when the job was cancelled.

    Raises:
        DatasetError: It cannot be read, and why.
        OSError: The process cannot be started.
    """
    return _health(_dataset((str(path.absolute()), "--report-only"), job))


def make_dataset(making: Making, job: Job) -> Health | None:
    """Make a data set; ``None`` when the job was cancelled, and the same call later goes on where it stopped.

    Raises:
        DatasetError: It cannot be made, and why.
        OSError: The process cannot be started.
    """
    return _health(_dataset(making.arguments(), job))


def _dataset(arguments: tuple[str, ...], job: Job) -> Mapping[str, object] | None:
    """Run the verb to its end; its report."""
    last: Mapping[str, object] = {}
    with tempfile.TemporaryFile() as errors:
        words = (str(MAIN), "dataset", *arguments, "--json")
        process = start_program(words, output=subprocess.PIPE, errors=errors)
        assert process.stdout is not None
        watching = threading.Thread(target=_end_when_cancelled, args=(process, job), daemon=True)
        watching.start()
        with process.stdout:
            for line in process.stdout:
                last = json.loads(line)
                done, total = last.get("done"), last.get("total")
                if isinstance(done, int) and isinstance(total, int) and total:
                    job.progress = done / total
        status = process.wait()
        watching.join()
        errors.seek(0)
        said = errors.read().decode("utf-8", "replace").strip()
    if job.cancelled:
        return None
    if last.get("event") == "report":
        return last
    complaint = str(last.get("text", "")) or said.rpartition("\n")[2]
    raise DatasetError(complaint or f"the data set cannot be made (exit status {status})")


def _end_when_cancelled(process: "subprocess.Popen[bytes]", job: Job) -> None:
    while process.poll() is None:
        if job.cancelled:
            end_process(process.pid, at_once=False)
        try:
            process.wait(_LOOK_S)
        except subprocess.TimeoutExpired:
            continue


def _health(report: Mapping[str, object] | None) -> Health | None:
    if report is None:
        return None

    def listed(name: str) -> list[object]:
        found = report.get(name)
        return found if isinstance(found, list) else []

    height, width = (int(str(side)) for side in listed("size") or (0, 0))
    skipped = ((str(one.get("name")), str(one.get("text"))) for one in listed("skipped") if isinstance(one, dict))
    return Health(
        pictures=int(str(report.get("pictures", 0))),
        suggested=(width, height),
        skipped=tuple(skipped),
        duplicates=tuple(tuple(map(str, group)) for group in listed("duplicates") if isinstance(group, list)),
        grey=tuple(map(str, listed("grey"))),
        notes=tuple(map(str, listed("notes"))),
    )
