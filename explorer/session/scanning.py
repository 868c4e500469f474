"""Looking for models in a folder, in a thread of its own."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path

from explorer.process import stand_back
from explorer.project.runs import Run, find_runs
from explorer.session.job import Job
from explorer.session.message import Level

__all__ = ["Scan"]

_log = logging.getLogger(__name__)


class Scan:
    """Runs that come one by one. Safe to read from any thread.

    Args:
        folder: Where to look, and below.
        report: Told what went wrong, from any thread.
        changed: Told that it ended, from any thread.
    """

    def __init__(self, folder: Path, *, report: Callable[[Level, str], None], changed: Callable[[], None]) -> None:
        self.folder = folder
        """Where it looks."""
        self.job = Job(f"Look for models in {folder.name or folder}")
        """How far it is; cancel it to stop with what was found."""
        self._runs: tuple[Run, ...] = ()
        self._report = report
        self._changed = changed
        self._thread = threading.Thread(target=self._run, name="scan", daemon=True)
        self._thread.start()

    @property
    def runs(self) -> tuple[Run, ...]:
        """What was found so far, in the order in which it was."""
        return self._runs

    def close(self) -> None:
        """Stop, and wait for the thread."""
        self.job.cancel()
        self._thread.join()

    def _run(self) -> None:
        stand_back()
        error: str | None = None
        try:
            for run in find_runs(self.folder):
                if self.job.cancelled:
                    break
                if run is not None:
                    self._runs = (*self._runs, run)
        except OSError as failure:
            error = f"{self.folder} cannot be read ({failure.strerror or failure}): choose another folder"
        except Exception as failure:
            # The thread's edge: what was found stays.
            _log.exception("scanning failed")
            error = f"{self.folder} could not be looked through ({type(failure).__name__}: {failure})"
        if error is not None:
            self._report("error", error)
        self.job.finish(error)
        self._changed()
