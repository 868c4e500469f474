"""Opening in the background: one thing at a time, the newest wins."""

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from explorer.errors import ExplorerError
from explorer.process import stand_back
from explorer.remote import Progress
from explorer.session.compute import Compute
from explorer.session.job import Job
from explorer.session.mailbox import Mailbox
from explorer.session.memory import NO_MEMORY_TO_OPEN, is_lack_of_memory
from explorer.session.message import Level
from explorer.session.opening import Opened, OpenModel, open_model, open_source
from explorer.state import CheckpointRef

__all__ = ["Loader", "Opening"]

_log = logging.getLogger(__name__)


class Opening:
    """A load on its way, and the step of the history to go to when it is here.

    Args:
        job: What a person sees of it.
        source: A path, ``bundled:NAME``, or the model that a state wants.
        step: Number of the step that waits for the model.
        again: Whether the open model is only loaded anew, and the state stays.
        instead_of: The model in whose place this one steps, with all that was made on it.
    """

    def __init__(
        self,
        job: Job,
        source: str | Path | CheckpointRef,
        step: int | None = None,
        *,
        again: bool = False,
        instead_of: CheckpointRef | None = None,
    ) -> None:
        self.job = job
        self.source = source
        self.step = step
        self.again = again
        self.instead_of = instead_of
        self.result: Mailbox[Opened] = Mailbox()


class Loader:
    """Runs openings in threads of their own. Its methods are for one thread.

    Args:
        report: Told what went wrong, from any thread.
        changed: Told that an opening ended, from any thread.
    """

    def __init__(self, *, report: Callable[[Level, str], None], changed: Callable[[], None]) -> None:
        self._report = report
        self._changed = changed
        self._opening: Opening | None = None
        self.failed: Opening | None = None
        """The newest opening, where it did not come to a good end and was not given up."""
        self._threads: list[threading.Thread] = []

    @property
    def busy(self) -> bool:
        """Whether something is on its way or waits to be taken."""
        return self._opening is not None

    def start(
        self, opening: Opening, *, recent: tuple[str, ...], loaded: Mapping[str, OpenModel], compute: Compute
    ) -> Job:
        """Open something; what is on its way is given up.

        Args:
            opening: What.
            recent: Where models were before.
            loaded: Models that are open, by their hash.
            compute: Where a model that is loaded now computes.
        """
        self.give_up()
        self.failed = None
        self._opening = opening
        thread = threading.Thread(
            target=self._run, args=(opening, recent, dict(loaded), compute), name="open", daemon=True
        )
        self._threads = [old for old in self._threads if old.is_alive()]
        self._threads.append(thread)
        thread.start()
        return opening.job

    def again(self) -> Opening | None:
        """The failed opening anew; ``None`` where none failed."""
        failed = self.failed
        if failed is None:
            return None
        return Opening(Job(failed.job.name), failed.source, failed.step, instead_of=failed.instead_of)

    def take(self) -> tuple[Opening, Opened] | None:
        """What was opened, once."""
        opening = self._opening
        if opening is None or not opening.job.done:
            return None
        self._opening = None
        # One that was only to compute elsewhere is asked for again where it was asked for.
        if opening.job.error is not None and not opening.job.cancelled and not opening.again:
            self.failed = opening
        opened = opening.result.take()
        return None if opened is None or opening.job.cancelled else (opening, opened)

    def give_up(self) -> None:
        """Stop what is on its way; its result, if one still comes, is dropped."""
        if self._opening is not None:
            self._opening.job.cancel()
            self._opening = None

    def close(self) -> None:
        """Give up and wait for the threads."""
        self.give_up()
        for thread in self._threads:
            thread.join()

    def _run(
        self, opening: Opening, recent: tuple[str, ...], loaded: Mapping[str, OpenModel], compute: Compute
    ) -> None:
        stand_back()
        error: str | None = None
        try:
            source = opening.source
            if isinstance(source, CheckpointRef):
                opening.result.put(Opened(open_model(source, compute)))
            else:
                opening.result.put(
                    open_source(
                        source,
                        recent=recent,
                        loaded=loaded,
                        compute=compute,
                        progress=lambda progress: _show(opening.job, progress),
                        cancelled=lambda: opening.job.cancelled,
                    )
                )
        except ExplorerError as failure:
            error = _naming(opening.source, str(failure))
        except Exception as failure:
            # The thread's edge: whatever went wrong, what was open stays.
            _log.exception("opening failed")
            source = opening.source
            name = source.hint if isinstance(source, CheckpointRef) else source
            if is_lack_of_memory(failure):
                error = NO_MEMORY_TO_OPEN.format(name)
            else:
                error = f"{name} could not be opened ({type(failure).__name__}: {failure})"
        if error is not None and not opening.job.cancelled:
            self._report("error", error)
        opening.job.finish(error)
        self._changed()


def _show(job: Job, progress: Progress) -> None:
    job.progress = progress.share


def _naming(source: str | Path | CheckpointRef, text: str) -> str:
    """What went wrong, with the name of the file before it where the text leaves it out."""
    name = Path(source.hint if isinstance(source, CheckpointRef) else str(source)).name
    return text if name in text else f"{name}: {text}"
