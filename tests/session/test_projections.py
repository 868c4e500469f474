from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from explorer.projection import Plan
from explorer.session import Projecting, Session
from explorer.state import Slider, Stored
from tests.models import GOLDEN, golden
from tests.projection.nets import photo_of, picture

NET = GOLDEN / "nets" / "sg2_32_orig.pkl"
LONG = Plan(steps=100_000, samples=16)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    opened = Session(threads=1, compile_kernels=False, recovery=tmp_path / "recovery")
    opened.open(NET)
    assert opened.wait(60)
    yield opened
    opened.close()


def begun(session: Session, plan: Plan, seed: int = 5) -> Projecting:
    return session.project(photo_of(picture(golden("sg2_32_orig").generator, seed)), plan)


def until(session: Session, holds: Callable[[], bool]) -> None:
    for _ in range(3000):
        session.newest_frame()
        if holds():
            return
        session.wait_for_frame(0.02)
    raise AssertionError("it does not hold")


def finished(session: Session) -> None:
    until(session, lambda: session.projections.running is None)
    assert session.wait(60)


def test_a_photo_becomes_one_step_and_a_point(session: Session) -> None:
    steps = len(session.history.nodes)
    projecting = begun(session, Plan(steps=12, samples=16))
    finished(session)
    assert len(session.history.nodes) == steps + 1
    assert session.history.current.label == "Project photo"
    assert isinstance(session.state.latent, Stored)
    assert [point.name for point in session.points] == ["photo"]
    assert session.points[0].state == session.state
    assert session.projections.found == session.points[0]
    assert len(projecting.losses) >= 12
    frame_after = session.state
    session.undo()
    session.redo()
    assert session.state == frame_after


def test_another_project_knows_nothing_of_what_was_found(session: Session, tmp_path: Path) -> None:
    session.save_project(tmp_path / "before.latent")
    begun(session, Plan(steps=12, samples=16))
    finished(session)
    assert session.projections.found is not None
    session.open(tmp_path / "before.latent")
    assert session.wait(60)
    assert session.points == ()
    assert session.projections.found is None


def test_stopping_keeps_the_best(session: Session) -> None:
    projecting = begun(session, LONG)
    until(session, lambda: len(projecting.losses) > 3)
    session.projections.stop()
    finished(session)
    assert session.history.current.label == "Project photo"
    assert projecting.progress is not None
    assert projecting.progress.step < 100_000


def test_pausing_halts_and_resuming_goes_on(session: Session) -> None:
    projecting = begun(session, LONG)
    until(session, lambda: len(projecting.losses) > 2)
    projecting.pause()
    until(session, lambda: projecting.job.done)
    steps = len(projecting.losses)
    assert session.wait(10)
    assert session.projections.running is projecting
    session.projections.resume()
    until(session, lambda: len(projecting.losses) > steps + 2)
    session.projections.stop()
    finished(session)


def test_photos_wait_for_each_other(session: Session) -> None:
    first, second = (begun(session, Plan(steps=10, samples=16), seed) for seed in (5, 6))
    assert session.projections.waiting == (second,)
    finished(session)
    assert first.done
    assert second.done
    assert [node.label for node in session.history.nodes[-2:]] == ["Project photo"] * 2


def test_who_edits_meanwhile_is_not_disturbed(session: Session) -> None:
    from dataclasses import replace

    projecting = begun(session, LONG)
    until(session, lambda: len(projecting.losses) > 2)
    own = replace(session.state, sliders=(Slider("pca", 0, 1.0),))
    session.edit(own, "Mine")
    until(session, lambda: len(projecting.losses) > 6)
    session.projections.stop()
    finished(session)
    assert session.state == own
    assert [point.name for point in session.points] == ["photo"]
    assert any("among the points" in message.text for message in session.messages())


def test_other_work_goes_first(session: Session) -> None:
    projecting = begun(session, LONG)
    until(session, lambda: len(projecting.losses) > 2)
    made = session.thumbnails([session.history.nodes[0].state])
    until(session, lambda: made.job.done)
    assert made.pictures[0] is not None
    session.projections.stop()
    finished(session)


def test_a_killed_program_leaves_the_best_so_far(session: Session, tmp_path: Path) -> None:
    from explorer.session.journal import read_journal

    projecting = begun(session, LONG)
    until(session, lambda: any(point.name == "photo (so far)" for point in session.points))
    session.newest_frame()
    (journal,) = (tmp_path / "recovery").glob("*.journal")
    project, _ = read_journal(journal)
    (point,) = project.points
    assert point.name == "photo (so far)"
    assert isinstance(point.state.latent, Stored)
    assert np.isfinite(project.blobs.get(point.state.latent.blob)).all()
    projecting.stop()
    finished(session)
    assert [point.name for point in session.points] == ["photo"]


def test_a_photo_of_nothing_says_so(session: Session) -> None:
    photo = photo_of(picture(golden("sg2_32_orig").generator, 5))
    photo.pixels[..., 3] = 0
    session.project(photo, Plan(steps=10, samples=16))
    finished(session)
    assert any("nothing of the photo is left" in message.text for message in session.messages())
    assert session.points == ()
