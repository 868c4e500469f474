"""The one thread that renders. It takes the newest request, and between requests does background work in steps."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.errors import Cancelled, ExplorerError
from explorer.process import stand_back
from explorer.rendering.frame import Frame
from explorer.session.job import Job
from explorer.session.mailbox import Mailbox
from explorer.session.memory import NO_MEMORY, is_lack_of_memory
from explorer.session.message import Level
from explorer.state import EditState

if TYPE_CHECKING:
    from explorer.rendering.renderer import Renderer

__all__ = ["Request", "Worker"]

_log = logging.getLogger(__name__)

# A render this short is not worth an early, coarse picture before it.
_SLOW_S = 0.08


@dataclass(frozen=True, slots=True, eq=False)
class Request:
    """A picture that is wanted."""

    number: int
    """Counts up; its frames carry it."""
    state: EditState
    """What to show."""
    renderer: "Renderer"
    """Of the open model."""
    requested_s: float
    """When it was asked for, in seconds of `time.perf_counter`."""


@dataclass(slots=True, eq=False)
class _Task:
    job: Job
    steps: Callable[[], Iterator[float]]
    patience: int = 0
    running: Iterator[float] | None = None


class Worker:
    """A thread with a mailbox of requests and a queue of background tasks; it never calls a window.

    A newer request stops the one in work between layers, but never two in a row: in a long drag every second
    request runs to its end, so the picture keeps following a hand that does not rest.
    """

    def __init__(
        self, *, threads: int | None, report: Callable[[Level, str], None], changed: Callable[[], None]
    ) -> None:
        self.frames: Mailbox[Frame] = Mailbox()
        """The newest frame that nobody took yet."""
        self.previews = True
        """Whether an early, coarse picture may come first."""
        self.threads = 0
        """How many of the processor's a picture may take; 0 before the first."""
        self._threads = threads
        self._report = report
        self._changed = changed
        self._requests: Mailbox[Request] = Mailbox()
        self._tasks: deque[_Task] = deque()
        self._asked = 0
        self._answered = 0
        self._gave_up = False
        self._last_s = 0.0
        self._thread = threading.Thread(target=self._run, name="render", daemon=True)
        self._thread.start()

    def request(self, request: Request) -> None:
        """Ask for a picture; one that still waits is replaced."""
        self._asked = request.number
        self._requests.put(request)

    def add_task(self, job: Job, steps: Callable[[], Iterator[float]], *, patience: int = 0) -> None:
        """Do background work when no picture is asked for: ``steps()`` is run on, one step at a time.

        Work with more patience, which takes long, lets all other work go first.
        """
        self._tasks.append(_Task(job, steps, patience))
        self._requests.wake()

    @property
    def busy(self) -> bool:
        """Whether a picture is waited for."""
        return self._answered != self._asked

    def close(self) -> None:
        """Stop after the layer in work, and wait for the thread."""
        self._requests.close()
        self._thread.join()

    def _run(self) -> None:
        stand_back()
        self._set_threads()
        while not self._requests.closed:
            request = self._requests.take(wait=not self._tasks)
            if request is not None:
                self._answer(request)
                # Its model may be closed before the next one is asked for.
                del request
            elif self._tasks and not self._requests.closed:
                # A copy, made at once: other threads add tasks meanwhile.
                self._step(min(tuple(self._tasks), key=lambda task: task.patience))
        for task in self._tasks:
            task.job.cancel()
            task.job.finish()

    def _answer(self, request: Request) -> None:
        try:
            self._render(request)
            self._gave_up = False
        except Cancelled:
            self._gave_up = True
            return
        except ExplorerError as error:
            self._report("error", str(error))
        except Exception as error:
            # The worker's edge: whatever went wrong, the last good picture stays and the thread lives on.
            _log.exception("rendering failed")
            if is_lack_of_memory(error):
                request.renderer.clear()
                self._report("error", NO_MEMORY)
            else:
                self._report(
                    "error", f"this picture could not be made ({type(error).__name__}: {error}): undo the last step"
                )
        self._answered = request.number
        self._changed()

    def _render(self, request: Request) -> None:
        self._set_threads()
        frame = request.renderer.frame(
            request.state,
            cancel=lambda: self._replaced(request),
            on_preview=self._show_early if self.previews and self._last_s > _SLOW_S else None,
            requested_s=request.requested_s,
            request=request.number,
        )
        if frame.timings.layers_run:
            self._last_s = frame.timings.finished_s - frame.timings.started_s
        self.frames.put(frame)

    def _set_threads(self) -> None:
        # torch is imported in this thread, at once, so that a window opens meanwhile.
        from explorer.rendering.machine import use_threads

        self.threads = use_threads(self._threads)

    def _show_early(self, frame: Frame) -> None:
        self.frames.put(frame)
        self._changed()

    def _replaced(self, request: Request) -> bool:
        newer = self._requests.peek()
        if self._requests.closed or (newer is not None and newer.renderer is not request.renderer):
            return True
        return newer is not None and not self._gave_up

    def _step(self, task: _Task) -> None:
        error: str | None = None
        try:
            self._set_threads()
            task.running = task.steps() if task.running is None else task.running
            if not task.job.cancelled:
                task.job.progress = next(task.running)
                return
        except StopIteration:
            task.job.progress = 1.0
        except ExplorerError as failure:
            error = str(failure)
        except Exception as failure:
            _log.exception("%s failed", task.job.name)
            error = NO_MEMORY if is_lack_of_memory(failure) else f"{type(failure).__name__}: {failure}"
        self._tasks.remove(task)
        if error is not None:
            self._report("error", f"{task.job.name}: {error}")
        task.job.finish(error)
        self._changed()
