"""Playing what an `Animation` says: over the plane of seeds, or through saved points. One step when it pauses."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from explorer.state import Animation, EditState, Motion, SeedPad, animate
from widgets.seed_plane import clean

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["Player", "seed_words"]

# A window that stood still goes on where it was, rather than jump.
_LONGEST_FRAME_S = 0.1

Kind = Literal["", "seeds", "points"]


class Player:
    """The clock of it, shared by the panels that can start or stop it.

    While seeds move, all that is no latent may be edited as usual. An edit of what the player itself moves, an undo or
    another model stop it, and what is shown then is left as it is.
    """

    def __init__(self, session: "Session") -> None:
        self._session = session
        self.settings = Animation(seed_x=Motion(1.0, extent=10.0), seed_y=Motion(0.0, extent=10.0))
        """How to play; `change` replaces it. Its stops are not looked at."""
        self.kind: Kind = ""
        """What is moving now."""
        self._stops: tuple[EditState, ...] = ()
        self._label = ""
        self._from = self._shown = EditState()
        self._elapsed_s = 0.0
        self._last_s: float | None = None

    @property
    def can_move_seeds(self) -> bool:
        """Whether there is a point on the plane that can move."""
        return self._session.spec is not None and isinstance(self._session.state.latent, SeedPad)

    def change(self, settings: Animation) -> None:
        """Play like this from now on, from where it is."""
        if self.kind == "points":
            # The same share of the way to the next stop, however long that now takes.
            self._elapsed_s *= settings.seconds_per_stop / self.settings.seconds_per_stop
        else:
            self._begin(self.kind)
        self.settings = settings

    def play_seeds(self) -> None:
        """Move over the plane of seeds."""
        self.pause()
        if self.can_move_seeds:
            self._begin("seeds")

    def play_points(self, stops: Sequence[EditState], label: str) -> None:
        """Go through states of the open model, two or more; ``label`` is what the step is called at the end."""
        self.pause()
        if len(stops) > 1:
            self._stops, self._label = tuple(stops), label
            self._begin("points")

    def pause(self) -> None:
        """Stand still, as one step of the history."""
        kind, self.kind = self.kind, ""
        if kind and self._is_mine(kind):
            self._session.commit(seed_words(self._session.state) if kind == "seeds" else self._label)

    def poll(self, now_s: float) -> bool:
        """Move on; true when something moved or stopped."""
        if not self.kind:
            return False
        if not self._is_mine(self.kind):
            self.kind = ""
            return True
        if self._last_s is not None:
            self._elapsed_s += min(now_s - self._last_s, _LONGEST_FRAME_S)
        self._last_s = now_s
        state, moved = self._session.state, self._at(self._elapsed_s)
        self._shown = replace(state, latent=moved.latent) if self.kind == "seeds" else moved
        self._session.preview(self._shown)
        if self.kind == "points" and self.settings.path == "once" and self._elapsed_s >= self._length_s:
            self.pause()
        return True

    @property
    def _length_s(self) -> float:
        return (len(self._stops) - 1) * self.settings.seconds_per_stop

    def _begin(self, kind: Kind) -> None:
        if kind:
            self.kind = kind
            self._from = self._shown = self._session.state
            self._elapsed_s, self._last_s = 0.0, None

    def _is_mine(self, kind: Kind) -> bool:
        """Whether nobody else moved what this moves."""
        state = self._session.state
        if state.checkpoint != self._shown.checkpoint:
            return False
        return state.latent == self._shown.latent if kind == "seeds" else state == self._shown

    def _at(self, elapsed_s: float) -> EditState:
        if self.kind == "points":
            way = replace(self.settings, seed_x=Motion(), seed_y=Motion(), stops=self._stops)
            return animate(self._from, way, elapsed_s)
        there = animate(self._from, replace(self.settings, stops=()), elapsed_s)
        assert isinstance(there.latent, SeedPad)
        return replace(there, latent=clean(there.latent.x, there.latent.y))


def seed_words(state: EditState) -> str:
    """What a step to a place on the plane is called."""
    point = state.latent
    return f"Seed at {point.x:g}, {point.y:g}" if isinstance(point, SeedPad) else "Seeds"
