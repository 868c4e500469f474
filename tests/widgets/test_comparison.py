from dataclasses import replace

from explorer.state import EditState, History, Point, SeedPad
from widgets.comparison import BEFORE, choices, state_before, words_of


def states(count: int) -> list[EditState]:
    return [EditState(latent=SeedPad(float(seed), 0)) for seed in range(count)]


def test_before_an_edit_is_the_parent_and_while_a_hand_moves_the_last_step() -> None:
    first, second, third = states(3)
    history = History.start(first)
    assert state_before(history, first) is None
    assert state_before(history, second) == first
    history = history.commit(second, "Seed 1")
    assert state_before(history, second) == first
    assert state_before(history, third) == second


def test_before_an_edit_follows_branches() -> None:
    first, second, third = states(3)
    history = History.start(first).commit(second, "Seed 1").undo().commit(third, "Seed 2")
    assert state_before(history, third) == first


def test_pinned_steps_and_points_are_offered_each_by_words_of_its_own() -> None:
    first, second, third = states(3)
    history = History.start(first, "Same").commit(second, "Same").commit(third, "Same").pin(0).pin(2)
    points = (Point("Same", first), Point("Other", second))
    offered = choices(history, points)
    assert list(offered.values()) == [BEFORE, history.nodes[0], history.nodes[2], *points]
    assert len(offered) == 5


def test_a_step_without_a_pin_is_offered_while_it_is_compared_with() -> None:
    first, second = states(2)
    history = History.start(first).commit(second, "Seed 1")
    step = history.nodes[1]
    assert step not in choices(history, ()).values()
    assert choices(history, (), step)[words_of(step)] is step
    assert len(choices(history, (), replace(step, label="x"))) == 2
