import random

from hypothesis import given, settings
from hypothesis import strategies as st

from explorer.state import EditState, History, SeedPad
from widgets.history_lanes import Edge, Lanes, path_of, rows_of
from widgets.history_rows import part_at, rows_in_sight


def grown(parents: list[int]) -> History:
    """A history whose step ``i + 1`` was made from step ``parents[i]``."""
    history = History.start(EditState())
    for number, parent in enumerate(parents, start=1):
        history = history.jump(parent).commit(EditState(latent=SeedPad(float(number))), f"Seed {number}")
    return history


@st.composite
def histories(draw: st.DrawFn) -> History:
    count = draw(st.integers(0, 30))
    return grown([draw(st.integers(0, step)) for step in range(count)])


def lanes_of(history: History) -> Lanes:
    lanes = Lanes()
    lanes.follow(history)
    return lanes


@settings(max_examples=40)
@given(histories())
def test_no_line_runs_through_a_step_that_is_not_its_own(history: History) -> None:
    lanes = lanes_of(history)
    for node in history.nodes[1:]:
        assert node.parent is not None
        between = range(node.parent + 1, node.id)
        assert all(lanes[step] != lanes[node.id] for step in between)


@settings(max_examples=40)
@given(histories())
def test_two_lines_never_share_a_lane_in_the_same_row(history: History) -> None:
    lanes = lanes_of(history)
    used: set[tuple[int, int]] = set()
    for node in history.nodes[1:]:
        assert node.parent is not None
        rows = {(lanes[node.id], row) for row in range(node.parent + 1, node.id + 1)}
        assert not rows & used
        used |= rows


@settings(max_examples=40)
@given(histories())
def test_a_history_that_grows_gets_the_lanes_of_one_seen_at_once(history: History) -> None:
    growing = Lanes()
    for count in range(1, len(history.nodes) + 1):
        growing.follow(History(history.nodes[:count]))
    at_once = lanes_of(history)
    assert growing.count == at_once.count
    assert [growing[step] for step in range(len(history.nodes))] == [
        at_once[step] for step in range(len(history.nodes))
    ]


@settings(max_examples=40)
@given(histories(), histories())
def test_another_history_leaves_nothing_of_the_one_before(one: History, other: History) -> None:
    lanes = lanes_of(one)
    lanes.follow(other)
    assert [lanes[step] for step in range(len(other.nodes))] == [
        lanes_of(other)[step] for step in range(len(other.nodes))
    ]


@settings(max_examples=40)
@given(histories(), st.data())
def test_every_line_that_is_seen_in_part_is_drawn_and_once(history: History, data: st.DataObject) -> None:
    last = len(history.nodes) - 1
    oldest = data.draw(st.integers(0, last))
    newest = data.draw(st.integers(oldest, last))
    every = [Edge(node.id, node.parent) for node in history.nodes if node.parent is not None]
    wanted = {edge for edge in every if edge.child >= oldest and edge.parent <= newest}
    drawn = list(lanes_of(history).edges(newest, oldest))
    assert len(drawn) == len(set(drawn))
    assert set(drawn) == wanted


def test_without_branches_there_is_one_lane() -> None:
    assert lanes_of(grown(list(range(20)))).count == 1


def test_the_path_leads_from_the_root_to_the_current_step() -> None:
    history = grown([0, 1, 0, 3])
    assert path_of(history) == {0, 3, 4}
    assert path_of(history.jump(2)) == {0, 1, 2}


def test_steps_are_listed_newest_first_and_pinned_ones_alone() -> None:
    history = grown([0, 1, 2]).pin(1).pin(3)
    assert list(rows_of(history, pinned_only=False)) == [3, 2, 1, 0]
    assert list(rows_of(history, pinned_only=True)) == [3, 1]


@settings(max_examples=40)
@given(st.integers(0, 10_000), st.integers(10, 90), st.floats(0, 1e6), st.floats(0, 2000))
def test_rows_in_sight_are_those_that_the_list_overlaps(count: int, row: int, scrolled: float, height: float) -> None:
    seen = rows_in_sight(count, row, scrolled, height)
    assert 0 <= seen.start <= seen.stop <= count
    assert len(seen) <= height // row + 2
    for step in random.Random(0).sample(range(count), min(count, 20)):
        if step * row < scrolled + height and (step + 1) * row > scrolled:
            assert step in seen


def test_the_buttons_of_a_row_are_at_its_end() -> None:
    assert [part_at(x, 200, 24) for x in (0, 151, 152, 175, 176, 199)] == [
        "step",
        "step",
        "compare",
        "compare",
        "pin",
        "pin",
    ]
