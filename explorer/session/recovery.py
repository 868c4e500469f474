"""Nothing lost: what a process that did not end well leaves behind, and how the next one takes it over."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import ProjectFileError
from explorer.project import Project
from explorer.project.locking import try_lock
from explorer.session.journal import SUFFIX, Journal, journal_lines

__all__ = ["Recoverable", "Recovery", "find_recoverable", "recovery_folder"]


@dataclass(frozen=True, slots=True)
class Recoverable:
    """Work of a process that did not end well."""

    path: Path
    """The journal: open it like a project."""
    changed_s: float
    """When its last step was made, in seconds since 1970."""
    steps: int
    """How many steps it holds."""
    project: str
    """The project that was open; empty when it was never saved."""
    label: str
    """What the last step did, for a person."""
    takes_over: str = ""
    """The name of the journal that this work goes on from, which is of no use any more."""


def recovery_folder() -> Path:
    """The platform's place for journals."""
    import platformdirs

    return Path(platformdirs.user_state_dir("latent-explorer", appauthor=False)) / "recovery"


class Recovery:
    """Keeps this process's work in a journal, and finds what others left. For one thread.

    Args:
        folder: Where journals lie; nothing is kept or found when ``None``.
        warn: Told, once, when the work can no longer be written down.
    """

    def __init__(self, folder: Path | None, *, warn: Callable[[str], None]) -> None:
        self._folder = folder
        self._warn = warn
        self._journal: Journal | None = None
        self._broken = False
        self._taken_over: Path | None = None

    def keep(self, project: Project, *, clean: bool, path: Path | None) -> None:
        """Write down what is new, see `Journal.record`; what it was recovered from goes once all of it is here."""
        if self._folder is None or self._broken:
            return
        try:
            if self._journal is None:
                self._journal = Journal(self._folder)
            self._journal.takes_over = "" if self._taken_over is None else self._taken_over.name
            done = self._journal.record(project, clean=clean, path=path)
            if done and self._taken_over is not None:
                self._taken_over.unlink(missing_ok=True)
                self._taken_over = None
        except (ProjectFileError, OSError) as error:
            # Once is enough: the work itself goes on.
            self._broken = True
            self._warn(f"a crash from now on would lose work, save often: {error}")

    def take_over(self, path: Path) -> None:
        """Remember the journal that the open work came from: it stays until this process has written it all down."""
        self._taken_over = path

    def offers(self) -> list[Recoverable]:
        """Work that a process left behind when it did not end well, the newest first."""
        return [] if self._folder is None else find_recoverable(self._folder)

    def close(self) -> None:
        """End well: nothing of this process is left to recover."""
        if self._journal is not None:
            self._journal.close()


def find_recoverable(folder: Path) -> list[Recoverable]:
    """Work of processes that are gone, the newest first.

    Journals with nothing unsaved are removed, and those that another one goes on from: a process was killed after it
    had written down all that it recovered, and before it could remove where that came from.
    """
    found: list[Recoverable] = []
    for path in folder.glob(f"*{SUFFIX}"):
        try:
            with path.open("r+b") as file:
                if not try_lock(file):
                    continue
                # Read through the file that holds the lock: elsewhere it may keep other readers out.
                described = _describe(path, journal_lines(file, path))
        except (OSError, ProjectFileError):
            continue
        if described is None:
            path.unlink(missing_ok=True)
        else:
            found.append(described)
    continued = {work.takes_over for work in found}
    for work in found:
        if work.path.name in continued:
            work.path.unlink(missing_ok=True)
    left = [work for work in found if work.path.name not in continued]
    return sorted(left, key=lambda work: work.changed_s, reverse=True)


def _describe(path: Path, lines: Iterator[dict[str, object]]) -> Recoverable | None:
    """What is to be offered; ``None`` where nothing was made that is not saved elsewhere."""
    nodes, base, saved, project, label, takes_over = 0, 1, False, "", "", ""
    known = False
    for line in lines:
        known = True
        if "format" in line:
            base = count if isinstance(count := line.get("base"), int) else 1
            project, takes_over = str(line.get("path", "")), str(line.get("takes_over", ""))
        if isinstance(node := line.get("node"), dict):
            nodes, label = nodes + 1, str(node.get("label", ""))
        if "saved" in line:
            project = str(line["saved"])
        saved = "saved" in line
    if not known:
        # Another process has just made it, and not yet locked it.
        raise ProjectFileError(f"{path} is empty")
    if saved or nodes < base:
        return None
    return Recoverable(path, path.stat().st_mtime, nodes, project, label, takes_over)
