"""Playing a transform: round in a circle, round itself. One step of the history when it pauses."""

from dataclasses import replace
from typing import TYPE_CHECKING

from explorer.state import Animation, Circle, EditState, Motion, Transform, animate
from widgets.transform_drag import transform_words

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["TransformPlayer", "rounded"]

_RADIUS = 0.1
_TURNS_S = 0.125
_SPIN_DEG_S = 45.0
# A window that stood still goes on where it was, rather than jump.
_LONGEST_FRAME_S = 0.1


class TransformPlayer:
    """The clock of it. While it runs, other edits go on as usual; one of the transform stops it."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._from = Transform()
        self._shown: Transform | None = None
        self._elapsed_s = 0.0
        self._last_s: float | None = None
        self.speed = 1.0
        """Times the usual speed."""
        self.circles = False
        """Whether it goes round in a circle."""
        self.spins = False
        """Whether it turns round itself."""

    @property
    def is_playing(self) -> bool:
        """Whether anything moves."""
        return self._shown is not None

    def play(self, *, circles: bool, spins: bool) -> None:
        """Move like this from now on; nothing of it pauses."""
        self.pause()
        self.circles, self.spins = circles, spins
        if circles or spins:
            self._from = self._shown = self._session.state.transform
            self._elapsed_s, self._last_s = 0.0, None

    def pause(self) -> None:
        """Stand still, as one step of the history."""
        was_playing = self.is_playing and self._session.state.transform == self._shown
        self._forget()
        if was_playing:
            self._session.commit(transform_words(self._session.state.transform))

    def poll(self, now_s: float) -> bool:
        """Move on; true when something moved or stopped."""
        if self._shown is None:
            return False
        spec = self._session.spec
        if self._session.state.transform != self._shown or spec is None or not spec.has_transform:
            # Somebody else moved it, or the model changed.
            self._forget()
            return True
        if self._last_s is not None:
            self._elapsed_s += min(now_s - self._last_s, _LONGEST_FRAME_S) * self.speed
        self._last_s = now_s
        self._shown = self._at(self._elapsed_s)
        self._session.preview(replace(self._session.state, transform=self._shown))
        return True

    def _at(self, elapsed_s: float) -> Transform:
        animation = Animation(
            circle=Circle(_RADIUS if self.circles else 0.0, _TURNS_S),
            rotate_deg=Motion(_SPIN_DEG_S if self.spins else 0.0),
        )
        return rounded(animate(EditState(transform=self._from), animation, elapsed_s).transform)

    def _forget(self) -> None:
        self._shown = None
        self.circles = self.spins = False


def rounded(transform: Transform) -> Transform:
    """To the digits that the sliders show, so that what is played can be typed elsewhere."""
    return replace(
        transform,
        translate_x=round(transform.translate_x, 3) + 0.0,
        translate_y=round(transform.translate_y, 3) + 0.0,
        rotate_deg=round(transform.rotate_deg, 1) + 0.0,
    )
