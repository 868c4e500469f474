"""A full picture of one state, made in the background beside the one that is shown."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.errors import StateError
from explorer.project import BlobStore
from explorer.session.job import Job
from explorer.session.opening import OpenModel
from explorer.state import EditState

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Still", "still_of"]


class Still:
    """The picture, once it is there. Safe to read from any thread.

    Args:
        state: What to show.
        model: The model that shows it.
        name: What the job is called.
    """

    def __init__(self, state: EditState, model: OpenModel, *, name: str) -> None:
        self.job = Job(name)
        """How far it is; cancel it to stop."""
        self.state = state
        """What the picture shows."""
        self.pixels: npt.NDArray[np.uint8] | None = None
        """``[H, W, C]``, those of a frame of this state and so of the command line; ``None`` until they are there."""
        self._model = model

    def steps(self) -> Iterator[float]:
        """Make it a layer at a time; yields the share done, 0 to 1. For the render thread."""
        self.pixels = yield from self._model.renderer.picture_in_steps(self.state)


def still_of(state: EditState, models: Mapping[str, OpenModel], blobs: BlobStore, *, name: str) -> Still:
    """A still by the model that a state belongs to.

    Args:
        state: What to show.
        models: Those in memory, by their hash.
        blobs: The arrays that the state may refer to.
        name: What the job is called.

    Raises:
        StateError: The state's model is not among them.
    """
    reference = state.checkpoint
    model = None if reference is None else models.get(reference.sha256)
    if model is None:
        hint = "no model" if reference is None else Path(reference.hint).name
        raise StateError(f"This is a picture of {hint}, which is not in memory: go there once to load it")
    # A model that is not the open one may still look into those of the project before.
    model.renderer.blobs = blobs
    return Still(state, model, name=name)
