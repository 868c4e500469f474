"""A session: the open model, the state that is shown, its history, and the picture of it.

All methods are called from one thread, the window's, and none blocks. What happens in the background takes
effect inside `newest_frame` and `messages`, so everything else stays the same between two calls of them.
"""

import itertools
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.project import BundledModel, bundled_models
from explorer.projection.plan import Plan
from explorer.rendering.frame import Frame
from explorer.session.compiling import Compiling
from explorer.session.compute import ON_PROCESSOR, Compute
from explorer.session.entering import beginning, fitted_to
from explorer.session.job import Job
from explorer.session.loader import Loader, Opening
from explorer.session.message import Message
from explorer.session.opening import OpenModel, name_of
from explorer.session.projecting import Projecting
from explorer.session.projections import Projections
from explorer.session.recovery import Recoverable
from explorer.session.scanning import Scan
from explorer.session.training import Training
from explorer.session.workbench import Workbench
from explorer.session.worker import Request
from explorer.state import CheckpointRef, EditState, GeneratorSpec, History, NoCondition, Point

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from explorer.projection import Crop, Photo

__all__ = ["Session"]


class Session(Workbench):
    """All that a window needs: what is edited, the model, and the pictures of it.

    Args:
        threads: Threads for computing; all cores but one when ``None``.
        compile_kernels: Compile the faster kernels in the background once a model is open, then use them.
        recovery: Where every committed step is written down, so that a crash loses none; nowhere when ``None``.
        compute: Where models compute.
    """

    def __init__(
        self,
        *,
        threads: int | None = None,
        compile_kernels: bool = True,
        recovery: Path | None = None,
        compute: Compute = ON_PROCESSOR,
    ) -> None:
        super().__init__(threads=threads, compile_kernels=compile_kernels, recovery=recovery, compute=compute)
        self.bundled: tuple[BundledModel, ...] = bundled_models()
        """The models that come with the program, the default one first."""
        self.last_request = 0
        """The number of the newest request; `Frame.request` says which one a frame answers."""
        self._numbers = itertools.count(1)
        self._oldest_shown = 0
        self._loader = Loader(report=self._report, changed=self._notify)
        self.projections = Projections(self._background, self)
        """Photos that are looked for, or wait for it; see `project`."""
        self.training = Training(add=self._background.add, changed=self._notify)
        """Runs of the trainer, which go on when this session ends."""

    @property
    def recent(self) -> tuple[str, ...]:
        """Where models were opened from, the newest first: searched for the model of a picture or project."""
        return self._models.recent

    @recent.setter
    def recent(self, sources: tuple[str, ...]) -> None:
        self._models.recent = sources

    def move_to(self, compute: Compute) -> Job | None:
        """Load the open model anew on another device or in another precision; ``None`` when it is there already.

        Until it is loaded, and if that fails, all stays. Models opened later follow.
        """
        opening = self._models.move_to(compute)
        return None if opening is None else self._load(opening)

    def open(self, source: str | Path) -> Job:
        """Open a checkpoint, project, picture, ``bundled:NAME`` or address in the background; until then all stays.

        A second call gives the first one up.
        """
        return self._load(Opening(Job(f"Open {name_of(source)}"), source))

    @property
    def failed_opening(self) -> Job | None:
        """The newest opening where it failed, with its name and its error; see `open_again`."""
        return None if self._loader.failed is None else self._loader.failed.job

    @property
    def failed_source(self) -> str | Path:
        """What that opening was of; empty where none failed."""
        source = "" if self._loader.failed is None else self._loader.failed.source
        return source.hint if isinstance(source, CheckpointRef) else source

    def open_again(self) -> Job | None:
        """Try again what failed to open; ``None`` where nothing did."""
        opening = self._loader.again()
        return None if opening is None else self._load(opening)

    def forget_failed(self) -> None:
        """Let it be."""
        self._loader.failed = None

    def scan(self, folder: str | Path) -> Scan:
        """Look for training runs and models in a folder and below it, in the background."""
        return self._background.scan(Path(folder))

    def follow(self, snapshot: Path) -> Job | None:
        """Put another snapshot of a run in the place of the open one; state, history and points stay, without a step.

        ``None`` while something else is being opened, and when no model is open.
        """
        if self._model is None or self._loader.busy:
            return None
        return self._load(Opening(Job(f"Follow {snapshot.name}"), snapshot, instead_of=self._model.reference))

    def unload(self) -> None:
        """Close the model and give its memory back. The state and its history stay: opening a model goes on there."""
        self.commit("Edit")
        self._loader.give_up()
        self._background.stop(but=self._compiling.job)
        self._models.unload()
        self._background.equivariance = None
        # What is still being rendered is of no model that is open.
        self._oldest_shown = self.last_request + 1

    def preview(self, state: EditState) -> None:
        """Show a state without history, as while a hand drags. The newest one wins."""
        if state == self.state:
            return
        self.state = state
        self._request()

    def edit(self, state: EditState, label: str) -> None:
        """Show a state and make it one step."""
        self.preview(state)
        self.commit(label)

    def undo(self) -> bool:
        """Go back one step; false when there is none. What is shown but not committed becomes a step first."""
        self.commit("Edit")
        return self._go(self.history.undo())

    def redo(self) -> bool:
        """Go forward to the newest step made from here; false when there is none."""
        self.commit("Edit")
        return self._go(self.history.redo())

    def jump(self, id: int) -> bool:
        """Go to any step of the history; false when it is the current one.

        Raises:
            ValueError: There is no such step.
        """
        self.commit("Edit")
        return self._go(self.history.jump(id))

    def recall(self, point: Point) -> bool:
        """Show a saved point as one step, in the model that is open; what it cannot do is left out and told."""
        state, notes = self._fitted(point.state)
        for note in notes:
            self._report("warning", f"{self.model_name} has no place for {note}")
        before = self.history
        self.edit(state, f"Go to {point.name}")
        return self.history is not before

    def project(
        self,
        photo: "Photo",
        plan: Plan,
        *,
        crop: "Crop | None" = None,
        mask: "npt.NDArray[np.floating] | None" = None,
        network: Path | None = None,
        face: bool = False,
    ) -> Projecting:
        """Look for a photo, after those that wait already; the picture follows the search. See `Projecting`.

        Raises:
            StateError: No model is open.
        """
        return self.projections.add(self._model, photo, plan, crop=crop, mask=mask, network=network, face=face)

    def learn_model(self) -> None:
        """Learn in the background how the open model's pictures look, since a photo is likely to be looked for."""
        self.projections.learn(self._model)

    def keep_mix(self) -> Job | None:
        """Make what is mixed the base, as one step that leaves the picture as it is; ``None`` when nothing is mixed.

        The styles are computed in the background; when something else is mixed by then, nothing happens.
        """
        return self._background.keep_mix(self._model, self.state)

    def recover(self, work: Recoverable) -> Job:
        """Open such work in the background, as a project that is not yet saved."""
        return self._load(Opening(Job("Recover work"), work.path))

    def newest_frame(self) -> Frame | None:
        """A frame that was not yet taken, else ``None``; never blocks."""
        self._apply()
        frame = self._worker.frames.take()
        # A picture of the model that was open before may still be on its way.
        return frame if frame is not None and frame.request >= self._oldest_shown else None

    @property
    def is_rendering(self) -> bool:
        """Whether the picture of the shown state is still being made."""
        return self._worker.busy

    def messages(self) -> list[Message]:
        """What a person should be told, each once."""
        self._apply()
        drained = []
        while not self._messages.empty():
            drained.append(self._messages.get())
        return drained

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Background work that is not done."""
        return self._background.jobs

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait until no job and no picture is left to do; false when it took too long. For scripts and tests."""
        deadline_s = None if timeout_s is None else time.monotonic() + timeout_s
        with self._changed:
            while True:
                self._apply()
                if not (self.jobs or self.is_rendering or self._loader.busy or self._encoding.busy):
                    return True
                left_s = None if deadline_s is None else deadline_s - time.monotonic()
                if left_s is not None and left_s <= 0:
                    return False
                self._changed.wait(left_s)

    def wait_for_frame(self, timeout_s: float) -> bool:
        """Wait until a frame can be taken, so that a window shows it at once; false when none came in time."""
        with self._changed:
            return self._changed.wait_for(lambda: self._worker.frames.peek() is not None, timeout_s)

    def close(self) -> None:
        """End the background work and wait for its threads."""
        self._background.close()
        self._loader.give_up()
        self._worker.close()
        self._loader.close()
        self._encoding.close()
        self.training.close()
        self._recovery.close()

    def _request(self) -> None:
        if self._model is None:
            return
        texts = self._model.renderer.texts
        wanted = texts.missing(self.state.condition)
        if wanted and not self._encoding.failed(texts):
            # The picture that is shown stays until they are encoded.
            if job := self._encoding.start(texts, wanted):
                self._background.add(job)
            return
        # Told once why not; everything else can still be seen.
        state = replace(self.state, condition=NoCondition()) if wanted else self.state
        self.last_request = next(self._numbers)
        self._worker.request(Request(self.last_request, state, self._model.renderer, time.perf_counter()))

    def _go(self, history: History) -> bool:
        if history is self.history or history.cursor == self.history.cursor:
            return False
        wanted = history.current.state.checkpoint
        if wanted is None or (self._model is not None and wanted.sha256 == self._model.reference.sha256):
            self._arrive(history)
        elif wanted.sha256 in self._models.kept:
            self._use(self._models.kept[wanted.sha256])
            self._arrive(history)
        else:
            # The step is taken once its model is here; until then everything stays.
            self._load(Opening(Job(f"Open {Path(wanted.hint).name}"), wanted, history.cursor))
        return True

    def _arrive(self, history: History) -> None:
        self.history = history
        self.state = history.current.state
        self._request()

    def _load(self, opening: Opening) -> Job:
        self._background.add(opening.job)
        models = self._models
        return self._loader.start(opening, recent=models.recent, loaded=models.kept, compute=models.wanted)

    def _apply(self) -> None:
        self._write_down()
        self._go_on_compiling(self._compiling)
        self._models.take_moved()
        if self._encoding.take_ended() is not None:
            self._request()
        self._background.take_measured(self._model)
        if kept := self._background.take_kept(self.state, self._blobs):
            self.edit(kept, "Keep the mix")
        self.projections.apply(self._model, self._blobs, time.monotonic())
        taken = self._loader.take()
        if taken is None:
            return
        opening, opened = taken
        before = self.spec
        self._use(opened.model)
        if opened.project is not None:
            self._enter_project(opened.project, opened)
            # Its arrays are the old project's.
            self.projections.found = None
            opened.model.renderer.blobs = self._blobs
        elif opened.recipe is not None:
            self._enter_recipe(opened.recipe, opened.model.reference, Path(str(opening.source)))
        elif opening.step is not None:
            self.history = self.history.jump(opening.step)
            self.state = self.history.current.state
        elif opening.instead_of is not None and _may_follow(self.state, opening.instead_of, before, self.spec):
            self._move_on(opening.instead_of, opened.model.reference)
            self._models.forget(opening.instead_of)
        elif not opening.again:
            self._enter_model(opened.model)
        self._request()

    def _go_on_compiling(self, compiling: Compiling) -> None:
        if compiling.take_switched():
            self._request()
        if compiling.wanted and not compiling.started and self._model is not None and not self._worker.busy:
            # After the first picture, which compiling beside it would delay.
            self._background.add(compiling.start())

    def _use(self, model: OpenModel) -> None:
        if model is not self._model:
            self._background.equivariance = None
        self._models.use(model)
        model.renderer.blobs = self._blobs
        self._oldest_shown = self.last_request + 1
        self._background.find_directions(model)

    def _enter_model(self, model: OpenModel) -> None:
        label = f"Open {model.name}"
        if self.state.checkpoint is None:
            self._add(beginning(model), label)
            return
        state, notes = fitted_to(model, replace(self.state, checkpoint=model.reference), self._blobs)
        for note in notes:
            self._report("warning", f"{model.name} has no place for {note}")
        self._add(state, label)


def _may_follow(state: EditState, old: CheckpointRef, before: GeneratorSpec | None, now: GeneratorSpec | None) -> bool:
    """Whether a model can take the place of another with all that was made on it."""
    return before == now and state.checkpoint is not None and state.checkpoint.sha256 == old.sha256
