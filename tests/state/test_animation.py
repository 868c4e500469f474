import math
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.state import (
    Blend,
    BlobRef,
    ClassMix,
    EditState,
    Mix,
    SeedBlend,
    SeedPad,
    Slider,
    Stored,
    Transform,
    Truncation,
)
from explorer.state.animation import Animation, Circle, Motion, along, animate, interpolate
from explorer.state.serialize import decode_state, encode_state
from tests.state.strategies import states

SHARES = st.floats(0, 1)
SECONDS = st.floats(0, 1e4)
MOTIONS = st.builds(Motion, st.floats(-100, 100), st.sampled_from(["on", "loop", "bounce"]), st.floats(0.1, 50))
START = EditState(latent=SeedPad(3, 4), transform=Transform(0.1, 0, 10))


@given(MOTIONS, SECONDS)
def test_a_motion_begins_where_it_is_and_stays_within_its_extent(motion: Motion, elapsed_s: float) -> None:
    assert motion.after(0) == 0
    if motion.mode != "on":
        assert abs(motion.after(elapsed_s)) <= motion.extent
    assert motion.after(elapsed_s) * motion.speed >= 0


def test_a_bounce_comes_back_and_a_loop_begins_again() -> None:
    bounce, loop = Motion(2, "bounce", 4), Motion(2, "loop", 4)

    assert [bounce.after(t) for t in (0, 1, 2, 3, 4, 5)] == [0, 2, 4, 2, 0, 2]
    assert [loop.after(t) for t in (0, 1, 2, 3)] == [0, 2, 0, 2]
    assert Motion(-2, "bounce", 4).after(3) == -2


@given(SECONDS)
def test_what_stands_still_is_the_same_object(elapsed_s: float) -> None:
    assert animate(START, Animation(), elapsed_s) is START


def test_moving_on_is_additive() -> None:
    animation = Animation(seed_x=Motion(0.5), seed_y=Motion(-0.25), rotate_deg=Motion(30), translate_x=Motion(0.125))
    there = animate(animate(START, animation, 2), animation, 1)

    assert there == animate(START, animation, 3)
    assert there == replace(START, latent=SeedPad(4.5, 3.25), transform=Transform(0.475, 0, 100))


def test_a_whole_turn_is_none() -> None:
    assert animate(START, Animation(rotate_deg=Motion(90)), 4).transform.rotate_deg == 10


@given(st.floats(-2, 2), st.floats(-1, 1), SECONDS)
def test_a_circle_stays_one_radius_from_its_middle_and_begins_and_ends_where_it_was(
    radius: float, turns_s: float, elapsed_s: float
) -> None:
    circle = Circle(radius, turns_s)
    right, down = circle.after(elapsed_s)

    assert math.hypot(right, down + radius) == pytest.approx(abs(radius), abs=1e-9)
    assert circle.after(0) == (0, 0)
    if turns_s and abs(1 / turns_s) < 1e4:
        assert circle.after(1 / turns_s) == pytest.approx((0, 0), abs=1e-9)


def test_a_circle_goes_to_the_right_first_and_leaves_the_angle_alone() -> None:
    moved = animate(START, Animation(circle=Circle(0.1, 0.25)), 1).transform

    assert (moved.translate_x, moved.translate_y) == pytest.approx((0.2, -0.1))
    assert moved.rotate_deg == START.transform.rotate_deg
    for standing in (Circle(0, 1), Circle(1, 0)):
        assert animate(START, Animation(circle=standing), 1) is START


def test_seeds_only_move_on_the_plane() -> None:
    blended = replace(START, latent=SeedBlend(((1, 1.0),)))

    assert animate(blended, Animation(seed_x=Motion(1)), 5) == blended


@pytest.mark.parametrize(
    ("path", "psis"),
    [("once", [0, 0.5, 1, 2, 2]), ("loop", [0, 0.5, 1, 1, 0]), ("bounce", [0, 0.5, 1, 1.5, 1])],
)
def test_stops_are_gone_through_one_after_the_other(path: str, psis: list[float]) -> None:
    stops = tuple(EditState(truncation=Truncation(psi)) for psi in (0, 1, 2))
    animation = Animation(stops=stops, seconds_per_stop=2, path=path, smooth=False)

    assert [animate(START, animation, t).truncation.psi for t in (0, 1, 2, 5, 6)] == psis
    assert animate(START, replace(animation, smooth=True), 2).truncation.psi == 1


@given(states(), states(), SHARES)
@settings(deadline=None)
def test_the_way_between_two_states_begins_and_ends_at_them(a: EditState, b: EditState, share: float) -> None:
    assert interpolate(a, b, 0) is a
    assert interpolate(a, b, 1) is b
    assert interpolate(a, a, share) == a
    between = interpolate(a, b, share)
    if not any(abs(number) > 1e8 for number in _numbers(between)):
        assert decode_state(encode_state(between)) == between


def _numbers(state: EditState) -> list[float]:
    found: list[float] = []

    def walk(value: object) -> None:
        if isinstance(value, (int, float)):
            found.append(float(value))
        elif isinstance(value, tuple):
            for part in value:
                walk(part)
        elif hasattr(value, "__dataclass_fields__"):
            for name in value.__dataclass_fields__:
                walk(getattr(value, name))

    walk(state)
    return found


def test_latents_blend_whatever_they_are_and_blends_stay_flat() -> None:
    pad, stored = EditState(latent=SeedPad(1, 2)), EditState(latent=Stored("w", BlobRef("0" * 64)))
    half = interpolate(pad, stored, 0.5)
    quarter = interpolate(half, pad, 0.5)

    assert half.latent == Blend(((pad.latent, 0.5), (stored.latent, 0.5)))
    assert quarter.latent == Blend(((pad.latent, 0.25), (stored.latent, 0.25), (pad.latent, 0.5)))


def test_classes_sliders_and_mixes_fade_into_each_other() -> None:
    mix = Mix(SeedPad(9, 0), (1, 2), 0.8)
    a = EditState(condition=ClassMix(((1, 1.0),)), sliders=(Slider("pca", 0, 2.0), Slider("axis", 1, 4.0)))
    b = EditState(condition=ClassMix(((2, 1.0),)), sliders=(Slider("pca", 0, 4.0),), mixing=(mix,))
    between = interpolate(a, b, 0.25)

    assert between.condition == ClassMix(((1, 0.75), (2, 0.25)))
    assert between.sliders == (Slider("pca", 0, 2.5), Slider("axis", 1, 3.0))
    assert between.mixing == (replace(mix, amount=0.2),)


@given(st.lists(states(), min_size=1, max_size=4), st.floats(-2, 6))
def test_a_path_meets_every_stop_and_ends_at_its_ends(stops: list[EditState], position: float) -> None:
    assert [along(stops, index) for index in range(len(stops))] == stops
    if position <= 0:
        assert along(stops, position) == stops[0]
    elif position >= len(stops) - 1:
        assert along(stops, position) == stops[-1]
    else:
        index = int(position)
        assert along(stops, position) == interpolate(stops[index], stops[index + 1], position - index)
