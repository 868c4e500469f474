"""Making a mixture the base: its styles become numbers, and the mixing is empty again."""

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

from explorer.project import BlobStore
from explorer.session.job import Job
from explorer.session.opening import OpenModel
from explorer.state import EditState, Stored, Truncation

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["KeptMix"]


class KeptMix:
    """Computes the mixed styles of a state, then gives the state that holds them as its latent.

    Args:
        state: With something mixed.
        model: The model that it is shown by.
    """

    def __init__(self, state: EditState, model: OpenModel) -> None:
        self.job = Job("Keep the mix")
        """How far it is."""
        self._state = state
        self._model = model
        self._styles: tuple[npt.NDArray[np.float32], bool] | None = None

    def steps(self) -> Iterator[float]:
        """Map and mix. For the render thread."""
        self._styles = self._model.renderer.mixed_styles(self._state)
        yield 1.0

    def applied(self, state: EditState, blobs: BlobStore) -> EditState | None:
        """The state with the mixture as its latent, which shows the same picture bit for bit.

        ``None`` when the styles could not be computed, or the state is mixed of other things by now.
        """
        if self._styles is None or _mixed_of(state) != _mixed_of(self._state):
            return None
        array, is_truncated = self._styles
        latent = Stored("w_plus", blobs.put(array))
        # Rows of different classes have centres of their own, which one latent cannot remember.
        truncation = Truncation() if is_truncated else state.truncation
        return replace(state, latent=latent, mixing=(), truncation=truncation)


def _mixed_of(state: EditState) -> tuple[object, ...]:
    return state.checkpoint, state.condition, state.latent, state.mixing, state.truncation
