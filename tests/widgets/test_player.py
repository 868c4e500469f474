from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from explorer.session import Session
from explorer.state import Motion, SeedPad, Truncation
from tests.models import write_stylegan2
from widgets.player import Player

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


def played(player: Player, *, frames: int, start_s: float = 0.0) -> float:
    """Let frames of 50 ms pass; the first one only starts the clock. The time of the last."""
    for frame in range(frames + 1):
        player.poll(start_s + frame * 0.05)
    return start_s + frames * 0.05


def steps(session: Session) -> list[str]:
    return [node.label for node in session.history.nodes[1:]]


def test_playing_seeds_moves_evenly_and_leaves_one_step_when_it_pauses(session: Session) -> None:
    player = Player(session)
    player.change(replace(player.settings, seed_x=Motion(2.0), seed_y=Motion(-1.0)))
    player.play_seeds()
    played(player, frames=10)
    assert session.state.latent == SeedPad(1.0, -0.5)
    assert not steps(session)
    player.pause()
    assert steps(session) == ["Seed at 1, -0.5"]
    player.poll(99.0)
    assert session.state.latent == SeedPad(1.0, -0.5)


def test_a_window_that_stood_still_goes_on_where_it_was(session: Session) -> None:
    player = Player(session)
    player.play_seeds()
    end_s = played(player, frames=2)
    player.poll(end_s + 3600)
    assert isinstance(session.state.latent, SeedPad)
    assert session.state.latent.x < 0.3


def test_other_edits_go_on_while_seeds_play(session: Session) -> None:
    player = Player(session)
    player.play_seeds()
    end_s = played(player, frames=2)
    session.edit(replace(session.state, truncation=Truncation(0.3)), "Psi 0.30")
    played(player, frames=2, start_s=end_s)
    assert player.kind == "seeds"
    assert session.state.truncation.psi == 0.3
    player.pause()
    assert steps(session)[0] == "Psi 0.30"
    assert len(steps(session)) == 2


@pytest.mark.parametrize("way", ["another seed", "undo", "another model"])
def test_what_moves_the_seed_elsewhere_stops_the_player(session: Session, files: tuple[Path, Path], way: str) -> None:
    player = Player(session)
    session.edit(replace(session.state, latent=SeedPad(4)), "Seed 4")
    player.play_seeds()
    end_s = played(player, frames=3)
    if way == "another seed":
        session.edit(replace(session.state, latent=SeedPad(50)), "Seed 50")
    elif way == "undo":
        session.undo()
        session.undo()
    else:
        session.open(files[1])
        assert session.wait(WAIT_S)
    state, history = session.state, session.history
    played(player, frames=3, start_s=end_s)
    player.pause()
    assert player.kind == ""
    assert session.state is state
    assert session.history is history


def test_points_are_played_in_order_and_back_to_the_first(session: Session) -> None:
    stops = [replace(session.state, latent=SeedPad(seed)) for seed in (3, 5, 9)]
    player = Player(session)
    player.change(replace(player.settings, seconds_per_stop=0.5, smooth=False))
    player.play_points(stops, "Through 3 points")
    seen = []
    for frame in range(31):
        player.poll(frame * 0.05)
        seen.append(session.state)
    for frame, stop in ((0, 0), (10, 1), (20, 2), (30, 0)):
        assert seen[frame].latent == stops[stop].latent
    assert not steps(session)
    played(player, frames=3)
    player.pause()
    assert steps(session) == ["Through 3 points"]


def test_a_path_that_ends_pauses_by_itself_at_the_last_point(session: Session) -> None:
    stops = [replace(session.state, latent=SeedPad(seed)) for seed in (3, 5)]
    player = Player(session)
    player.change(replace(player.settings, seconds_per_stop=0.2, path="once"))
    player.play_points(stops, "Through 2 points")
    played(player, frames=20)
    assert player.kind == ""
    assert session.state == stops[1]
    assert steps(session) == ["Through 2 points"]


def test_another_pace_goes_on_from_the_same_place(session: Session) -> None:
    stops = [replace(session.state, latent=SeedPad(seed)) for seed in (3, 5)]
    player = Player(session)
    player.change(replace(player.settings, seconds_per_stop=1.0))
    player.play_points(stops, "")
    end_s = played(player, frames=6)
    before = session.state
    player.change(replace(player.settings, seconds_per_stop=4.0))
    player.poll(end_s)
    assert session.state == before


def test_without_two_points_or_a_place_on_the_plane_nothing_plays(session: Session) -> None:
    player = Player(session)
    player.play_points([session.state], "")
    assert not player.kind
    nothing = Session(threads=1, compile_kernels=False)
    empty = Player(nothing)
    empty.play_seeds()
    assert not empty.kind
    nothing.close()
