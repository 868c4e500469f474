import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.state import EditState, Point, SeedPad
from widgets.point_edits import at_the_end, fresh_name, moved, path_words, renamed, restored, without

POINTS = tuple(Point(name, EditState(latent=SeedPad(seed))) for seed, name in enumerate("abcd"))
INDEX = st.integers(0, len(POINTS) - 1)


@given(INDEX)
def test_what_was_deleted_comes_back_where_it_was(index: int) -> None:
    left = without(POINTS, index)
    assert POINTS[index] not in left
    assert restored(left, index, POINTS[index]) == POINTS


@given(INDEX, st.sampled_from([-1, 1]))
def test_moving_there_and_back_changes_nothing_and_loses_no_point(index: int, by: int) -> None:
    there = moved(POINTS, index, by)
    assert set(there) == set(POINTS)
    if there != POINTS:
        assert there[index + by] == POINTS[index]
        assert moved(there, index + by, -by) == POINTS


def test_a_point_becomes_the_last_one_and_is_never_there_twice() -> None:
    assert at_the_end(POINTS, Point("other name", POINTS[1].state)) == (POINTS[0], *POINTS[2:], POINTS[1])
    new = Point("new", EditState(latent=SeedPad(9)))
    assert at_the_end(POINTS, new) == (*POINTS, new)


def test_a_renamed_point_keeps_its_place_and_state_and_an_empty_name_is_none() -> None:
    there = renamed(POINTS, 2, " Anna ")
    assert there[2] == Point("Anna", POINTS[2].state)
    assert renamed(POINTS, 2, "  ") == POINTS


@given(st.lists(st.sampled_from(["Point 1", "Point 2", "Point 3", "a"]), max_size=5))
def test_a_fresh_name_is_none_of_the_names(names: list[str]) -> None:
    assert fresh_name(tuple(Point(name, EditState()) for name in names)) not in names


@pytest.mark.parametrize(
    ("position", "words"),
    [(0.0, "a"), (1.0, "b"), (1.25, "b → c  25%"), (1.999, "c"), (2.0, "c"), (5.0, "c")],
)
def test_a_place_on_the_path_is_told_by_the_points_around_it(position: float, words: str) -> None:
    assert path_words(["a", "b", "c"], position) == words
