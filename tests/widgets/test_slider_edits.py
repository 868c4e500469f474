from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.state import EditState, Slider
from widgets.panels.slider_details import beside, range_of
from widgets.panels.slider_rows import shown_in
from widgets.panels.sliders import page_of, pages
from widgets.slider_edits import Direction, amount_of, in_use, listed, name_in, on_layers, slider_words, with_amount

AMOUNTS = st.floats(-4, 4).map(lambda amount: round(amount, 2))
LAYERS = st.none() | st.lists(st.integers(0, 5), unique=True).map(lambda rows: tuple(sorted(rows)))
DIRECTIONS = st.builds(Direction, st.sampled_from(["pca", "axis"]), st.integers(0, 3), LAYERS)


@st.composite
def states(draw: st.DrawFn) -> EditState:
    state = EditState()
    for direction in draw(st.lists(DIRECTIONS, max_size=5)):
        state = with_amount(state, direction, draw(AMOUNTS))
    return state


@settings(max_examples=40)
@given(states(), DIRECTIONS, AMOUNTS)
def test_a_slider_holds_what_it_was_moved_to_and_back_at_zero_leaves_nothing(
    state: EditState, direction: Direction, amount: float
) -> None:
    moved = with_amount(state, direction, amount)
    assert amount_of(moved, direction) == amount
    assert with_amount(moved, direction, 0) == with_amount(state, direction, 0)
    assert all(slider.amount for slider in moved.sliders)


def test_a_slider_back_at_zero_leaves_the_state_as_it_was() -> None:
    state = EditState(sliders=(Slider("axis", 3, 1.0),))
    moved = with_amount(state, Direction("pca", 2), 1.5)
    assert amount_of(moved, Direction("pca", 2)) == 1.5
    assert with_amount(moved, Direction("pca", 2), 0) == state


@settings(max_examples=40)
@given(states(), DIRECTIONS, DIRECTIONS, AMOUNTS, AMOUNTS)
def test_the_order_of_dragging_sliders_does_not_matter(
    state: EditState, one: Direction, other: Direction, first: float, second: float
) -> None:
    if one == other:
        return
    there = with_amount(with_amount(state, one, first), other, second)
    assert there == with_amount(with_amount(state, other, second), one, first)


@settings(max_examples=40)
@given(states(), DIRECTIONS, AMOUNTS)
def test_other_directions_and_other_layers_stay(state: EditState, direction: Direction, amount: float) -> None:
    moved = with_amount(state, direction, amount)
    for other in in_use(state):
        if other != direction:
            assert amount_of(moved, other) == amount_of(state, other)


@settings(max_examples=40)
@given(states(), DIRECTIONS, LAYERS)
def test_moving_to_other_layers_keeps_the_sum_of_all_offsets(
    state: EditState, direction: Direction, layers: tuple[int, ...] | None
) -> None:
    moved = on_layers(state, direction, layers)
    before, after = (sum(slider.amount for slider in each.sliders) for each in (state, moved))
    assert abs(before - after) < 1e-4
    if layers != direction.layers:
        assert amount_of(moved, direction) == 0


def test_offsets_that_came_twice_are_seen_as_their_sum() -> None:
    state = EditState(sliders=(Slider("pca", 0, 1.0), Slider("pca", 0, 0.5)))
    assert amount_of(state, Direction("pca", 0)) == 1.5
    assert with_amount(state, Direction("pca", 0), 2).sliders == (Slider("pca", 0, 2.0),)


@settings(max_examples=40)
@given(states(), st.integers(1, 6))
def test_everything_in_use_is_listed_once_and_the_rest_on_its_own_layers(state: EditState, count: int) -> None:
    rows = listed(state, [("pca", index) for index in range(count)], lambda _basis, index: (index,))
    used = [direction for direction in in_use(state) if direction.basis == "pca" and direction.index < count]
    assert len(rows) == len(set(rows))
    assert set(used) <= set(rows)
    assert [row.index for row in rows] == sorted(row.index for row in rows)
    assert {row.index for row in rows} == set(range(count))
    assert all(row.layers == (row.index,) for row in rows if row not in used)


def test_the_name_goes_with_the_offset() -> None:
    here, there = Direction("axis", 2), Direction("axis", 2, (0, 1))
    state = with_amount(EditState(), here, 1.0, name="smile")
    assert name_in(on_layers(state, here, (0, 1)), there) == "smile"
    assert name_in(with_amount(state, here, 0), here) == ""


def test_steps_are_called_by_name_layers_and_amount() -> None:
    assert slider_words(Direction("pca", 0), 1.5) == "Direction 1 +1.50"
    assert slider_words(Direction("axis", 11, (0, 1, 4)), -0.25) == "Axis 12 on 0–1, 4 -0.25"
    assert slider_words(Direction("axis", 11, (3,)), 0, "smile") == "smile on 3 +0.00"


@settings(max_examples=40)
@given(st.text(max_size=20), LAYERS)
def test_whatever_a_name_is_the_number_is_shown_behind_it(name: str, layers: tuple[int, ...] | None) -> None:
    shown = shown_in(name, layers) % 1.5
    assert shown.endswith("+1.50")
    assert shown.startswith(name)


@settings(max_examples=40)
@given(st.integers(0, 600), st.sampled_from([10, 20, 40, 80]), st.integers(-3, 80))
def test_pages_hold_every_slider_once(count: int, size: int, page: int) -> None:
    every = [index for number in range(pages(count, size)) for index in page_of(count, number, size)]
    assert every == list(range(count))
    assert len(page_of(count, page, size)) <= size
    assert count == 0 or page_of(count, page, size)


def test_the_layers_beside_some_are_those_after_or_else_those_before() -> None:
    assert beside((0, 1, 2), 10) == tuple(range(3, 10))
    assert beside((2, 3), 10) == tuple(range(4, 10))
    assert beside((7, 8, 9), 10) == tuple(range(7))
    assert beside(tuple(range(10)), 10) is beside(None, 10) is None


def test_a_range_of_layers_is_its_first_and_last() -> None:
    assert range_of(None, 10) == (0, 9)
    assert range_of((2, 3, 7), 10) == (2, 7)
    assert range_of((), 10) == (0, 9)
