"""Who trains in a folder: a locked file that tells others that its process lives, and how it was started.

The trainer holds the lock as long as it lives, however it ends; the window reads the file, finds a run that goes on
after the window was closed or killed, and starts one that ended with the same words.
"""

import json
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from explorer.errors import ExplorerError
from explorer.project.locking import try_lock

__all__ = ["CLAIM", "Claim", "claim", "read_claim"]

CLAIM = "trainer.json"
"""The file's name in the folder of a run."""
_LARGEST = 2**20
# Whoever only looks holds the lock for an instant.
_TRIES = 20
_PAUSE_S = 0.05


@dataclass(frozen=True, slots=True)
class Claim:
    """What the file says."""

    pid: int
    """The process that trains, or did."""
    data: str
    """The data set, an absolute path; empty when the process never came so far."""
    arguments: tuple[str, ...]
    """The trainer's command line; empty as `data`."""
    folder: str
    """Where the command line was given: relative paths start there."""
    alive: bool
    """Whether the process lives."""


@contextmanager
def claim(run: Path) -> Iterator[Callable[[Path, Sequence[str]], None]]:
    """Be the one that trains in a folder, which is made when it is missing.

    Gives a function that writes down the data set and the command line: to be called once they turned out to be
    right, since until then those of the last time are the ones to go on with.

    Raises:
        ExplorerError: Another process trains there, or the folder cannot be written.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
        file = (run / CLAIM).open("a+b")
    except OSError as error:
        raise ExplorerError(f"{run} cannot be written: {error.strerror or error}") from error

    def write(words: dict[str, object]) -> None:
        try:
            file.truncate(0)
            file.write(json.dumps(words).encode())
            file.flush()
        except OSError as error:
            raise ExplorerError(f"{run} cannot be written: {error.strerror or error}") from error

    with file:
        if not _locked(file):
            raise ExplorerError(f"another process trains in {run}: stop that one first, or name another folder")
        pid = {"pid": os.getpid()}
        write({**_words(file), **pid})
        yield lambda data, arguments: write(
            {**pid, "data": str(data.absolute()), "arguments": list(arguments), "folder": str(Path.cwd())}
        )


def read_claim(run: Path) -> Claim | None:
    """Who trains in a folder, or did last; ``None`` where nobody ever did, or the file is damaged."""
    try:
        with (run / CLAIM).open("r+b") as file:
            alive = not try_lock(file)
            words = _words(file)
        return Claim(
            pid=int(str(words["pid"])),
            data=str(words.get("data", "")),
            arguments=tuple(map(str, words.get("arguments", ()))),  # type: ignore[call-overload]
            folder=str(words.get("folder", "")),
            alive=alive,
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _locked(file: IO[bytes]) -> bool:
    for _ in range(_TRIES):
        if try_lock(file):
            return True
        time.sleep(_PAUSE_S)
    return False


def _words(file: IO[bytes]) -> dict[str, object]:
    file.seek(0)
    try:
        words = json.loads(file.read(_LARGEST))
    except (ValueError, RecursionError):
        return {}
    return words if isinstance(words, dict) else {}
