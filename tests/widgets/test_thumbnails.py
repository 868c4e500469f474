from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.session import Session
from explorer.state import EditState, SeedPad
from tests.models import write_stylegan2
from tests.widgets.test_atlas import Memory
from widgets.atlas import Atlas
from widgets.thumbnails import ThumbnailFeed

WAIT_S = 60


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("models")
    return write_stylegan2(folder / "a.safetensors"), write_stylegan2(folder / "b.safetensors", seed=1)


@pytest.fixture
def session(files: tuple[Path, Path]) -> Iterator[Session]:
    session = Session(threads=1, compile_kernels=False)
    session.open(files[0])
    assert session.wait(WAIT_S)
    yield session
    session.close()


def seeds(session: Session, *numbers: int) -> list[EditState]:
    return [replace(session.state, latent=SeedPad(number)) for number in numbers]


def filled(feed: ThumbnailFeed, session: Session) -> None:
    feed.poll()
    while feed.is_waiting:
        assert session.wait(WAIT_S)
        feed.poll()


def atlas_of(count: int) -> tuple[Atlas, Memory]:
    atlas, store = Atlas(), Memory(count)
    atlas.attach(store)
    return atlas, store


def test_wanted_pictures_come_and_are_those_of_the_states(session: Session) -> None:
    atlas, store = atlas_of(64)
    feed = ThumbnailFeed(session, atlas, side_px=16)
    wanted = seeds(session, *range(20))
    feed.want(wanted)
    filled(feed, session)
    made = session.thumbnails(wanted, side_px=16)
    assert session.wait(WAIT_S)
    for state, picture in zip(wanted, made.pictures, strict=True):
        patch = atlas.find(state)
        assert patch is not None
        assert picture is not None
        assert np.array_equal(store.held[patch.texture], picture)


def test_nothing_is_made_twice_for_two_panels(session: Session) -> None:
    atlas, _ = atlas_of(64)
    one, other = ThumbnailFeed(session, atlas), ThumbnailFeed(session, atlas)
    one.want(seeds(session, 1, 2))
    filled(one, session)
    other.want(seeds(session, 2, 1))
    other.poll()
    assert not other.is_waiting


def test_what_is_no_longer_wanted_is_given_up(session: Session) -> None:
    atlas, _ = atlas_of(64)
    feed = ThumbnailFeed(session, atlas)
    feed.want(seeds(session, *range(16)))
    feed.poll()
    (job,) = session.jobs
    feed.want(seeds(session, 100))
    feed.poll()
    assert job.cancelled
    filled(feed, session)
    assert atlas.find(seeds(session, 100)[0]) is not None


def test_a_cancelled_job_is_not_asked_for_again_until_it_is_wanted_anew(session: Session) -> None:
    atlas, _ = atlas_of(64)
    feed = ThumbnailFeed(session, atlas)
    wanted = seeds(session, *range(16))
    feed.want(wanted)
    feed.poll()
    feed.cancel()
    filled(feed, session)
    missing = [state for state in wanted if atlas.find(state) is None]
    assert missing
    feed.poll()
    assert not feed.is_waiting
    feed.want(())
    feed.want(wanted)
    filled(feed, session)
    assert None not in [atlas.find(state) for state in wanted]


def test_pictures_wait_for_their_model_and_outlive_a_switch(session: Session, files: tuple[Path, Path]) -> None:
    atlas, _ = atlas_of(64)
    feed = ThumbnailFeed(session, atlas)
    mine = seeds(session, 1, 2)
    feed.want(mine[:1])
    filled(feed, session)
    session.open(files[1])
    assert session.wait(WAIT_S)
    feed.want(mine)
    feed.poll()
    assert not feed.is_waiting
    assert atlas.find(mine[0]) is not None
    session.undo()
    assert session.wait(WAIT_S)
    filled(feed, session)
    assert atlas.find(mine[1]) is not None


def test_before_a_model_is_open_nothing_is_asked_for() -> None:
    session = Session(threads=1, compile_kernels=False)
    feed = ThumbnailFeed(session, atlas_of(4)[0])
    feed.want([EditState()])
    assert not feed.poll()
    assert not feed.is_waiting
    session.close()
