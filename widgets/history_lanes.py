"""Where the branches of a history run: a lane for each, side by side. Arithmetic alone.

Steps stand one below the other, the newest first, so a branch is a line upwards from the step that it was made from.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from explorer.state import History, Node

__all__ = ["Edge", "Lanes", "path_of", "rows_of"]


@dataclass(frozen=True, slots=True)
class Edge:
    """The line from a step down to the one that it was made from."""

    child: int
    """The newer step."""
    parent: int
    """The older one."""


def path_of(history: History) -> frozenset[int]:
    """The steps from the root to the current one."""
    path = []
    step: int | None = history.cursor
    while step is not None:
        path.append(step)
        step = history.nodes[step].parent
    return frozenset(path)


def rows_of(history: History, *, pinned_only: bool) -> range | tuple[int, ...]:
    """The steps that are listed, from the top."""
    return tuple(reversed(history.pinned)) if pinned_only else range(len(history.nodes) - 1, -1, -1)


class Lanes:
    """The lane of every step of a history, 0 the leftmost. Follows one that grows without looking at it all again.

    A step goes on in its parent's lane when no other step stands there in between; else it takes the first lane that
    is free from its parent on. So a lane never crosses a step that is not its own.
    """

    def __init__(self) -> None:
        self._nodes: tuple[Node, ...] = ()
        self._lane_of: list[int] = []
        # The newest step in each lane.
        self._tips: list[int] = []
        self._long: list[Edge] = []

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._tips)

    def __getitem__(self, step: int) -> int:
        return self._lane_of[step]

    def follow(self, history: History) -> None:
        """Take in a history: what is new since the last one, or all when it is another one."""
        known, nodes = len(self._nodes), history.nodes
        if known > len(nodes) or (known and nodes[known - 1] is not self._nodes[-1]):
            known, self._lane_of, self._tips, self._long = 0, [], [], []
        self._nodes = nodes
        for node in nodes[known:]:
            self._add(node)

    def _add(self, node: Node) -> None:
        parent = -1 if node.parent is None else node.parent
        own = [self._lane_of[parent]] if parent >= 0 else []
        lane = next((lane for lane in (*own, *range(len(self._tips))) if self._tips[lane] <= parent), len(self._tips))
        if lane == len(self._tips):
            self._tips.append(node.id)
        self._tips[lane] = node.id
        self._lane_of.append(lane)
        if node.id - parent > 1 and parent >= 0:
            self._long.append(Edge(node.id, parent))

    def edges(self, newest: int, oldest: int) -> Iterator[Edge]:
        """The lines that run through or end in these steps, both included; each once."""
        for step in range(newest, oldest - 1, -1):
            parent = self._nodes[step].parent
            if parent is not None:
                yield Edge(step, parent)
        # The others begin above and come in from there.
        for edge in self._long:
            if edge.child > newest >= edge.parent:
                yield edge
        above = newest + 1
        if above < len(self._nodes) and self._nodes[above].parent == newest:
            yield Edge(above, newest)
