"""Small pictures of many states, made one after the other in the background."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from explorer.errors import ExplorerError
from explorer.session.job import Job
from explorer.session.opening import OpenModel
from explorer.state import EditState

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Thumbnails"]


class Thumbnails:
    """Pictures that come one by one, in order. Safe to read from any thread.

    Args:
        states: What to show.
        model: The model that shows them; states of another one get no picture.
        side_px: Length of each picture's longer side.
        name: What the job is called.
    """

    def __init__(self, states: Sequence[EditState], model: OpenModel, *, side_px: int, name: str) -> None:
        self.job = Job(name)
        """How far it is; cancel it to stop."""
        self.states = tuple(states)
        """What the pictures show."""
        self._model = model
        self._side_px = side_px
        self._pictures: list[npt.NDArray[np.uint8] | None] = [None] * len(self.states)

    @property
    def pictures(self) -> "tuple[npt.NDArray[np.uint8] | None, ...]":
        """``[h, w, C]`` each; ``None`` for those that are not there yet or that the model cannot show."""
        return tuple(self._pictures)

    def steps(self) -> Iterator[float]:
        """Make one picture after the other; yields the share done, 0 to 1. For the render thread."""
        for index, state in enumerate(self.states):
            if state.checkpoint is None or state.checkpoint.sha256 == self._model.reference.sha256:
                try:
                    self._pictures[index] = self._model.renderer.thumbnail(state, side_px=self._side_px)
                except ExplorerError:
                    # Its place stays empty: one latent that is missing must not take the others along.
                    self._pictures[index] = None
            yield (index + 1) / len(self.states)
