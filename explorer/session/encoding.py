"""Encoding the texts of a prompt in the background, so that neither the window nor a drag waits for it."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import ExplorerError
from explorer.process import stand_back
from explorer.project.text_folders import keep_text_folder
from explorer.session.job import Job
from explorer.session.memory import NO_MEMORY, is_lack_of_memory
from explorer.session.message import Level

if TYPE_CHECKING:
    from explorer.rendering.texts import Texts

__all__ = ["Encoding"]

_log = logging.getLogger(__name__)


class Encoding:
    """Threads that load an encoder and encode texts. Its methods are for one thread.

    Args:
        report: Told what went wrong, from any thread.
        changed: Told that a job ended, from any thread.
    """

    def __init__(self, *, report: Callable[[Level, str], None], changed: Callable[[], None]) -> None:
        self._report = report
        self._changed = changed
        self._running: list[tuple[Job, threading.Thread]] = []
        self._under_way: tuple[Texts, tuple[str, ...]] | None = None
        self._failed: tuple[Texts, int] | None = None

    def failed(self, texts: "Texts") -> bool:
        """Whether an encoder was tried and did not work: nothing comes of trying again until another is taken."""
        return self._failed == (texts, texts.version)

    def start(self, texts: "Texts", wanted: tuple[str, ...]) -> Job | None:
        """Encode texts; ``None`` when just these are being encoded."""
        if self._under_way is not None and self._under_way[0] is texts and self._under_way[1] == wanted:
            return None
        self._under_way = (texts, wanted)

        def work(job: Job) -> None:
            for done, text in enumerate(wanted):
                if job.cancelled:
                    return
                try:
                    texts.direction(text)
                except ExplorerError:
                    self._failed = (texts, texts.version)
                    raise
                job.progress = (done + 1) / len(wanted)

        return self._run("Encode the prompt", work)

    def use_folder(self, texts: "Texts", kind: str, folder: Path) -> Job:
        """Take the encoder in a folder, and remember it once it turned out to be usable."""

        def work(job: Job) -> None:
            texts.use_folder(folder)
            try:
                keep_text_folder(kind, folder)
            except OSError as error:
                self._report("warning", f"the folder cannot be remembered for the next start: {error}")

        return self._run("Read the text encoder", work)

    def look_again(self, texts: "Texts") -> Job:
        """Look for an encoder anew: a person has installed one."""
        return self._run("Look for a text encoder", lambda _job: texts.look_again())

    def take_ended(self) -> Job | None:
        """A job that ended, once; its error says whether it went well."""
        for index, (job, _) in enumerate(self._running):
            if job.done:
                del self._running[index]
                self._under_way = None
                return job
        return None

    @property
    def busy(self) -> bool:
        """Whether something is on its way or waits to be taken."""
        return bool(self._running)

    def close(self) -> None:
        """Wait for the threads; what they have not begun is left."""
        for job, thread in self._running:
            job.cancel()
            thread.join()

    def _run(self, name: str, work: Callable[[Job], None]) -> Job:
        job = Job(name)
        thread = threading.Thread(target=self._guarded, args=(job, work), name="encode", daemon=True)
        self._running.append((job, thread))
        thread.start()
        return job

    def _guarded(self, job: Job, work: Callable[[Job], None]) -> None:
        stand_back()
        error: str | None = None
        try:
            work(job)
        except ExplorerError as failure:
            error = str(failure)
        except Exception as failure:
            # The thread's edge: the picture that is shown stays.
            _log.exception("encoding failed")
            lacks = is_lack_of_memory(failure)
            error = f"the prompt could not be encoded ({type(failure).__name__}: {failure})"
            error = f"{job.name}: {NO_MEMORY}" if lacks else error
        if error is not None:
            self._report("error", error)
        job.finish(error)
        self._changed()
