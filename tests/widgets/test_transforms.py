import math
from dataclasses import replace

import pytest
import torch
from hypothesis import assume, given
from hypothesis import strategies as st

from explorer.rendering.synthesis import matrix_of
from explorer.state import EditState, GeneratorSpec, Transform
from tests.models import golden
from widgets.panels.equivariance_reading import decibels
from widgets.transform_drag import dragged, transform_words
from widgets.transform_play import TransformPlayer, rounded

PLACES = st.floats(-0.2, 1.2)
POINTS = st.tuples(PLACES, PLACES)
TRANSFORMS = st.builds(
    Transform,
    st.sampled_from([0.0, 0.1, -0.3]),
    st.sampled_from([0.0, 0.2]),
    st.sampled_from([0.0, 25.0, -150.0]),
    st.sampled_from([1.0, 0.8, 1.5]),
)
SQUARE = (64, 64)


def content(transform: Transform, point: tuple[float, float], *, back: bool) -> tuple[float, float]:
    """Where a point of the frame lies on the moved plane, or the other way."""
    matrix = matrix_of(transform, torch.device("cpu"))
    matrix = torch.eye(3, dtype=torch.float64) if matrix is None else matrix.double()
    matrix = torch.linalg.inv(matrix) if back else matrix
    x, y, _ = (matrix @ torch.tensor([point[0] - 0.5, point[1] - 0.5, 1.0], dtype=torch.float64)).tolist()
    return x + 0.5, y + 0.5


def middle(transform: Transform) -> tuple[float, float]:
    return 0.5 + transform.translate_x, 0.5 + transform.translate_y


@given(TRANSFORMS, POINTS, POINTS)
def test_what_the_hand_took_stays_under_it_when_the_picture_is_shifted(
    transform: Transform, start: tuple[float, float], now: tuple[float, float]
) -> None:
    taken = content(transform, start, back=True)
    moved = dragged(transform, "shift", start, now, size=SQUARE)

    assert content(moved, taken, back=False) == pytest.approx(now, abs=2e-3)


@given(TRANSFORMS, POINTS, POINTS)
def test_turning_keeps_what_the_hand_took_in_its_direction(
    transform: Transform, start: tuple[float, float], now: tuple[float, float]
) -> None:
    x, y = middle(transform)
    assume(min(math.dist((x, y), start), math.dist((x, y), now)) > 0.05)
    moved = dragged(transform, "turn", start, now, size=SQUARE)
    place = content(moved, content(transform, start, back=True), back=False)
    wanted, got = (math.atan2(p[1] - y, p[0] - x) for p in (now, place))

    assert math.remainder(wanted - got, 2 * math.pi) == pytest.approx(0, abs=2e-3)
    assert math.dist((x, y), place) == pytest.approx(math.dist((x, y), start), abs=1e-6)


@given(TRANSFORMS, POINTS, POINTS)
def test_scaling_keeps_what_the_hand_took_at_its_distance(
    transform: Transform, start: tuple[float, float], now: tuple[float, float]
) -> None:
    x, y = middle(transform)
    assume(min(math.dist((x, y), start), math.dist((x, y), now)) > 0.05)
    moved = dragged(transform, "scale", start, now, size=SQUARE)
    assume(moved.scale < 4)
    place = content(moved, content(transform, start, back=True), back=False)

    assert math.dist((x, y), place) == pytest.approx(math.dist((x, y), now), abs=3e-3 * (1 + math.dist((x, y), now)))


@given(TRANSFORMS, POINTS, POINTS)
def test_shearing_keeps_what_the_hand_took_in_its_column(
    transform: Transform, start: tuple[float, float], now: tuple[float, float]
) -> None:
    moved = dragged(transform, "shear", start, now, size=SQUARE)
    assume(0 < abs(moved.shear) < 1)
    place = content(moved, content(transform, start, back=True), back=False)
    # What lies on a line with the hand across the picture's rows, which the rotation turned.
    angle = math.radians(transform.rotate_deg)
    wanted, got = (math.cos(angle) * p[0] - math.sin(angle) * p[1] for p in (now, place))

    assert got == pytest.approx(wanted, abs=2e-3)
    assert replace(moved, shear=0.0) == transform


@given(TRANSFORMS, POINTS, st.sampled_from(["shift", "turn", "scale", "shear"]))
def test_a_drag_that_goes_nowhere_changes_nothing(transform: Transform, point: tuple[float, float], move: str) -> None:
    assert dragged(transform, move, point, point, size=(64, 32)) == transform  # type: ignore[arg-type]


def test_the_middle_neither_turns_nor_scales_nor_slants() -> None:
    for move in ("turn", "scale", "shear"):
        assert dragged(Transform(), move, (0.5, 0.51), (0.9, 0.9), size=SQUARE) == Transform()  # type: ignore[arg-type]


def test_steps_are_named_after_the_transform() -> None:
    assert transform_words(Transform()) == "No transform"
    assert transform_words(Transform(0.1, 0, 30, 2.0, 0.25)) == "Shift 0.10, 0.00, turn 30°, scale 2.00, shear 0.25"
    assert transform_words(Transform(scale=0.5)) == "Scale 0.50"


def test_decibels_are_read_out() -> None:
    assert [decibels(value) for value in (62.96, math.inf, math.nan)] == ["63.0 dB", "equal", "–"]


class FakeSession:
    """The part of a session that the player touches."""

    def __init__(self, spec: GeneratorSpec) -> None:
        self.spec: GeneratorSpec | None = spec
        self.state = EditState(transform=Transform(0.1))
        self.labels: list[str] = []

    def preview(self, state: EditState) -> None:
        self.state = state

    def commit(self, label: str) -> None:
        self.labels.append(label)


def play(player: TransformPlayer, seconds: float, first_s: float = 0.0) -> None:
    for frame in range(round(seconds * 50) + 1):
        player.poll(first_s + frame / 50)


def test_playing_is_one_step_when_it_pauses_and_a_whole_turn_comes_back() -> None:
    session = FakeSession(golden("sg3t_64").spec)
    player = TransformPlayer(session)  # type: ignore[arg-type]
    player.play(circles=True, spins=True)
    play(player, 2)
    assert session.state.transform == Transform(0.2, -0.1, 90)
    assert session.labels == []
    play(player, 6, first_s=2)
    player.pause()

    assert session.state.transform == Transform(0.1)
    assert session.labels == ["Shift 0.10, 0.00"]
    assert not player.is_playing


def test_playing_leaves_other_edits_alone_and_stops_for_one_of_the_transform() -> None:
    session = FakeSession(golden("sg3t_64").spec)
    player = TransformPlayer(session)  # type: ignore[arg-type]
    player.play(circles=False, spins=True)
    play(player, 0.5)
    session.state = replace(session.state, noise=replace(session.state.noise, seed=7))
    play(player, 0.5, first_s=0.5)
    assert session.state.noise.seed == 7
    assert player.is_playing
    session.state = replace(session.state, transform=Transform())
    player.poll(2)

    assert not player.is_playing
    assert session.state.transform == Transform()
    assert session.labels == []


def test_playing_stops_when_the_model_cannot_move_its_picture() -> None:
    session = FakeSession(golden("sg3t_64").spec)
    player = TransformPlayer(session)  # type: ignore[arg-type]
    player.play(circles=False, spins=True)
    session.spec = golden("sg2_64_rgb").spec
    player.poll(1)

    assert not player.is_playing


def test_a_window_that_stood_still_goes_on_where_it_was() -> None:
    session = FakeSession(golden("sg3t_64").spec)
    player = TransformPlayer(session)  # type: ignore[arg-type]
    player.play(circles=False, spins=True)
    player.poll(0)
    player.poll(100)

    assert session.state.transform.rotate_deg == pytest.approx(4.5)
    assert rounded(session.state.transform) == session.state.transform
