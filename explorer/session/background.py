"""What is made of the open model beside its pictures: directions, thumbnails, sheets, measurements."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import StateError
from explorer.project import BlobStore
from explorer.session.job import Job
from explorer.session.keeping import KeptMix
from explorer.session.mailbox import Mailbox
from explorer.session.message import Level
from explorer.session.opening import OpenModel
from explorer.session.scanning import Scan
from explorer.session.sheets import Sheet
from explorer.session.thumbnails import Thumbnails
from explorer.session.worker import Worker
from explorer.state import EditState, SheetPlan

if TYPE_CHECKING:
    from explorer.rendering.equivariance import Equivariance

__all__ = ["Background"]


class Background:
    """All jobs of a session, and the making of those that the render thread does between pictures. For one thread.

    Args:
        worker: The render thread.
        report: Told what went wrong, from any thread.
        changed: Told that something ended, from any thread.
    """

    def __init__(self, worker: Worker, *, report: Callable[[Level, str], None], changed: Callable[[], None]) -> None:
        self.equivariance: Equivariance | None = None
        """What was measured so far of the open model; ``None`` before."""
        self._worker = worker
        self._report = report
        self._changed = changed
        self._scan: Scan | None = None
        self._jobs: list[Job] = []
        self._measured: Mailbox[tuple[OpenModel, Equivariance]] = Mailbox()
        self._keeping: KeptMix | None = None

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Those that are not done."""
        self._jobs = [job for job in self._jobs if not job.done]
        return tuple(self._jobs)

    def add(self, job: Job) -> Job:
        """Let a person see a job that somebody else does."""
        self._jobs.append(job)
        return job

    def run(self, job: Job, steps: Callable[[], Iterator[float]], *, patience: int = 0) -> Job:
        """Do a job in the render thread, whenever no picture is asked for, one step at a time; see `Worker`."""
        self.add(job)
        self._worker.add_task(job, steps, patience=patience)
        return job

    def stop(self, *, but: Job | None = None) -> None:
        """Cancel every job, except for one."""
        for job in self._jobs:
            if job is not but:
                job.cancel()

    def close(self) -> None:
        """Cancel every job, and wait for the threads that are this class's own."""
        self.stop()
        if self._scan is not None:
            self._scan.close()

    def scan(self, folder: Path) -> Scan:
        """Look for models in a folder; a scan that is under way is given up."""
        if self._scan is not None:
            self._scan.job.cancel()
        self._scan = Scan(folder, report=self._report, changed=self._changed)
        self.add(self._scan.job)
        return self._scan

    def find_directions(self, model: OpenModel) -> Job | None:
        """Find the principal directions; ``None`` when they are."""
        if model.renderer.direction_count is not None:
            return None
        return self.run(Job("Find directions"), model.renderer.directions_in_steps)

    def find_centres(self, model: OpenModel | None) -> Job | None:
        """Find the clusters' centres; ``None`` when they are, or no model is open."""
        if model is None or model.renderer.has_centres:
            return None
        return self.run(Job("Find centres"), model.renderer.centres_in_steps)

    def thumbnails(
        self, model: OpenModel | None, states: Sequence[EditState], *, side_px: int, name: str
    ) -> Thumbnails:
        """Make small pictures, as `Session.thumbnails`."""
        made = Thumbnails(states, _opened(model), side_px=side_px, name=name)
        self.run(made.job, made.steps)
        return made

    def mixing_sheet(self, model: OpenModel | None, plan: SheetPlan, base: EditState) -> Sheet:
        """Make a sheet of style mixtures, as `Session.mixing_sheet`."""
        sheet = Sheet(plan, base, _opened(model))
        self.run(sheet.job, sheet.steps)
        return sheet

    def keep_mix(self, model: OpenModel | None, state: EditState) -> Job | None:
        """Compute the mixed styles of a state; `take_kept` has what comes of it. ``None`` when nothing is mixed."""
        if model is None or not any(mix.layers for mix in state.mixing):
            return None
        self._keeping = KeptMix(state, model)
        return self.run(self._keeping.job, self._keeping.steps)

    def take_kept(self, state: EditState, blobs: BlobStore) -> EditState | None:
        """What `keep_mix` makes of the shown state, once it is there; see `KeptMix.applied`."""
        if self._keeping is None or not self._keeping.job.done:
            return None
        keeping, self._keeping = self._keeping, None
        return keeping.applied(state, blobs)

    def measure_equivariance(self, model: OpenModel | None, *, samples: int, psi: float) -> Job | None:
        """Measure how well pictures follow when they are moved; ``None`` on a model that cannot move them."""
        if model is None or not model.spec.has_transform:
            return None

        def steps() -> Iterator[float]:
            for found in model.renderer.equivariance_in_steps(samples=samples, psi=psi):
                self._measured.put((model, found))
                yield found.share

        return self.run(Job("Measure equivariance"), steps)

    def take_measured(self, model: OpenModel | None) -> None:
        """Take in what was measured, of the open model."""
        measured = self._measured.take()
        if measured is not None and measured[0] is model:
            self.equivariance = measured[1]


def _opened(model: OpenModel | None) -> OpenModel:
    if model is None:
        raise StateError("no model is open: open one first")
    return model
