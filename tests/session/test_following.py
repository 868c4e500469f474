"""Following a run: another snapshot takes the place of the open one, and everything else stays."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from explorer.session import Frame, Session
from explorer.state import Slider
from tests.models import write_stylegan2

WAIT_S = 60


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    session = Session(threads=1, compile_kernels=False, recovery=tmp_path / "recovery")
    yield session
    session.close()


def frame_of(session: Session) -> Frame:
    assert session.wait(WAIT_S), "still busy"
    frame = session.newest_frame()
    assert frame is not None, [message.text for message in session.messages()]
    return frame


def test_a_followed_snapshot_keeps_state_history_and_undo(session: Session, tmp_path: Path) -> None:
    first, second = (write_stylegan2(tmp_path / f"snapshot-{seed}.safetensors", seed=seed) for seed in (1, 2))
    session.open(first)
    before = frame_of(session)
    session.edit(replace(session.state, sliders=(Slider("axis", 0, 1.0),)), "Slide")
    frame_of(session)
    undone = session.history.nodes[0].state
    old = session.state.checkpoint

    assert session.follow(second) is not None
    after = frame_of(session)

    assert session.state.checkpoint != old
    assert session.state == replace(
        before.state, sliders=(Slider("axis", 0, 1.0),), checkpoint=session.state.checkpoint
    )
    assert [node.label for node in session.history.nodes] == ["Open snapshot-1", "Slide"]
    assert after.state == session.state
    first.unlink()
    assert session.undo()
    back = frame_of(session)
    assert back.state == replace(undone, checkpoint=session.state.checkpoint)
    assert not np.array_equal(back.pixels, before.pixels)
    assert str(first) not in session.recent
    assert session.state is session.history.current.state


def test_a_followed_snapshot_shows_what_opening_it_shows(session: Session, tmp_path: Path) -> None:
    first, second = (write_stylegan2(tmp_path / f"snapshot-{seed}.safetensors", seed=seed) for seed in (1, 2))
    session.open(first)
    frame_of(session)
    session.follow(second)
    followed = frame_of(session)
    assert not session.is_dirty
    session.open(first)
    frame_of(session)
    session.open(second)
    assert np.array_equal(frame_of(session).pixels, followed.pixels)


def test_what_is_being_dragged_goes_on_being_dragged(session: Session, tmp_path: Path) -> None:
    first, second = (write_stylegan2(tmp_path / f"snapshot-{seed}.safetensors", seed=seed) for seed in (1, 2))
    session.open(first)
    frame_of(session)
    dragged = replace(session.state, sliders=(Slider("axis", 0, 0.5),))
    session.preview(dragged)
    session.follow(second)
    frame_of(session)
    assert session.state.sliders == dragged.sliders
    assert len(session.history.nodes) == 1


def test_a_snapshot_of_another_shape_is_opened_as_any_model(session: Session, tmp_path: Path) -> None:
    first = write_stylegan2(tmp_path / "first.safetensors")
    other = write_stylegan2(tmp_path / "other.safetensors", resolution=16)
    session.open(first)
    frame_of(session)
    session.follow(other)
    frame_of(session)
    assert [node.label for node in session.history.nodes] == ["Open first", "Open other"]


def test_following_waits_its_turn_and_a_snapshot_that_is_gone_leaves_everything(
    session: Session, tmp_path: Path
) -> None:
    first, second = (write_stylegan2(tmp_path / f"snapshot-{seed}.safetensors", seed=seed) for seed in (1, 2))
    assert session.follow(first) is None
    session.open(first)
    assert session.follow(second) is None
    frame_of(session)
    state = session.state
    assert session.follow(tmp_path / "gone.safetensors") is not None
    assert session.wait(WAIT_S)
    assert session.state is state
    assert any("gone" in message.text for message in session.messages())


def test_following_tried_again_still_takes_the_place_of_the_open_model(session: Session, tmp_path: Path) -> None:
    first, second = (write_stylegan2(tmp_path / f"snapshot-{seed}.safetensors", seed=seed) for seed in (1, 2))
    session.open(first)
    frame_of(session)
    session.edit(replace(session.state, sliders=(Slider("axis", 0, 1.0),)), "Slide")
    frame_of(session)
    away = second.rename(tmp_path / "away")
    session.follow(second)
    assert session.wait(WAIT_S)
    assert session.failed_opening is not None

    away.rename(second)
    assert session.open_again() is not None
    assert frame_of(session).state.sliders == (Slider("axis", 0, 1.0),)
    assert [node.label for node in session.history.nodes] == ["Open snapshot-1", "Slide"]
    assert session.model_name == "snapshot-2"
