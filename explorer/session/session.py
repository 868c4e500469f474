"""A session: the open model, the state that is shown, its history, and the picture of it.

All methods are called from one thread, the window's, and none blocks. What happens in the background takes
effect inside `newest_frame` and `messages`, so everything else stays the same between two calls of them.
"""

import itertools
import queue
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import StateError
from explorer.project import (
    BlobStore,
    BundledModel,
    Project,
    Recipe,
    bundled_models,
    save_picture,
    save_project,
)
from explorer.rendering.frame import Frame
from explorer.rendering.restriction import replace_latents, restrict
from explorer.session.compiling import Compiling
from explorer.session.compute import ON_PROCESSOR, Choice, Compute
from explorer.session.encoding import Encoding
from explorer.session.job import Job
from explorer.session.keeping import KeptMix
from explorer.session.loader import Loader, Opening
from explorer.session.mailbox import Mailbox
from explorer.session.message import Level, Message
from explorer.session.opening import BUNDLED, Opened, OpenModel
from explorer.session.recovery import Recoverable, Recovery
from explorer.session.sheets import Sheet
from explorer.session.thumbnails import Thumbnails
from explorer.session.worker import Request, Worker
from explorer.state import EditState, GeneratorSpec, History, NoCondition, Point, SeedPad, SheetPlan, Truncation

if TYPE_CHECKING:
    from explorer.rendering.equivariance import Equivariance
    from explorer.rendering.text_finding import FoundEncoder

__all__ = ["Session"]

# Models that stay in memory, so that undoing the opening of one is immediate.
_KEPT_MODELS = 2
# As `SeedPad` counts.
_SEEDS_A_ROW = 100


class Session:
    """All that a window needs.

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
        self.state = EditState()
        """What is shown now, possibly not yet committed. Change it with `preview` or `edit`."""
        self.history = History.start(EditState())
        """Every committed state."""
        self.points: tuple[Point, ...] = ()
        """What a person saved to come back to; part of the project. Change it by assigning another value."""
        self.project_path: Path | None = None
        """Where the project was last saved to or opened from."""
        self.recent: tuple[str, ...] = ()
        """Where models were opened from, the newest first: searched for the model of a picture or project."""
        self.bundled: tuple[BundledModel, ...] = bundled_models()
        """The models that come with the program, the default one first."""
        self.last_request = 0
        """The number of the newest request; `Frame.request` says which one a frame answers."""
        self._model: OpenModel | None = None
        self._models: OrderedDict[str, OpenModel] = OrderedDict()
        self._blobs = BlobStore()
        self._saved = self._project()
        self.equivariance: Equivariance | None = None
        """What `measure_equivariance` has found so far on the open model; ``None`` before."""
        self._measured: Mailbox[tuple[OpenModel, Equivariance]] = Mailbox()
        self._keeping: KeptMix | None = None
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._changed = threading.Condition()
        self._numbers = itertools.count(1)
        self._oldest_shown = 0
        self._jobs: list[Job] = []
        self._recovery = Recovery(recovery, warn=lambda text: self._report("warning", text))
        self._encoding = Encoding(report=self._report, changed=self._notify)
        self._loader = Loader(report=self._report, changed=self._notify)
        self._worker = Worker(threads=threads, report=self._report, changed=self._notify)
        self._compiling = Compiling(self._worker, wanted=compile_kernels, report=self._report, changed=self._notify)
        self._wanted = compute
        self._moving: Job | None = None

    @property
    def spec(self) -> GeneratorSpec | None:
        """The open model's shape; ``None`` before one is open."""
        return None if self._model is None else self._model.spec

    @property
    def model_name(self) -> str:
        """The open model's name for a person; empty before one is open."""
        return "" if self._model is None else self._model.name

    @property
    def info(self) -> Mapping[str, object]:
        """What the open model's file says about itself."""
        return {} if self._model is None else self._model.info

    @property
    def compute(self) -> Compute:
        """Where the open model computes, or the next one will."""
        return self._wanted if self._model is None else self._model.compute

    def move_to(self, compute: Compute) -> Job | None:
        """Load the open model anew on another device or in another precision; ``None`` when it is there already.

        Until it is loaded, and if that fails, all stays. Models opened later follow.
        """
        if compute == self.compute:
            return None
        self._wanted = compute
        self._models.clear()
        if self._model is None:
            return None
        job = Job(f"Load {self._model.name} in {compute.precision}")
        self._moving = job
        return self._load(Opening(job, self._model.reference, again=True))

    def computes_on(self) -> tuple[tuple[Choice, ...], tuple[Choice, ...]]:
        """Devices and precisions to choose from, those with reasons that this machine cannot do. Needs torch."""
        from explorer.rendering.machine import missing_device

        gpu = missing_device("cuda")
        half = (
            "" if self.compute.device == "cuda" else "float16 overflows in places, and no processor is faster with it"
        )
        return (
            (Choice("cpu", "Processor"), Choice("cuda", "GPU", gpu)),
            (
                Choice("float32", "float32"),
                Choice("bfloat16", "bfloat16"),
                Choice("float16", "float16", half),
            ),
        )

    @property
    def previews(self) -> bool:
        """Whether an early, coarse picture may come before a slow one."""
        return self._worker.previews

    @previews.setter
    def previews(self, on: bool) -> None:
        self._worker.previews = on

    @property
    def compiled(self) -> bool:
        """Whether compiled kernels serve, or will once they are compiled."""
        return self._compiling.wanted

    def use_compiled(self, on: bool) -> None:
        """Let compiled kernels serve, or torch alone, from the next picture on."""
        self._compiling.want(on)

    @property
    def direction_count(self) -> int | None:
        """How many principal directions there are; ``None`` until they are found."""
        return None if self._model is None else self._model.renderer.direction_count

    def open(self, source: str | Path) -> Job:
        """Open a checkpoint, project, picture or ``bundled:NAME`` in the background; until it succeeds all stays.

        A second call gives the first one up.
        """
        name = str(source).removeprefix(BUNDLED) if str(source).startswith(BUNDLED) else Path(source).name
        return self._load(Opening(Job(f"Open {name}"), source))

    def unload(self) -> None:
        """Close the model and give its memory back. The state and its history stay: opening a model goes on there."""
        self.commit("Edit")
        self._loader.give_up()
        for job in self.jobs:
            if job is not self._compiling.job:
                job.cancel()
        self._model = None
        self._models.clear()
        self.equivariance = None
        # What is still being rendered is of no model that is open.
        self._oldest_shown = self.last_request + 1

    def preview(self, state: EditState) -> None:
        """Show a state without history, as while a hand drags. The newest one wins."""
        if state == self.state:
            return
        self.state = state
        self._request()

    def commit(self, label: str) -> None:
        """Make the shown state one step of the history; nothing when it is the committed one."""
        self.history = self.history.commit(self.state, label)
        # An equal state comes back as the committed object itself.
        self.state = self.history.current.state
        self._write_down()

    def edit(self, state: EditState, label: str) -> None:
        """Show a state and make it one step."""
        self.preview(state)
        self.commit(label)

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self.history.can_undo or self.state is not self.history.current.state

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to take again."""
        return self.history.can_redo

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

    def pin(self, id: int, pinned: bool = True) -> None:
        """Mark a step of the history to find it again, or take its mark away; no step by itself.

        Raises:
            ValueError: There is no such step.
        """
        self.history = self.history.pin(id, pinned)
        self._write_down()

    def save_picture(self, frame: Frame, path: str | Path) -> None:
        """Write a frame as a PNG that holds its state, so that opening it brings the state back.

        Raises:
            OSError: The file cannot be written.
        """
        save_picture(frame.pixels, path, Recipe(frame.state, self._blobs))

    def save_project(self, path: str | Path) -> None:
        """Write the project.

        Raises:
            ProjectFileError: The file cannot be written.
        """
        project = self._project()
        save_project(project, path)
        self.project_path = Path(path)
        self._saved = project
        self._write_down()

    @property
    def is_dirty(self) -> bool:
        """Whether something changed since the project was saved or opened."""
        return self._saved != self._project()

    def keep_point(self, name: str) -> Point:
        """Save what is shown as a point of that name, the last of `points`."""
        point = Point(name, self.state)
        self.points = (*self.points, point)
        self._write_down()
        return point

    def recall(self, point: Point) -> bool:
        """Show a saved point as one step, in the model that is open; what it cannot do is left out and told."""
        state, notes = self._fitted(point.state)
        for note in notes:
            self._report("warning", f"{self.model_name} has no place for {note}")
        before = self.history
        self.edit(state, f"Go to {point.name}")
        return self.history is not before

    def fitted(self, state: EditState) -> EditState:
        """A state as the open model can show it, silently without what it cannot do; itself before one is open."""
        return self._fitted(state)[0]

    def _fitted(self, state: EditState) -> tuple[EditState, tuple[str, ...]]:
        state = replace(state, checkpoint=self.state.checkpoint)
        if self._model is None:
            return state, ()
        state, lost = replace_latents(state, self._model.spec, self._blobs.shapes())
        state, dropped = restrict(state, self._model.spec)
        return state, (*lost, *dropped)

    def find_centres(self) -> Job | None:
        """Find the clusters' centres in the background, so that no picture waits for them; ``None`` when they are."""
        if self._model is None or self._model.renderer.has_centres:
            return None
        return self._in_background(Job("Find centres"), self._model.renderer.centres_in_steps)

    def thumbnails(self, states: Sequence[EditState], *, side_px: int = 96, name: str = "Thumbnails") -> Thumbnails:
        """Make small pictures of states in the background, without disturbing what is shown.

        Args:
            states: Of the open model; others stay empty.
            side_px: Length of each picture's longer side; the model's own for a sheet of full pictures.
            name: What the job is called.

        Raises:
            StateError: No model is open.
        """
        if self._model is None:
            raise StateError("no model is open: open one first")
        made = Thumbnails(states, self._model, side_px=side_px, name=name)
        self._in_background(made.job, made.steps)
        return made

    def mixing_sheet(self, plan: SheetPlan, base: EditState | None = None) -> Sheet:
        """Make a sheet of style mixtures in the background; its pixels are those of the command line's.

        Args:
            plan: Which seeds and layers.
            base: Everything but the latent and the mixing; the shown state when ``None``.

        Raises:
            StateError: No model is open.
        """
        if self._model is None:
            raise StateError("no model is open: open one first")
        sheet = Sheet(plan, self.state if base is None else base, self._model)
        self._jobs.append(sheet.job)
        self._worker.add_task(sheet.job, sheet.steps)
        return sheet

    def keep_mix(self) -> Job | None:
        """Make what is mixed the base, as one step that leaves the picture as it is; ``None`` when nothing is mixed.

        The styles are computed in the background; when something else is mixed by then, nothing happens.
        """
        if self._model is None or not any(mix.layers for mix in self.state.mixing):
            return None
        self._keeping = KeptMix(self.state, self._model)
        self._jobs.append(self._keeping.job)
        self._worker.add_task(self._keeping.job, self._keeping.steps)
        return self._keeping.job

    @property
    def text_encoder(self) -> "FoundEncoder | None":
        """What the open model's prompts are encoded with, or why they cannot be; ``None`` before a model is open."""
        return None if self._model is None else self._model.renderer.texts.found

    def use_text_folder(self, folder: str | Path) -> Job | None:
        """Encode prompts of the open model with the encoder in a folder, and remember it; read in the background.

        ``None`` on a model that is not steered by a text.
        """
        if self._model is None or not self._model.spec.text:
            return None
        job = self._encoding.use_folder(self._model.renderer.texts, self._model.spec.text_encoder, Path(folder))
        self._jobs.append(job)
        return job

    def measure_equivariance(self, *, samples: int = 8) -> Job | None:
        """Measure in the background how well pictures follow when they are moved; see `equivariance`.

        ``None`` on a model that cannot move its picture.
        """
        model = self._model
        if model is None or not model.spec.has_transform:
            return None
        psi = self.state.truncation.psi

        def steps() -> Iterator[float]:
            for found in model.renderer.equivariance_in_steps(samples=samples, psi=psi):
                self._measured.put((model, found))
                yield found.share

        return self._in_background(Job("Measure equivariance"), steps)

    def recoverable(self) -> list[Recoverable]:
        """Work that a process left behind when it did not end well, the newest first."""
        return self._recovery.offers()

    def recover(self, work: Recoverable) -> Job:
        """Open such work in the background, as a project that is not yet saved."""
        return self._load(Opening(Job("Recover work"), work.path))

    def discard(self, work: Recoverable) -> None:
        """Drop such work for good.

        Raises:
            OSError: It cannot be removed.
        """
        work.path.unlink(missing_ok=True)

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
        self._jobs = [job for job in self._jobs if not job.done]
        return tuple(self._jobs)

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
        for job in self._jobs:
            job.cancel()
        self._loader.give_up()
        self._worker.close()
        self._loader.close()
        self._encoding.close()
        self._recovery.close()

    def _write_down(self) -> None:
        """Take what is new into the journal."""
        if self.state.checkpoint is not None:
            clean = self._saved.history is self.history and self._saved.points is self.points
            self._recovery.keep(self._project(), clean=clean, path=self.project_path)

    def _project(self) -> Project:
        return Project(self.state, self.history, self._blobs, self.points)

    def _request(self) -> None:
        if self._model is None:
            return
        texts = self._model.renderer.texts
        wanted = texts.missing(self.state.condition)
        if wanted and not self._encoding.failed(texts):
            # The picture that is shown stays until they are encoded.
            if job := self._encoding.start(texts, wanted):
                self._jobs.append(job)
            return
        # Told once why not; everything else can still be seen.
        state = replace(self.state, condition=NoCondition()) if wanted else self.state
        self.last_request = next(self._numbers)
        self._worker.request(Request(self.last_request, state, self._model.renderer, time.perf_counter()))

    def _report(self, level: Level, text: str) -> None:
        self._messages.put(Message(level, text))

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _go(self, history: History) -> bool:
        if history is self.history or history.cursor == self.history.cursor:
            return False
        wanted = history.current.state.checkpoint
        if wanted is None or (self._model is not None and wanted.sha256 == self._model.reference.sha256):
            self._arrive(history)
        elif wanted.sha256 in self._models:
            self._use(self._models[wanted.sha256])
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
        self._jobs.append(opening.job)
        return self._loader.start(opening, recent=self.recent, loaded=self._models, compute=self._wanted)

    def _in_background(self, job: Job, steps: Callable[[], Iterator[float]]) -> Job:
        self._jobs.append(job)
        self._worker.add_task(job, steps)
        return job

    def _apply(self) -> None:
        self._write_down()
        self._go_on_compiling(self._compiling)
        if self._moving is not None and self._moving.done:
            if self._moving.error is not None:
                self._wanted = self.compute
            self._moving = None
        if self._encoding.take_ended() is not None:
            self._request()
        measured = self._measured.take()
        if measured is not None and measured[0] is self._model:
            self.equivariance = measured[1]
        if self._keeping is not None and self._keeping.job.done:
            kept, self._keeping = self._keeping.applied(self.state, self._blobs), None
            if kept is not None:
                self.edit(kept, "Keep the mix")
        taken = self._loader.take()
        if taken is None:
            return
        opening, opened = taken
        self._use(opened.model)
        if opened.project is not None:
            self._enter_project(opened.project, opened)
        elif opened.recipe is not None:
            self._enter_recipe(opened.recipe, Path(str(opening.source)))
        elif opening.again:
            self._request()
        elif opening.step is not None:
            self._arrive(self.history.jump(opening.step))
        else:
            self._enter_model(opened.model)

    def _go_on_compiling(self, compiling: Compiling) -> None:
        if compiling.take_switched():
            self._request()
        if compiling.wanted and not compiling.started and self._model is not None and not self._worker.busy:
            # After the first picture, which compiling beside it would delay.
            self._jobs.append(compiling.start())

    def _use(self, model: OpenModel) -> None:
        if model is not self._model:
            self.equivariance = None
        self._model = model
        self._models[model.reference.sha256] = model
        self._models.move_to_end(model.reference.sha256)
        self.recent = tuple(dict.fromkeys((model.reference.hint, *self.recent)))
        while len(self._models) > _KEPT_MODELS:
            self._models.popitem(last=False)
        model.renderer.blobs = self._blobs
        self._oldest_shown = self.last_request + 1
        if model.renderer.direction_count is None:
            self._in_background(Job("Find directions"), model.renderer.directions_in_steps)

    def _enter_project(self, project: Project, opened: Opened) -> None:
        assert self._model is not None
        self._blobs = self._model.renderer.blobs = project.blobs
        self.history = project.history
        # An uncommitted state that equals the current step is that step's object, so that `is` tells of changes.
        current = project.history.current.state
        self.state = current if project.state == current else project.state
        self.project_path = opened.project_path
        self.points = project.points
        if opened.recovered is None:
            self._saved = self._project()
        else:
            # Saved nowhere but in the journal, which goes once this process has written it all down.
            self._saved = Project(EditState(), History.start(EditState()))
            self._recovery.take_over(opened.recovered)
        self._request()

    def _enter_recipe(self, recipe: Recipe, path: Path) -> None:
        assert self._model is not None
        self._blobs.take_in(recipe.blobs)
        state, label = replace(recipe.state, checkpoint=self._model.reference), f"Open {path.name}"
        if self.state.checkpoint is None:
            self.history = History.start(state, label)
            self.state = state
            self._saved = self._project()
        else:
            # One more step: what was there before stays one undo away.
            self.commit("Edit")
            self.state = state
            self.commit(label)
        self._request()

    def _enter_model(self, model: OpenModel) -> None:
        label = f"Open {model.name}"
        if self.state.checkpoint is None:
            row, column = divmod(_start_seed(model.info), _SEEDS_A_ROW)
            start = SeedPad(float(column), float(row))
            fresh = EditState(checkpoint=model.reference, latent=start, truncation=Truncation(0.7))
            self.history = History.start(fresh, label)
            self.state = fresh
            self._saved = self._project()
        else:
            self.commit("Edit")
            moved = replace(self.state, checkpoint=model.reference)
            moved, lost = replace_latents(moved, model.spec, self._blobs.shapes())
            self.state, dropped = restrict(moved, model.spec)
            for note in (*lost, *dropped):
                self._report("warning", f"{model.name} has no place for {note}")
            self.commit(label)
        self._request()


def _start_seed(info: Mapping[str, object]) -> int:
    """The seed that a model's card shows it by; 0 where it names none."""
    card = info.get("card")
    seed = card.get("start_seed") if isinstance(card, dict) else None
    return seed if type(seed) is int and 0 <= seed < 2**32 else 0
