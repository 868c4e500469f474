"""The journal: every committed step, written down at once.

Each line is one JSON value; a step is one line, written before `commit` returns, so a process that is killed at any
instant leaves everything up to its last committed step. The journal is locked while its process lives: one that can
be locked belongs to a process that is gone.
"""

import base64
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from explorer.errors import ProjectFileError
from explorer.project import BlobStore, Project
from explorer.project.blobs import npy_bytes
from explorer.project.locking import try_lock
from explorer.project.project_file import VERSION, references
from explorer.state import BlobRef, History, Node, Point
from explorer.state.serialize import decode_node, decode_points, encode_node, encode_points

__all__ = ["SUFFIX", "Journal", "journal_lines", "looks_like_journal", "read_journal"]

SUFFIX = ".journal"
"""How the names of journals end."""
_FORMAT = "latent-explorer-journal"
_LARGEST = 512 * 2**20
# A long project is taken in over several calls, so that no frame waits for it.
_NODES_AT_ONCE = 32


class Journal:
    """The journal of this process. For one thread.

    Args:
        folder: Where journals lie; made when missing.

    Raises:
        ProjectFileError: The folder cannot be written to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file: IO[bytes] | None = None
        self._path: Path | None = None
        self._nodes: tuple[object, ...] = ()
        self._cursor = -1
        self._points: object = ()
        self._pinned: tuple[int, ...] = ()
        self._clean = False
        self.takes_over = ""
        """The name of the journal whose work this one continues, for the next journal that is begun."""
        self._blobs: set[BlobRef] = set()
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ProjectFileError(f"{folder} cannot be made: {error.strerror or error}") from error

    def record(self, project: Project, *, clean: bool, path: Path | None) -> bool:
        """Take in what is new since the last call; false when there is more, for the next one.

        Args:
            project: The work; what is shown but not committed is left out.
            clean: Whether all of it is saved elsewhere.
            path: Where it was saved to or opened from.

        Raises:
            ProjectFileError: The journal cannot be written.
        """
        nodes = project.history.nodes
        if self._file is not None and self._is_same(project, clean):
            return True
        try:
            if self._file is None or not _begins(nodes, self._nodes):
                self._begin(project, path)
            return self._go_on(project, clean=clean, path=path)
        except OSError as error:
            raise ProjectFileError(f"the recovery file cannot be written: {error.strerror or error}") from error

    def close(self) -> None:
        """End well: there is nothing to recover."""
        self._drop(self._file, self._path)
        self._file = None

    def _is_same(self, project: Project, clean: bool) -> bool:
        nodes, known = project.history.nodes, self._nodes
        return (
            len(nodes) == len(known)
            and nodes[-1] is known[-1]
            and project.history.cursor == self._cursor
            and project.history.pinned == self._pinned
            and project.points is self._points
            and clean == self._clean
        )

    def _begin(self, project: Project, path: Path | None) -> None:
        old_file, old_path = self._file, self._path
        self._path = self._folder / f"{os.getpid()}-{uuid.uuid4().hex[:8]}{SUFFIX}"
        # Unbuffered: what is written is the system's to keep, whatever becomes of this process.
        self._file = self._path.open("xb", buffering=0)
        try_lock(self._file)
        self._nodes, self._cursor, self._pinned, self._points, self._clean = (), -1, (), (), False
        self._blobs = set()
        head = {"format": _FORMAT, "version": VERSION, "pid": os.getpid(), "base": len(project.history.nodes)}
        self._write({**head, "path": "" if path is None else str(path), "takes_over": self.takes_over})
        self._drop(old_file, old_path)

    def _go_on(self, project: Project, *, clean: bool, path: Path | None) -> bool:
        nodes = project.history.nodes
        first = len(self._nodes)
        for node in nodes[first : first + _NODES_AT_ONCE]:
            self._keep_arrays(node, project.blobs)
            self._write({"node": encode_node(node)})
        self._nodes = nodes[: first + _NODES_AT_ONCE]
        if len(self._nodes) < len(nodes):
            return False
        if project.points != self._points:
            self._keep_arrays(project.points, project.blobs)
            self._write({"points": encode_points(project.points)})
        if project.history.pinned != self._pinned:
            self._write({"pinned": list(project.history.pinned)})
        if project.history.cursor != self._cursor:
            self._write({"cursor": project.history.cursor})
        if clean:
            self._write({"saved": "" if path is None else str(path)})
        self._cursor, self._pinned = project.history.cursor, project.history.pinned
        self._points, self._clean = project.points, clean
        return True

    def _keep_arrays(self, value: object, blobs: BlobStore) -> None:
        for reference in references(value):
            if reference not in self._blobs:
                self._write({"array": base64.b64encode(npy_bytes(blobs.get(reference))).decode()})
                self._blobs.add(reference)

    def _write(self, value: object) -> None:
        assert self._file is not None
        line = json.dumps(value, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        # The system may take less than is given.
        while line:
            line = line[self._file.write(line) or 0 :]

    def _drop(self, file: IO[bytes] | None, path: Path | None) -> None:
        if file is not None:
            file.close()
        if path is not None:
            path.unlink(missing_ok=True)


def looks_like_journal(path: str | Path) -> bool:
    """Whether a file is a journal, by content, not by name."""
    try:
        with Path(path).open("rb") as file:
            return file.read(64).startswith(f'{{"format":"{_FORMAT}"'.encode())
    except OSError:
        return False


def read_journal(path: str | Path) -> tuple[Project, str]:
    """The work that a journal holds, and the path of the project that it was; empty when it was never saved.

    Raises:
        ProjectFileError: The file is missing, no journal, damaged, or of a newer version.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            return _replay(journal_lines(file, path), path)
    except OSError as error:
        raise ProjectFileError(f"{path} cannot be read: {error.strerror or error}") from None
    except (ValueError, TypeError, RecursionError) as error:
        raise ProjectFileError(f"{path} is damaged: {error}") from None


def journal_lines(file: IO[bytes], path: Path) -> Iterator[dict[str, object]]:
    """What an open journal says, line by line, up to where its process was killed.

    Raises:
        ProjectFileError: It is no journal, too large or damaged.
    """
    if os.fstat(file.fileno()).st_size > _LARGEST:
        raise ProjectFileError(f"{path} is over {_LARGEST} bytes: refused")
    for number, line in enumerate(file):
        if not line.endswith(b"\n"):
            # The process was killed while it wrote: this step was never finished.
            return
        try:
            value = json.loads(line)
        except (ValueError, RecursionError):
            raise ProjectFileError(f"{path} is damaged in line {number + 1}") from None
        if not isinstance(value, dict) or (number == 0 and value.get("format") != _FORMAT):
            raise ProjectFileError(f"{path} is no journal of Latent Explorer")
        yield value


def _replay(lines: Iterator[dict[str, object]], path: Path) -> tuple[Project, str]:
    head = next(lines, {})
    version = head.get("version")
    if type(version) is not int or version > VERSION:
        raise ProjectFileError(f"{path} was written by a newer Latent Explorer (version {version}): update")
    blobs, project = BlobStore(), str(head.get("path", ""))
    nodes: list[Node] = []
    points: tuple[Point, ...] = ()
    cursor: object = None
    pinned: tuple[int, ...] = ()
    for line in lines:
        if "array" in line:
            blobs.put_bytes(base64.b64decode(str(line["array"]), validate=True))
        elif "node" in line:
            nodes.append(decode_node(line["node"]))
            cursor = len(nodes) - 1
        elif "cursor" in line:
            cursor = line["cursor"]
        elif "pinned" in line:
            pinned = _whole_numbers(line["pinned"], path)
        elif "points" in line:
            points = decode_points(line["points"])
        elif "saved" in line:
            project = str(line["saved"])
    if type(cursor) is not int:
        raise ProjectFileError(f"{path} holds no step")
    history = History(tuple(nodes), cursor, pinned)
    kept = Project(history.current.state, history, blobs, points)
    for reference in references((history, points)):
        blobs.get(reference)
    return kept, project


def _whole_numbers(value: object, path: Path) -> tuple[int, ...]:
    if not isinstance(value, list) or any(type(number) is not int for number in value):
        raise ProjectFileError(f"{path} is damaged: its pinned steps are no list of numbers")
    return tuple(value)


def _begins(nodes: tuple[object, ...], known: tuple[object, ...]) -> bool:
    # A history only ever grows, so its last common step stands for all before it.
    return len(nodes) >= len(known) and (not known or nodes[len(known) - 1] is known[-1])
