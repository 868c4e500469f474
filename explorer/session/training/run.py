"""A run that is watched: its process, its folder, and what is seen of it. It may be of another program."""

import logging
import re
import subprocess
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from explorer.project.claim import Claim, read_claim
from explorer.session.training.log import LOG, LogReader
from explorer.session.training.process import TRAINER_LOG, end_process, start_trainer, why_it_ended
from explorer.session.training.view import Grids, RunView, status_of

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["TrainingRun", "is_run"]

_log = logging.getLogger(__name__)

_STOP_FILE = "stop"
_SNAPSHOT = re.compile(r"snapshot-(\d+)\.safetensors")
_FAKES = re.compile(r"fakes(\d+)\.png")
_LOOK_S = 0.3
# When nothing lives there, somebody may still start it again from elsewhere.
_LOOK_AT_REST_S = 2.0
_POINTS = 1000
_LARGEST_PX = 2048


def is_run(folder: Path) -> bool:
    """Whether a folder is that of a training run."""
    return (folder / LOG).is_file()


@dataclass(frozen=True, slots=True)
class _Files:
    snapshots: tuple[Path, ...]
    fakes: tuple[Path, ...]


class TrainingRun:
    """Watches a folder in a thread of its own, and starts the trainer there when it is given a command line.

    Args:
        folder: Of the run.
        changed: Told that there is a new `view`, from any thread.
        arguments: The trainer's command line; it is only watched when ``None``.
        started_in: Where relative paths of the command line start.
    """

    def __init__(
        self,
        folder: Path,
        *,
        changed: Callable[[], None],
        arguments: Sequence[str] | None = None,
        started_in: Path | None = None,
    ) -> None:
        self.folder = folder
        """Where it lies."""
        self.view = RunView(folder, "starting" if arguments is not None else "interrupted")
        """What is seen of it now; another object whenever something changed."""
        self._changed = changed
        self._arguments = arguments
        self._started_in = started_in
        self._process: subprocess.Popen[bytes] | None = None
        self._reader = LogReader(folder / LOG)
        self._starts_before = -1
        self._error = ""
        self._asked_to_stop = False
        self._wanted_grid: int | None = None
        self._grids = Grids()
        self._grid_files: tuple[Path | None, Path | None] = (None, None)
        self._seen: tuple[object, ...] = ()
        self._news = threading.Condition()
        self._wake = threading.Event()
        self._closed = False
        self._thread = threading.Thread(target=self._watch, name="training run", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Let the step in progress end and a snapshot be saved. A trainer that has not begun just ends."""
        self._asked_to_stop = True
        if self.view.status == "starting":
            # It would take the file away when it begins, and there is nothing to save.
            self._end(at_once=False)
        else:
            self._keep_asking(alive=True)
        self._wake.set()

    def kill(self) -> None:
        """End the trainer at once. What it did since its last snapshot is lost, and nothing else."""
        self._asked_to_stop = True
        self._end(at_once=True)
        self._wake.set()

    def show_grid(self, index: int | None) -> None:
        """Have one sheet of generated pictures in the view, or always the newest."""
        self._wanted_grid = index
        self._wake.set()

    def close(self) -> None:
        """Look no longer. The trainer goes on."""
        self._closed = True
        self._wake.set()
        self._thread.join()

    def wait_until(self, holds: Callable[[RunView], bool], timeout_s: float) -> bool:
        """Wait for something to be seen; false when it took too long. For scripts and tests."""
        with self._news:
            return self._news.wait_for(lambda: holds(self.view), timeout_s)

    def _keep_asking(self, *, alive: bool) -> None:
        """Have the file there that stops the trainer, which takes away one from before its beginning."""
        stop = self.folder / _STOP_FILE
        try:
            if alive:
                stop.touch()
            else:
                stop.unlink(missing_ok=True)
        except OSError:
            self._end(at_once=False)

    def _end(self, *, at_once: bool) -> None:
        process, claimed = self._process, read_claim(self.folder)
        if process is not None and process.poll() is None:
            end_process(process.pid, at_once=at_once)
        elif claimed is not None and claimed.alive:
            end_process(claimed.pid, at_once=at_once)

    def _watch(self) -> None:
        try:
            if self._arguments is not None:
                self._reader.read()
                self._launch(self._arguments)
            while not self._closed:
                self._look()
                self._wake.wait(_LOOK_S if self.view.is_live else _LOOK_AT_REST_S)
                self._wake.clear()
        except Exception as failure:
            # The thread's edge: the run goes on, and only the look at it is lost.
            _log.exception("watching a run failed")
            self._publish(
                replace(self.view, status="failed", error=f"{self.folder} cannot be watched any more ({failure})")
            )

    def _launch(self, arguments: Sequence[str]) -> None:
        self._starts_before = self._reader.starts
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with (self.folder / TRAINER_LOG).open("wb") as said:
                self._process = start_trainer(
                    arguments, folder=self._started_in, output=subprocess.DEVNULL, errors=said
                )
        except OSError as error:
            self._error = f"{self.folder} cannot be written: {error.strerror or error}."

    def _look(self) -> None:
        # In this order: what is written before the end is read after it.
        claimed = read_claim(self.folder)
        alive = claimed is not None and claimed.alive
        if self._process is not None:
            status = self._process.poll()
            alive = alive or status is None
            # Ended by this program's own hand, nothing went wrong.
            by_hand = self._asked_to_stop and (status or 0) < 0
            if status and not alive and not by_hand:
                self._error = why_it_ended(status, self.folder / TRAINER_LOG)
        self._reader.read()
        if self._asked_to_stop:
            self._keep_asking(alive=alive)
        files = self._files()
        self._load_grids(files)
        view = self._view(claimed, files, alive=alive)
        seen = (view.status, view.error, view.data, self._reader.position, view.snapshot, self._grids)
        if seen != self._seen:
            self._seen = seen
            self._publish(view)

    def _publish(self, view: RunView) -> None:
        with self._news:
            self.view = view
            self._news.notify_all()
        self._changed()

    def _view(self, claimed: Claim | None, files: _Files, *, alive: bool) -> RunView:
        log = self._reader
        begun = log.starts > self._starts_before
        error = self._error
        status = status_of(log, alive=alive, begun=begun, asked_to_stop=self._asked_to_stop, failed=bool(error))
        newest = files.snapshots[-1] if files.snapshots else None
        if status == "interrupted":
            error = "The trainer ended without a word, as when it is killed or the power goes."
        if status in ("interrupted", "failed") and begun:
            error += " " + _what_is_left(newest)
        goal = log.settings.get("kimg")
        curves = {name: curve for name in log.names if (curve := log.curve(name, _POINTS)) is not None}
        return RunView(
            folder=self.folder,
            status=status,
            error=error if not alive else "",
            data=claimed.data if claimed is not None else "",
            name=log.data,
            kimg=log.kimg,
            goal_kimg=float(goal) if isinstance(goal, int | float) else 0.0,
            settings=MappingProxyType(dict(log.settings)),
            notes=log.notes,
            metric=log.metric,
            curves=MappingProxyType(curves),
            told=log.told,
            snapshot=newest,
            snapshot_kimg=_number_in(newest, _SNAPSHOT) / 1000 if newest is not None else 0.0,
            grids=self._grids,
        )

    def _files(self) -> _Files:
        try:
            paths = tuple(self.folder.iterdir())
        except OSError:
            return _Files((), ())
        found = (
            sorted((path for path in paths if kind.fullmatch(path.name)), key=lambda path: _number_in(path, kind))
            for kind in (_SNAPSHOT, _FAKES)
        )
        return _Files(*map(tuple, found))

    def _load_grids(self, files: _Files) -> None:
        count, wanted = len(files.fakes), self._wanted_grid
        index = count - 1 if wanted is None else min(wanted, count - 1)
        chosen = files.fakes[index] if count else None
        reals = self.folder / "reals.png"
        reals_path = reals if self._grids.reals is not None or reals.exists() else None
        if (chosen, reals_path) == self._grid_files and count == self._grids.count:
            return
        shown = self._grids
        if chosen != self._grid_files[0]:
            fakes = _read_picture(chosen) if chosen is not None else None
            shown = replace(shown, fakes=fakes, kimg=_number_in(chosen, _FAKES) / 1000 if chosen is not None else 0.0)
        if reals_path != self._grid_files[1] and reals_path is not None:
            shown = replace(shown, reals=_read_picture(reals_path))
        self._grids = replace(shown, count=count, index=index)
        self._grid_files = (chosen, reals_path)


def _what_is_left(newest: Path | None) -> str:
    if newest is None:
        return "It had saved no snapshot yet: Resume begins again."
    return f"{newest.name} is whole: Resume goes on from there."


def _number_in(path: Path, kind: re.Pattern[str]) -> int:
    match = kind.fullmatch(path.name)
    assert match is not None, "found by this pattern"
    return int(match[1])


def _read_picture(path: Path) -> "npt.NDArray[np.uint8] | None":
    """A sheet of pictures, ``[H, W, C]``, shrunk by a whole number where it is large; ``None`` if it cannot be read."""
    from PIL import Image

    try:
        with Image.open(path) as image:
            mode = image.mode if image.mode in ("L", "RGB", "RGBA") else "RGB"
            by = -(-max(image.size) // _LARGEST_PX)
            pixels = np.asarray(image.convert(mode).reduce(by))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return None
    return pixels if pixels.ndim == 3 else pixels[:, :, None]
