"""A tree of states with a cursor: undo and then editing opens a branch, and nothing is ever lost."""

from dataclasses import dataclass, replace

from explorer.state.edit_state import CheckpointRef, EditState

__all__ = ["History", "Node"]


@dataclass(frozen=True, slots=True)
class Node:
    """One step of the history."""

    id: int
    """Its place in `History.nodes`; a child's is above its parent's."""
    parent: int | None
    """The step that it was made from; ``None`` for the root."""
    state: EditState
    """What the picture was after the step."""
    label: str
    """What was done, in a word or two, for a person."""


@dataclass(frozen=True, slots=True)
class History:
    """Every state that was ever committed, and which of them is current. Frozen: each change gives a new value."""

    nodes: tuple[Node, ...]
    """All steps in the order they were made; the first is the root."""
    cursor: int = 0
    """The current step, an index into ``nodes``."""
    pinned: tuple[int, ...] = ()
    """The steps that a person marked to find them again, in order."""

    def __post_init__(self) -> None:
        if not self.nodes or self.nodes[0].parent is not None:
            raise ValueError("a history starts with a root: one step without a parent")
        for place, node in enumerate(self.nodes):
            if node.id != place:
                raise ValueError(f"step {place} of the history is numbered {node.id}")
            if place and (node.parent is None or not 0 <= node.parent < place):
                raise ValueError(f"step {place} of the history has the parent {node.parent}, which is no earlier step")
        if not 0 <= self.cursor < len(self.nodes):
            raise ValueError(f"the history's cursor is {self.cursor}, but it has {len(self.nodes)} steps")
        if list(self.pinned) != sorted({id for id in self.pinned if 0 <= id < len(self.nodes)}):
            raise ValueError(f"the pinned steps of the history are {list(self.pinned)[:9]}: each once, in order")

    @classmethod
    def start(cls, state: EditState, label: str = "Start") -> "History":
        """A history of one step."""
        return cls((Node(0, None, state, label),))

    @property
    def current(self) -> Node:
        """The step at the cursor."""
        return self.nodes[self.cursor]

    @property
    def can_undo(self) -> bool:
        """Whether the cursor is below the root."""
        return self.current.parent is not None

    @property
    def can_redo(self) -> bool:
        """Whether a step was made from the current one."""
        return any(node.parent == self.cursor for node in self.nodes[self.cursor + 1 :])

    def commit(self, state: EditState, label: str) -> "History":
        """Add a step below the current one and go there; the history itself when the state is the same."""
        if state == self.current.state:
            return self
        node = Node(len(self.nodes), self.cursor, state, label)
        return History((*self.nodes, node), node.id, self.pinned)

    def undo(self) -> "History":
        """Go to the parent; the history itself at the root."""
        parent = self.current.parent
        return self if parent is None else replace(self, cursor=parent)

    def redo(self) -> "History":
        """Go to the newest step made from the current one; the history itself when there is none."""
        children = self.children(self.cursor)
        return replace(self, cursor=children[-1].id) if children else self

    def jump(self, id: int) -> "History":
        """Go to any step.

        Raises:
            ValueError: There is no such step.
        """
        return replace(self, cursor=id)

    def pin(self, id: int, pinned: bool = True) -> "History":
        """Mark a step, or take its mark away; the history itself when that changes nothing.

        Raises:
            ValueError: There is no such step.
        """
        if (id in self.pinned) == pinned:
            return self
        return replace(self, pinned=tuple(sorted({*self.pinned, id} if pinned else {*self.pinned} - {id})))

    def moved(self, sha256: str, reference: CheckpointRef) -> "History":
        """Every step on one model as the same step on another; the history itself when there is none."""
        nodes = tuple(
            replace(node, state=replace(node.state, checkpoint=reference))
            if node.state.checkpoint is not None and node.state.checkpoint.sha256 == sha256
            else node
            for node in self.nodes
        )
        return self if nodes == self.nodes else replace(self, nodes=nodes)

    def children(self, id: int) -> tuple[Node, ...]:
        """The steps made from one, oldest first."""
        return tuple(node for node in self.nodes[id + 1 :] if node.parent == id)
