from dataclasses import replace

import pytest

from explorer.state import EditState, History, Node, SeedPad


def state(x: float) -> EditState:
    return EditState(latent=SeedPad(x, 0))


def grown(*numbers: float) -> History:
    history = History.start(state(0))
    for number in numbers:
        history = history.commit(state(number), f"to {number}")
    return history


def test_undo_restores_the_exact_state() -> None:
    first = state(5)
    history = History.start(first).commit(state(6), "move")

    assert history.undo().current.state is first


def test_undo_and_redo_are_inverse() -> None:
    history = grown(1, 2, 3)

    assert history.undo().undo().redo().redo() == history


def test_a_new_value_leaves_the_old_history_as_it_was() -> None:
    history = grown(1)
    history.commit(state(2), "more")

    assert len(history.nodes) == 2
    assert history.cursor == 1


def test_committing_an_unchanged_state_is_no_step() -> None:
    history = grown(1)

    assert history.commit(replace(history.current.state), "again") is history


def test_editing_after_undo_opens_a_branch_and_nothing_is_lost() -> None:
    history = grown(1, 2)
    lost = history.current.state

    branched = history.undo().commit(state(7), "other")

    assert branched.nodes[: len(history.nodes)] == history.nodes
    assert branched.jump(2).current.state is lost
    assert [node.id for node in branched.children(1)] == [2, 3]


def test_redo_follows_the_newest_child() -> None:
    branched = grown(1, 2).undo().commit(state(7), "other")

    assert branched.undo().redo().current.state == state(7)


def test_there_is_nothing_before_the_root_and_after_a_leaf() -> None:
    history = grown(1)
    root = history.undo()

    assert not root.can_undo
    assert root.undo() is root
    assert not history.can_redo
    assert history.redo() is history


def test_pins_stay_through_steps_and_unpinning_is_the_inverse_of_pinning() -> None:
    history = grown(1, 2)
    pinned = history.pin(2).pin(0)

    assert pinned.pinned == (0, 2)
    assert pinned.pin(2) is pinned
    assert pinned.undo().commit(state(9), "other").redo().pinned == (0, 2)
    assert pinned.pin(0, False).pin(2, False) == history
    assert history.pin(1, False) is history


@pytest.mark.parametrize("id", [-1, 3])
def test_a_step_that_does_not_exist_cannot_be_pinned(id: int) -> None:
    with pytest.raises(ValueError, match="pinned"):
        grown(1, 2).pin(id)


@pytest.mark.parametrize(
    ("nodes", "cursor"),
    [
        ((), 0),
        ((Node(0, 0, state(0), ""),), 0),
        ((Node(0, None, state(0), ""),), 1),
        ((Node(0, None, state(0), ""), Node(1, None, state(1), "")), 0),
        ((Node(0, None, state(0), ""), Node(1, 1, state(1), "")), 0),
        ((Node(0, None, state(0), ""), Node(2, 0, state(1), "")), 0),
    ],
)
def test_what_is_no_tree_with_a_cursor_is_refused(nodes: tuple[Node, ...], cursor: int) -> None:
    with pytest.raises(ValueError, match=r"history|cursor"):
        History(nodes, cursor)
