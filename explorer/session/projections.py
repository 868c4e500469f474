"""The photos of a session that are looked for, one after the other, and what becomes of what is found."""

from typing import TYPE_CHECKING, Any, Protocol

from explorer.errors import StateError
from explorer.project import BlobStore
from explorer.projection.plan import Plan
from explorer.session.background import Background
from explorer.session.message import Level
from explorer.session.opening import OpenModel
from explorer.session.projecting import Learning, Projecting
from explorer.state import EditState, Point

if TYPE_CHECKING:
    from explorer.projection import Photo

__all__ = ["Projections"]


# Everything that a person waits for goes before a search, and a search before what may be wanted later.
_SEARCH, _LEARN = 1, 2


class _Edited(Protocol):
    """What is shown and edited."""

    state: EditState
    points: tuple[Point, ...]

    def preview(self, state: EditState) -> None: ...
    def commit(self, label: str) -> None: ...
    def edit(self, state: EditState, label: str) -> None: ...
    def _report(self, level: Level, text: str) -> None: ...


class Projections:
    """A queue of searches. The first one runs; its best is shown, kept as a point, and one step in the end.

    A person who edits something else meanwhile is not disturbed: the search goes on unseen, and its result is a point.

    Args:
        background: Runs them.
        edited: Is shown what is found.
    """

    def __init__(self, background: Background, edited: _Edited) -> None:
        self._background = background
        self._edited = edited
        self._queue: list[Projecting] = []
        self._shown: EditState | None = None
        self._begun: Projecting | None = None
        self._learning: Learning | None = None
        self.newest: Projecting | None = None
        """What was looked for last, running or done; ``None`` before the first."""
        self.found: Point | None = None
        """What was found last, or the best that was written down of what is looked for; ``None`` before the first."""

    @property
    def running(self) -> Projecting | None:
        """The one that is looked for, perhaps paused."""
        return self._queue[0] if self._queue else None

    @property
    def waiting(self) -> tuple[Projecting, ...]:
        """Those after it."""
        return tuple(self._queue[1:])

    def add(self, model: OpenModel | None, photo: "Photo", plan: Plan, **options: Any) -> Projecting:
        """Look for another photo when the others are done; options as of `Projecting`.

        Raises:
            StateError: No model is open.
        """
        if model is None:
            raise StateError("no model is open: open one first")
        added = Projecting(photo, plan, self._edited.state, model, **options)
        self._queue.append(added)
        self._begin()
        return added

    def learn(self, model: OpenModel | None) -> None:
        """Make the model's bank in the background, if it is not being made; ``None`` is nothing to learn.

        One that is on the disk already is only read.
        """
        state, learning = self._edited.state, self._learning
        if model is None:
            return
        if learning is not None:
            if learning.is_of(state, model) and not (learning.job.done or learning.job.cancelled):
                return
            learning.job.cancel()
        self._learning = Learning(state, model)
        self._background.run(self._learning.job, self._learning.steps, patience=_LEARN)

    def resume(self) -> None:
        """Go on with the one that was paused."""
        running = self.running
        if running is None or not running.paused:
            return
        if running.job.done:
            self._background.run(running.resume(), running.steps, patience=_SEARCH)
        else:
            # It has not halted yet.
            running.paused = False

    def stop(self) -> None:
        """End the one that runs, or that is paused; the best so far stays."""
        if self.running is not None:
            self.running.stop()

    def clear(self) -> None:
        """Forget those that wait."""
        del self._queue[1:]

    def apply(self, model: OpenModel | None, blobs: BlobStore, now_s: float) -> None:
        """Show what is found so far, and take in what is done. Called in every frame."""
        self._let_go(model)
        running = self.running
        if running is None:
            return
        if running.model is not model:
            running.stop()
        self._show(running, blobs, now_s)
        if running.done:
            self._finish(running, blobs)
            running.release()
            self._queue.remove(running)
            self._begin()

    def _begin(self) -> None:
        first = self.running
        if first is not None and first is not self._begun:
            self._begun = self.newest = first
            # What is shown but not committed must not be lost under the previews.
            self._edited.commit("Edit")
            self._shown = self._edited.state
            self._background.run(first.job, first.steps, patience=_SEARCH)

    def _let_go(self, model: OpenModel | None) -> None:
        """Stop learning a model that is no longer open, and do not keep one in memory that is learned."""
        if self._learning is None:
            return
        if self._learning.model is not model:
            self._learning.job.cancel()
        if self._learning.job.done:
            self._learning = None

    @property
    def _follows(self) -> bool:
        return self._shown is not None and self._edited.state is self._shown

    def _show(self, running: Projecting, blobs: BlobStore, now_s: float) -> None:
        if self._follows and (state := running.take_shown(now_s, blobs)) is not None:
            self._edited.preview(state)
            self._shown = self._edited.state
        if running.due_to_keep(now_s):
            self._keep(running, blobs, unfinished=True)

    def _finish(self, running: Projecting, blobs: BlobStore) -> None:
        if running.progress is None:
            return
        state = self._keep(running, blobs, unfinished=False)
        if self._follows:
            self._edited.edit(state, f"Project {running.photo.name}")
        else:
            self._edited._report("info", f"{running.photo.name} is found: it is among the points")

    def _keep(self, running: Projecting, blobs: BlobStore, *, unfinished: bool) -> EditState:
        assert running.progress is not None
        state = running.progress.found.state(running.base, blobs)
        self.found = Point(running.point, state)
        self._edited.points = running.kept(self._edited.points, state, unfinished=unfinished)
        return state
