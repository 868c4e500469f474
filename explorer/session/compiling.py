"""Compiling the faster kernels while the slower ones already work."""

import logging
import threading
from collections.abc import Callable, Iterator

from explorer.session.job import Job
from explorer.session.message import Level
from explorer.session.worker import Worker

__all__ = ["Compiling"]

_log = logging.getLogger(__name__)


class Compiling:
    """Compiles in a thread of its own, then switches to the kernels between two pictures.

    Args:
        worker: Whose pictures are made by them from then on.
        report: Told what went wrong, from any thread.
        changed: Told that it ended, from any thread.
    """

    def __init__(self, worker: Worker, *, report: Callable[[Level, str], None], changed: Callable[[], None]) -> None:
        self._worker = worker
        self._report = report
        self._changed = changed
        self._switched = threading.Event()
        self.started = False
        """Whether `start` was called."""

    def start(self) -> Job:
        """Begin; once is enough."""
        self.started = True
        job = Job("Compile kernels")
        threading.Thread(target=self._run, args=(job,), name="compile", daemon=True).start()
        return job

    def take_switched(self) -> bool:
        """Whether the kernels changed since the last call, so that the picture is due anew."""
        switched = self._switched.is_set()
        self._switched.clear()
        return switched

    def _run(self, job: Job) -> None:
        from explorer.rendering.machine import compile_kernels, use_kernels

        def switch() -> Iterator[float]:
            use_kernels()
            self._switched.set()
            yield 1.0

        try:
            if compile_kernels():
                # Between two pictures, so that none is made by both kinds; the job ends with it.
                self._worker.add_task(job, switch)
                return
        except Exception as failure:
            # The thread's edge: everything works without them, only slower.
            _log.exception("compiling failed")
            self._report("warning", f"the faster kernels could not be compiled ({failure}): everything works, slower")
        job.finish()
        self._changed()
