"""What is edited: the state, its history, saved points, and the project that they are kept in."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from explorer.project import BlobStore, Project, Recipe, save_picture, save_project
from explorer.rendering.frame import Frame
from explorer.session.message import Level
from explorer.session.opening import Opened
from explorer.session.recovery import Recoverable, Recovery
from explorer.state import CheckpointRef, EditState, History, Point

__all__ = ["Document"]


class Document:
    """All of a session that a file can hold. Every committed step is written down at once.

    Args:
        recovery: Where journals lie; nothing is written down when ``None``.
        report: Told what a person should know.
    """

    def __init__(self, recovery: Path | None, *, report: Callable[[Level, str], None]) -> None:
        self.state = EditState()
        """What is shown now, possibly not yet committed. Change it with `Session.preview` or `Session.edit`."""
        self.history = History.start(EditState())
        """Every committed state."""
        self.points: tuple[Point, ...] = ()
        """What a person saved to come back to; part of the project. Change it by assigning another value."""
        self.project_path: Path | None = None
        """Where the project was last saved to or opened from."""
        self._blobs = BlobStore()
        self._saved = self._project()
        self._recovery = Recovery(recovery, warn=lambda text: report("warning", text))

    def commit(self, label: str) -> None:
        """Make the shown state one step of the history; nothing when it is the committed one."""
        self.history = self.history.commit(self.state, label)
        # An equal state comes back as the committed object itself.
        self.state = self.history.current.state
        self._write_down()

    @property
    def can_undo(self) -> bool:
        """Whether there is a step to take back."""
        return self.history.can_undo or self.state is not self.history.current.state

    @property
    def can_redo(self) -> bool:
        """Whether there is a step to take again."""
        return self.history.can_redo

    def pin(self, id: int, pinned: bool = True) -> None:
        """Mark a step of the history to find it again, or take its mark away; no step by itself.

        Raises:
            ValueError: There is no such step.
        """
        self.history = self.history.pin(id, pinned)
        self._write_down()

    def keep_point(self, name: str) -> Point:
        """Save what is shown as a point of that name, the last of `points`."""
        point = Point(name, self.state)
        self.points = (*self.points, point)
        self._write_down()
        return point

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

    def recoverable(self) -> list[Recoverable]:
        """Work that a process left behind when it did not end well, the newest first."""
        return self._recovery.offers()

    def discard(self, work: Recoverable) -> None:
        """Drop such work for good.

        Raises:
            OSError: It cannot be removed.
        """
        work.path.unlink(missing_ok=True)

    def _project(self) -> Project:
        return Project(self.state, self.history, self._blobs, self.points)

    def _write_down(self) -> None:
        """Take what is new into the journal."""
        if self.state.checkpoint is not None:
            clean = self._saved.history is self.history and self._saved.points is self.points
            self._recovery.keep(self._project(), clean=clean, path=self.project_path)

    def _add(self, state: EditState, label: str) -> None:
        """Add a state that was opened: the first one, or one more step, so that what was there is one undo away."""
        if self.state.checkpoint is None:
            self.history = History.start(state, label)
            self.state = state
            self._saved = self._project()
        else:
            self.commit("Edit")
            self.state = state
            self.commit(label)

    def _move_on(self, old: CheckpointRef, new: CheckpointRef) -> None:
        """Have all that was made on one model be made on another that takes its place. No step."""
        # Work that a person never saved, nor did anything to, is no more unsaved for that.
        untouched = self.project_path is None and not self.is_dirty
        committed = self.state is self.history.current.state
        self.history = self.history.moved(old.sha256, new)
        self.state = self.history.current.state if committed else replace(self.state, checkpoint=new)
        if untouched:
            self._saved = self._project()

    def _enter_project(self, project: Project, opened: Opened) -> None:
        self._blobs = project.blobs
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

    def _enter_recipe(self, recipe: Recipe, reference: CheckpointRef, path: Path) -> None:
        self._blobs.take_in(recipe.blobs)
        self._add(replace(recipe.state, checkpoint=reference), f"Open {path.name}")
