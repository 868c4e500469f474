"""What the picture in the middle is compared with: it is chosen, rendered in full and laid beside it."""

from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import StateError
from explorer.state import EditState, History, Node, Point
from widgets.picture_wipe import PictureWipe

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from explorer.session import Session, Still

__all__ = ["BEFORE", "Before", "Comparison", "Other", "choices", "state_before", "words_of"]

_KEPT = 4
_RENDERING = "Rendering the other picture…"


@dataclass(frozen=True, slots=True)
class Before:
    """What was shown before the newest edit, whichever that is."""


BEFORE = Before()

Other = Before | Node | Point
"""What a picture can be compared with: the last state, a step of the history, a saved point."""


def state_before(history: History, state: EditState) -> EditState | None:
    """The state before the edit that a hand is at or made last; ``None`` where the history begins."""
    if state != history.current.state:
        return history.current.state
    parent = history.current.parent
    return None if parent is None else history.nodes[parent].state


def choices(history: History, points: tuple[Point, ...], also: Other = BEFORE) -> dict[str, Other]:
    """What can be chosen, by different words: the state before, pinned steps, saved points.

    Args:
        history: With its pins.
        points: The saved ones.
        also: Offered beside them, as a step that is compared with although it is not pinned.
    """
    others: list[Other] = [BEFORE, *(history.nodes[id] for id in history.pinned), *points]
    if also not in others:
        others.insert(1, also)
    return {words_of(other): other for other in others}


def words_of(other: Other) -> str:
    """What it is called in a list: different for each, since steps and points may share their names."""
    if isinstance(other, Before):
        return "Before this edit"
    return f"Step {other.id + 1}: {other.label}" if isinstance(other, Node) else f"Point: {other.name}"


class Comparison:
    """Compares the picture in the middle with one other.

    Pictures are kept with the state that they show, so that what was rendered outlives the model that did it.

    Args:
        session: Renders, and says what is shown.
        wipe: Lays the other picture beside it.
    """

    def __init__(self, session: "Session", wipe: PictureWipe) -> None:
        self._session = session
        self._wipe = wipe
        self._kept: OrderedDict[tuple[object, ...], NDArray[np.uint8]] = OrderedDict()
        self._key: tuple[object, ...] = ()
        self._still: Still | None = None
        self._note = ""
        self._running = False
        self.other: Other = BEFORE
        """What it is compared with, or would be."""

    @property
    def is_on(self) -> bool:
        """Whether a comparison is shown."""
        return self._running and self._wipe.owner is self

    def begin(self, other: Other) -> None:
        """Compare with something; ends another comparison."""
        self.other = other
        self._running = True
        self._key = ()
        self._wipe.show(self, None, other=words_of(other), note=_RENDERING)

    def end(self) -> None:
        """Show the picture alone."""
        if self.is_on:
            self._wipe.end()
        self._stop()

    def poll(self) -> bool:
        """Follow the state and take in what was rendered; once a frame. True when something changed."""
        if not self._running:
            return False
        if not self.is_on or self._session.spec is None or not self._is_there():
            # Ended by its own button, taken over by another panel, or nothing is left to compare.
            self.end()
            return True
        state = self._other_state()
        key = (state, *self._session.computing)
        changed = key != self._key
        if changed:
            self._key = key
            self._ask(state)
        self._take()
        pixels = self._kept.get(self._key)
        self._wipe.show(
            self, pixels, other=self._label(state), now=self._now(), note="" if pixels is not None else self._note
        )
        return changed

    def _stop(self) -> None:
        self._running = False
        if self._still is not None:
            self._still.job.cancel()
            self._still = None

    def _is_there(self) -> bool:
        """Whether a step still belongs to the history: opening a project brings another one."""
        if not isinstance(self.other, Node):
            return True
        nodes = self._session.history.nodes
        return self.other.id < len(nodes) and nodes[self.other.id] == self.other

    def _other_state(self) -> EditState | None:
        session, other = self._session, self.other
        if isinstance(other, Before):
            return state_before(session.history, session.state)
        # A point is what going there would show, as its small picture is.
        return other.state if isinstance(other, Node) else session.fitted(other.state)

    def _ask(self, state: EditState | None) -> None:
        if self._still is not None:
            self._still.job.cancel()
            self._still = None
        self._note = ""
        if state is None:
            self._note = "There is nothing before this: it is the first step"
        elif self._key in self._kept:
            self._kept.move_to_end(self._key)
        else:
            try:
                self._still = self._session.still(state, name="Render the comparison")
                self._note = _RENDERING
            except StateError as error:
                self._note = str(error)

    def _take(self) -> None:
        still = self._still
        if still is None or not still.job.done:
            return
        self._still = None
        if still.pixels is not None:
            self._kept[self._key] = still.pixels
            while len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        else:
            self._note = still.job.error or "The rendering was cancelled: choose again"

    def _label(self, state: EditState | None) -> str:
        words = self.other.label if isinstance(self.other, Node) else words_of(self.other)
        theirs, ours = state.checkpoint if state else None, self._session.state.checkpoint
        if theirs is None or ours is None or theirs.sha256 == ours.sha256:
            return words
        return f"{words} ({Path(theirs.hint.removeprefix('bundled:')).stem})"

    def _now(self) -> str:
        session = self._session
        return f"Now: {session.history.current.label}" if session.state is session.history.current.state else "Now"
