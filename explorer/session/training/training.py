"""The runs of a session: started, watched and gone on with; data sets and costs that are asked for."""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from explorer.errors import ExplorerError, StateError
from explorer.project.claim import read_claim
from explorer.session.job import Job
from explorer.session.training.cost import Cost, measure_cost
from explorer.session.training.making import Health, Making, look_closely, make_dataset
from explorer.session.training.plan import TrainingPlan
from explorer.session.training.report import DatasetReport, read_report
from explorer.session.training.run import TrainingRun

__all__ = ["Asked", "Training"]

_log = logging.getLogger(__name__)

Answer = TypeVar("Answer")


class Asked(Generic[Answer]):
    """Something that was asked for, and the answer once it is there."""

    def __init__(self, name: str) -> None:
        self.job = Job(name)
        """How far it is, and why there is no answer."""
        self.answer: Answer | None = None
        """``None`` until it is there, and when there is none."""


class Training:
    """The runs of a session. Its methods are for one thread, and none blocks but `close`.

    Args:
        add: Lets a person see a job.
        changed: Told that something is new, from any thread.
    """

    def __init__(self, *, add: Callable[[Job], object], changed: Callable[[], None]) -> None:
        self._add = add
        self._changed = changed
        self._runs: dict[Path, TrainingRun] = {}
        self._threads: list[tuple[Job, threading.Thread]] = []

    @property
    def live(self) -> tuple[TrainingRun, ...]:
        """The runs that this session watches and whose process lives."""
        return tuple(run for run in self._runs.values() if run.view.is_live)

    def start(self, plan: TrainingPlan) -> TrainingRun:
        """Start a run, or go on with the one that is in its folder.

        Raises:
            StateError: It is being trained.
        """
        claimed = read_claim(plan.folder)
        if claimed is not None and claimed.alive:
            raise StateError(f"{plan.folder} is being trained already: open that run instead")
        return self._watch(plan.folder, arguments=plan.arguments())

    def resume(self, folder: Path, *, kimg: float | None = None) -> TrainingRun:
        """Go on with a run as it was started, perhaps to another length.

        Raises:
            StateError: It does not say how it was started, or it is being trained.
        """
        claimed = read_claim(folder)
        if claimed is not None and claimed.alive:
            raise StateError(f"{folder} is being trained already")
        if claimed is None or not claimed.arguments:
            raise StateError(
                f"{folder} does not say how it was started: choose its data set and its folder, and press Start"
            )
        # Of two words for one thing the trainer takes the last.
        further = () if kimg is None else ("--kimg", f"{kimg:g}")
        return self._watch(folder, arguments=(*claimed.arguments, *further), started_in=Path(claimed.folder))

    def is_live(self, folder: Path) -> bool:
        """Whether a run goes on, whoever started it."""
        claimed = read_claim(folder)
        return claimed is not None and claimed.alive

    def watch(self, folder: Path) -> TrainingRun:
        """Look at a run, whoever started it."""
        known = self._runs.get(folder.absolute())
        return known if known is not None else self._watch(folder)

    def report(self, path: Path) -> Asked[DatasetReport]:
        """Look at a data set in the background."""
        return self._ask(f"Look at {path.name}", lambda job: read_report(path, job))

    def health(self, path: Path) -> Asked[Health]:
        """Look at every picture of a data set in the background."""
        return self._ask(f"Look closely at {path.name}", lambda job: look_closely(path, job))

    def make(self, making: Making) -> Asked[Health]:
        """Make a data set in the background."""
        return self._ask(f"Make {making.target.name}", lambda job: make_dataset(making, job))

    def cost(self, plan: TrainingPlan, *, seconds: float = 10.0) -> Asked[Cost]:
        """Measure what a run would cost in the background, for so long once the trainer has begun."""
        return self._ask("Measure the cost", lambda job: measure_cost(plan, job, seconds=seconds))

    def close(self) -> None:
        """Look no longer, and wait for the threads. What is being trained goes on."""
        for run in self._runs.values():
            run.close()
        for job, thread in self._threads:
            job.cancel()
            thread.join()

    def _watch(
        self, folder: Path, *, arguments: tuple[str, ...] | None = None, started_in: Path | None = None
    ) -> TrainingRun:
        folder = folder.absolute()
        old = self._runs.pop(folder, None)
        if old is not None:
            old.close()
        for other in [run for run in self._runs.values() if not run.view.is_live]:
            # Only what goes on has to be followed when another run is looked at.
            self._runs.pop(other.folder).close()
        run = TrainingRun(folder, changed=self._changed, arguments=arguments, started_in=started_in)
        self._runs[folder] = run
        return run

    def _ask(self, name: str, work: Callable[[Job], Answer | None]) -> Asked[Answer]:
        asked: Asked[Answer] = Asked(name)

        def do() -> None:
            error: str | None = None
            try:
                asked.answer = work(asked.job)
            except ExplorerError as failure:
                error = str(failure)
            except Exception as failure:
                # The thread's edge: a person sees what went wrong where they asked.
                _log.exception("%s failed", name)
                error = f"{name}: {type(failure).__name__}: {failure}"
            asked.job.finish(error)
            self._changed()

        self._add(asked.job)
        thread = threading.Thread(target=do, name="training", daemon=True)
        self._threads = [(job, old) for job, old in self._threads if old.is_alive()]
        self._threads.append((asked.job, thread))
        thread.start()
        return asked
