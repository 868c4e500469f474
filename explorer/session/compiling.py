"""Compiling the faster kernels while the slower ones already work."""

import logging
import threading
from collections.abc import Callable, Iterator

from explorer.process import stand_back
from explorer.session.job import Job
from explorer.session.message import Level
from explorer.session.worker import Worker

__all__ = ["Compiling"]

_log = logging.getLogger(__name__)


class Compiling:
    """Compiles in a thread of its own, then switches to the kernels between two pictures.

    Args:
        worker: Whose pictures are made by them from then on.
        wanted: Whether compiled kernels should serve.
        report: Told what went wrong, from any thread.
        changed: Told that it ended, from any thread.
    """

    def __init__(
        self, worker: Worker, *, wanted: bool, report: Callable[[Level, str], None], changed: Callable[[], None]
    ) -> None:
        self._worker = worker
        self._ready = False
        self._lacks = ""
        self.wanted = wanted
        """Whether compiled kernels should serve. Change it with `want`."""
        self._report = report
        self._changed = changed
        self._switched = threading.Event()
        self.switches = 0
        """How often the kernels changed, as far as `take_switched` told."""
        self.job: Job | None = None
        """What a person sees of it, once it is started."""
        self.started = False
        """Whether `start` was called."""

    def start(self) -> Job:
        """Begin; once is enough."""
        self.started = True
        self.job = job = Job("Compile kernels")
        threading.Thread(target=self._run, args=(job,), name="compile", daemon=True).start()
        return job

    def want(self, wanted: bool) -> None:
        """Let compiled kernels serve, or torch, from the next picture on; once they are compiled."""
        if wanted == self.wanted:
            return
        self.wanted = wanted
        if self._ready:
            self._worker.add_task(Job("Switch kernels"), self._switch)

    @property
    def words(self) -> str:
        """Which kernels serve, and why, in a sentence."""
        if not self.wanted:
            return "torch serves: compiled kernels are switched off in Preferences"
        if self._lacks:
            return f"torch serves: {self._lacks}"
        if self._ready:
            from explorer.rendering.machine import kernel_reason

            return kernel_reason()
        if self.started:
            return "torch serves until the compiled kernels are ready"
        return "torch serves: kernels are compiled after the first picture"

    def take_switched(self) -> bool:
        """Whether the kernels changed since the last call, so that the picture is due anew."""
        if self.job is not None and self.job.cancelled:
            # Who stops it does without.
            self.wanted = False
        switched = self._switched.is_set()
        self._switched.clear()
        self.switches += switched
        return switched

    def _switch(self) -> Iterator[float]:
        from explorer.rendering.machine import use_kernels

        use_kernels(self.wanted)
        self._switched.set()
        self._changed()
        yield 1.0

    def _run(self, job: Job) -> None:
        stand_back()
        from explorer.rendering.machine import compile_kernels

        try:
            self._lacks = compile_kernels()
            if not self._lacks:
                self._ready = True
                # Between two pictures, so that none is made by both kinds; the job ends with it.
                self._worker.add_task(job, self._switch)
                return
        except Exception as failure:
            # The thread's edge: everything works without them, only slower.
            _log.exception("compiling failed")
            self._lacks = f"compiling failed: {failure}"
            self._report("warning", f"the faster kernels could not be compiled ({failure}): everything works, slower")
        job.finish()
        self._changed()
