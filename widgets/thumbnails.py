"""Asks for small pictures of states and puts them into the atlas as they come."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from explorer.state import EditState
from widgets.atlas import SIDE_PX, Atlas

if TYPE_CHECKING:
    from explorer.session import Session, Thumbnails

__all__ = ["ThumbnailFeed"]

_BATCH = 16
_WANTED = 64


class ThumbnailFeed:
    """Keeps pictures of some states in the atlas; one for each panel that shows some.

    States of a model that is not open wait until it is. A picture that another panel asked for serves this one too.
    One whose making failed, or that a person cancelled, is not asked for again while it stays wanted.

    Args:
        session: Makes the pictures.
        atlas: Keeps them, each under its state.
        name: What its jobs are called.
        side_px: Length of the longer side, at most `SIDE_PX`.
    """

    def __init__(self, session: "Session", atlas: Atlas, *, name: str = "Thumbnails", side_px: int = 96) -> None:
        self._session = session
        self._atlas = atlas
        self._name = name
        self._side_px = min(side_px, SIDE_PX)
        self._wanted: tuple[EditState, ...] = ()
        self._given_up: set[EditState] = set()
        self._batch: Thumbnails | None = None
        self._taken: set[int] = set()
        self._looked: tuple[object, ...] = ()

    def want(self, states: Sequence[EditState]) -> None:
        """Have pictures of these states, the first ones first, and of no others; at most 64 are made."""
        wanted = tuple(dict.fromkeys(states))[:_WANTED]
        if wanted == self._wanted:
            return
        self._wanted = wanted
        self._given_up.intersection_update(wanted)
        self._looked = ()

    @property
    def is_waiting(self) -> bool:
        """Whether pictures are on their way."""
        return self._batch is not None

    def cancel(self) -> None:
        """Stop; what is missing stays so until it is wanted anew."""
        if self._batch is not None:
            self._batch.job.cancel()

    def poll(self) -> bool:
        """Take in what is there and ask for what is missing; once a frame. True when a picture came."""
        came = self._take() if self._batch is not None else False
        if not self._atlas.is_ready or self._session.spec is None:
            return came
        looked = (self._atlas.version, self._session.state.checkpoint, self._batch, len(self._given_up))
        if looked != self._looked:
            self._looked = looked
            self._ask()
        return came

    def _take(self) -> bool:
        assert self._batch is not None
        # Asked before the pictures are looked at: none can come after the end.
        done = self._batch.job.done or self._batch.job.cancelled
        came = False
        for index, picture in enumerate(self._batch.pictures):
            if picture is not None and index not in self._taken:
                self._taken.add(index)
                self._atlas.put(self._batch.states[index], picture)
                came = True
        if done:
            left = (state for index, state in enumerate(self._batch.states) if index not in self._taken)
            self._given_up.update(set(left).intersection(self._wanted))
            self._batch = None
        return came

    def _ask(self) -> None:
        if self._batch is not None:
            left = {state for index, state in enumerate(self._batch.states) if index not in self._taken}
            # Starting anew costs the picture in work, so only when most of what would come is not wanted.
            if 2 * len(left.intersection(self._wanted)) >= len(left):
                return
            self._batch.job.cancel()
            self._batch = None
        reference = self._session.state.checkpoint
        missing = [
            state
            for state in self._wanted
            if state.checkpoint is not None
            and reference is not None
            and state.checkpoint.sha256 == reference.sha256
            and state not in self._given_up
            and self._atlas.find(state) is None
        ]
        if missing:
            self._taken = set()
            self._batch = self._session.thumbnails(missing[:_BATCH], side_px=self._side_px, name=self._name)
