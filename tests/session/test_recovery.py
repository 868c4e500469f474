"""What a killed process leaves behind, and what a clean end does not."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.errors import ProjectFileError
from explorer.project import BlobStore, Project
from explorer.session import Session
from explorer.session.journal import Journal, looks_like_journal, read_journal
from explorer.session.recovery import find_recoverable
from explorer.state import EditState, History, Point, SeedPad, Stored, Truncation
from tests.models import write_stylegan2

WAIT_S = 60
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_stylegan2(tmp_path_factory.mktemp("models") / "plain.safetensors")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Session]]:
    sessions: list[Session] = []

    def begin(source: Path | None = None) -> Session:
        sessions.append(Session(threads=1, compile_kernels=False, recovery=tmp_path / "recovery"))
        if source is not None:
            sessions[-1].open(source)
            assert sessions[-1].wait(WAIT_S)
        return sessions[-1]

    yield begin
    for session in sessions:
        session.close()


def state(x: float) -> EditState:
    return EditState(latent=SeedPad(x, 0))


def grown(count: int) -> History:
    history = History.start(state(0))
    for x in range(1, count):
        history = history.commit(state(x), f"to {x}")
    return history


def journals(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.journal"))


def left_behind(folder: Path, *projects: Project, clean: bool = False) -> Path:
    """What a process that wrote these down leaves when it is killed."""
    journal = Journal(folder)
    for project in projects:
        while not journal.record(project, clean=clean, path=None):
            pass
    assert journal._file is not None
    journal._file.close()
    (path,) = journals(folder)
    return path


SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
from explorer.session import Session
from explorer.state import SeedPad

session = Session(threads=1, compile_kernels=False, recovery=Path(sys.argv[2]))
session.open(sys.argv[1])
assert session.wait(60)
for x in range(1, 1000):
    session.preview(replace(session.state, latent=SeedPad(x + 0.5, 0)))
    session.edit(replace(session.state, latent=SeedPad(x, 0)), f"to {x}")
    if x % 7 == 0:
        session.undo()
    session.keep_point(f"point {x}") if x % 10 == 0 else None
    session.pin(x) if x % 3 == 0 else None
    print(x, session.history.cursor, len(session.history.nodes), flush=True)
"""


@pytest.mark.parametrize("steps", [1, 5, 14])
def test_a_killed_process_leaves_everything_to_its_last_committed_step(
    start: Callable[..., Session], model: Path, tmp_path: Path, steps: int
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(model), str(tmp_path / "recovery")],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    for _ in range(steps):
        line = process.stdout.readline()
    process.kill()
    # The kill may cut the last line short: then that step was made, but not told.
    rest = [told for told in process.stdout.read().splitlines(keepends=True) if told.endswith("\n")]
    process.wait(WAIT_S)
    process.stdout.close()
    told, cursor, count = map(int, ([line, *rest] if rest else [line])[-1].split())

    session = start()
    (work,) = session.recoverable()
    # It may have committed one more step, or not yet undone it, before it could tell.
    assert count <= work.steps <= count + 1
    session.recover(work)
    assert session.wait(WAIT_S)

    assert session.history.nodes[count - 1].state.latent == SeedPad(told, 0)
    assert session.history.nodes[count - 1].label == f"to {told}"
    assert session.history.cursor in (cursor, count, count - 1)
    assert len(session.points) >= told // 10
    assert set(range(3, told + 1, 3)) <= set(session.history.pinned)
    assert session.is_dirty
    assert session.project_path is None
    assert session.can_undo
    assert session.newest_frame() is not None
    # Only its own journal is left, once it holds it all; a long one is taken over in parts.
    for _ in range(count):
        session.newest_frame()
    assert session.recoverable() == []
    (own,) = journals(tmp_path / "recovery")
    assert own != work.path
    assert read_journal(own)[0].history == session.history


def test_a_clean_end_leaves_nothing(start: Callable[..., Session], model: Path, tmp_path: Path) -> None:
    session = start(model)
    session.edit(replace(session.state, truncation=Truncation(0.3)), "psi")
    assert len(journals(tmp_path / "recovery")) == 1
    session.close()

    assert journals(tmp_path / "recovery") == []


def test_nobody_is_offered_the_work_of_a_living_process(
    start: Callable[..., Session], model: Path, tmp_path: Path
) -> None:
    session = start(model)
    session.edit(replace(session.state, truncation=Truncation(0.3)), "psi")

    assert start().recoverable() == []
    script = "import sys, pathlib; from explorer.session.recovery import find_recoverable as find; "
    script += "print(find(pathlib.Path(sys.argv[1])))"
    told = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "recovery")], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert told.stdout.strip() == "[]"
    assert len(journals(tmp_path / "recovery")) == 1


def test_the_journal_follows_the_session(start: Callable[..., Session], model: Path, tmp_path: Path) -> None:
    session = start(model)
    for psi in (0.1, 0.2, 0.3):
        session.edit(replace(session.state, truncation=Truncation(psi)), "psi")
    session.undo()
    session.undo()
    session.edit(replace(session.state, truncation=Truncation(0.9)), "branch")
    session.keep_point("here")
    session.jump(2)
    session.messages()
    (path,) = journals(tmp_path / "recovery")
    project, _ = read_journal(path)

    assert project.history == session.history
    assert project.points == session.points

    session.save_project(tmp_path / "a.latent")
    assert read_journal(path)[1] == str(tmp_path / "a.latent")
    session.open(tmp_path / "a.latent")
    assert session.wait(WAIT_S)
    session.messages()
    (path,) = journals(tmp_path / "recovery")
    assert read_journal(path)[0].history == session.history


def test_saved_work_is_not_offered_and_its_journal_goes(tmp_path: Path) -> None:
    path = left_behind(tmp_path, Project(state(1), grown(3)), clean=True)

    assert find_recoverable(tmp_path) == []
    assert not path.exists()


def test_arrays_and_points_come_back(tmp_path: Path) -> None:
    blobs = BlobStore()
    stored = EditState(latent=Stored("w", blobs.put(np.arange(5.0))))
    history = grown(2).commit(stored, "project a photo").undo()
    path = left_behind(tmp_path, Project(stored, history, blobs, (Point("there", stored),)))

    project, _ = read_journal(path)

    assert (project.history, project.points) == (history, (Point("there", stored),))
    assert project.blobs.get(stored.latent.blob).tolist() == [0, 1, 2, 3, 4]


def test_pins_come_back_and_so_does_their_taking_away(tmp_path: Path) -> None:
    history = grown(3)
    pinned = [Project(state(0), value) for value in (history.pin(1), history.pin(1).pin(2), history.pin(2))]
    path = left_behind(tmp_path, *pinned)

    assert read_journal(path)[0].history == history.pin(2)


def test_work_that_another_journal_goes_on_from_is_offered_once(tmp_path: Path) -> None:
    project = Project(state(0), grown(40))
    first = left_behind(tmp_path, project)
    journal = Journal(tmp_path)
    journal.takes_over = first.name
    assert not journal.record(project, clean=False, path=None)
    # Killed while it writes down what it recovered: what that came from is all there is.
    assert journal._file is not None
    half = next(path for path in journals(tmp_path) if path != first)
    assert [work.path for work in find_recoverable(tmp_path)] == [first]

    # Killed when it had all of it, before it could remove where that came from.
    assert journal.record(project, clean=False, path=None)
    journal._file.close()
    assert [work.path for work in find_recoverable(tmp_path)] == [half]
    assert not first.exists()


def test_a_long_project_is_taken_in_piece_by_piece_and_offered_only_when_whole(tmp_path: Path) -> None:
    history = grown(100)
    journal, calls = Journal(tmp_path), 1
    while not journal.record(Project(state(0), history), clean=False, path=None):
        calls += 1
        (path,) = journals(tmp_path)
        with path.open("rb") as file:
            assert file.read().count(b'"node"') < 100
    assert calls == 4
    path = journals(tmp_path)[0]
    content = path.read_bytes()
    journal.close()

    half = b"".join(content.splitlines(keepends=True)[:50])
    (tmp_path / "half.journal").write_bytes(half)
    (tmp_path / "whole.journal").write_bytes(content)
    assert [work.path.name for work in find_recoverable(tmp_path)] == ["whole.journal"]


def test_a_step_that_was_cut_short_is_as_if_it_never_was(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    history = grown(3)
    journal.record(Project(state(0), history), clean=False, path=None)
    (path,) = journals(tmp_path)
    before = path.read_bytes()
    journal.record(Project(state(0), history.commit(state(9), "more")), clean=False, path=None)
    after = path.read_bytes()
    journal.close()

    for length in range(len(before), len(after)):
        path.write_bytes(after[:length])
        project, _ = read_journal(path)
        assert project.history.nodes[:3] == history.nodes
        assert len(project.history.nodes) in (3, 4)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b'{"format":"latent-explorer-journal","version":1}\n{"pinned":[true]}\n', "pinned"),
        (b"hello\n", "damaged"),
        (b"[]\n", "no journal"),
        (b'{"format":"latent-explorer-journal","version":99}\n', "newer"),
        (b'{"format":"latent-explorer-journal","version":1}\n', "no step"),
        (b'{"format":"latent-explorer-journal","version":1}\n{"node":{}}\n', "lacks the field"),
        (b'{"format":"latent-explorer-journal","version":1}\n{"array":"%%"}\n', "damaged"),
        (b'{"format":"latent-explorer-journal","version":1}\n{"cursor":5}\n', "damaged"),
        (b"[" * 100_000 + b"\n", "damaged"),
    ],
)
def test_what_is_no_journal_is_refused_and_left_alone(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.journal"
    path.write_bytes(content)

    with pytest.raises(ProjectFileError, match=words):
        read_journal(path)
    if not looks_like_journal(path):
        assert find_recoverable(tmp_path) == []
        assert path.exists()


def test_discarded_work_is_gone(start: Callable[..., Session], tmp_path: Path) -> None:
    left_behind(tmp_path / "recovery", Project(state(0), grown(3)))
    session = start()
    (work,) = session.recoverable()
    session.discard(work)

    assert session.recoverable() == []


def test_a_journal_that_cannot_be_written_is_told_once_and_the_work_goes_on(model: Path, tmp_path: Path) -> None:
    (tmp_path / "recovery").write_text("a file, not a folder")
    session = Session(threads=1, compile_kernels=False, recovery=tmp_path / "recovery")
    try:
        session.open(model)
        assert session.wait(WAIT_S)
        session.edit(replace(session.state, truncation=Truncation(0.3)), "psi")
        told = [message.text for message in session.messages()]
    finally:
        session.close()

    assert len(told) == 1
    assert "save often" in told[0]
    assert len(session.history.nodes) == 2
