import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from explorer.projection import Plan
from explorer.projection.bank import quick_count
from explorer.projection.cache import bank_path, cache_folder, has_bank
from explorer.session import Session
from explorer.state import ClassMix
from tests.models import GOLDEN, golden
from tests.projection.nets import photo_of, picture

NET = GOLDEN / "nets" / "sg2_32_orig.pkl"


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Session]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    opened = Session(threads=1, compile_kernels=False, recovery=tmp_path / "recovery")
    opened.open(NET)
    assert opened.wait(60)
    yield opened
    opened.close()


def test_a_search_does_not_wait_for_the_whole_bank(session: Session) -> None:
    model = golden("sg2_32_orig")
    session.project(photo_of(picture(model.generator, 5)), Plan(time_s=0.01))
    while session.projections.running is not None:
        session.newest_frame()
        session.wait_for_frame(0.02)
    assert [point.name for point in session.points] == ["photo"]
    assert not has_bank(model.info.sha256)
    assert has_bank(model.info.sha256, count=quick_count(model.spec))


def test_a_search_goes_before_what_is_learned_meanwhile(session: Session) -> None:
    model = golden("sg2_32_orig")
    session.learn_model()
    session.learn_model()
    assert [job.name for job in session.jobs] == ["Learn the model"]
    session.project(photo_of(picture(model.generator, 5)), Plan(steps=5, samples=16))
    while session.projections.running is not None:
        session.newest_frame()
        session.wait_for_frame(0.02)
    assert [job.name for job in session.jobs] == ["Learn the model"]
    assert session.wait(120)
    assert bank_path(cache_folder(), model.info.sha256).exists()


def test_a_model_is_learned_again_after_a_cancel_and_for_another_class(session: Session) -> None:
    session.open(GOLDEN / "nets" / "sg2_32_cond3.pkl")
    assert session.wait(60)
    session.learn_model()
    (first,) = session.jobs
    first.cancel()
    session.learn_model()
    again = session.jobs[-1]
    assert again is not first
    session.learn_model()
    assert session.jobs[-1] is again
    session.edit(replace(session.state, condition=ClassMix(((1, 1.0),))), "Class 1")
    session.learn_model()
    other = session.jobs[-1]
    assert other is not again
    assert again.cancelled
    other.cancel()
    assert session.wait(60)


def test_a_closed_model_leaves_the_memory_whatever_was_looked_for_or_learned_of_it(session: Session) -> None:
    assert session._model is not None
    renderer = weakref.ref(session._model.renderer)
    model = golden("sg2_32_orig")
    session.learn_model()
    found = session.project(photo_of(picture(model.generator, 5)), Plan(steps=5, samples=16))
    while session.projections.running is not None:
        session.newest_frame()
        session.wait_for_frame(0.02)
    session.unload()
    assert session.wait(60)
    session.newest_frame()
    gc.collect()
    assert renderer() is None
    assert session.projections.newest is found
    assert len(found.losses) >= 5
