"""A sheet of style mixtures, made cell by cell in the background."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from explorer.project import save_picture
from explorer.rendering.sheet import sheet_of
from explorer.session.job import Job
from explorer.session.opening import OpenModel
from explorer.state import EditState, SheetPlan

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["Sheet"]


class Sheet:
    """Full pictures that come one by one, line by line. Safe to read from any thread.

    Args:
        plan: Which seeds and layers.
        base: Everything but the latent and the mixing.
        model: The model that shows them.
    """

    def __init__(self, plan: SheetPlan, base: EditState, model: OpenModel) -> None:
        self.job = Job("Make the mixing sheet")
        """How far it is; cancel it to stop."""
        self.plan = plan
        """What was asked for."""
        self.states = plan.states(base)
        """What each cell shows; ``None`` for the corner."""
        self._model = model
        self._pictures: list[npt.NDArray[np.uint8] | None] = [None] * len(self.states)

    @property
    def pictures(self) -> "tuple[npt.NDArray[np.uint8] | None, ...]":
        """``[H, W, C]`` each, as a frame of that state; ``None`` for the corner and those that are not there yet."""
        return tuple(self._pictures)

    @property
    def is_complete(self) -> bool:
        """Whether every cell is there."""
        return all(picture is not None for picture in self._pictures[1:])

    def pixels(self) -> "npt.NDArray[np.uint8]":
        """The sheet as it is now, ``[lines * H, columns * W, C]``, black where nothing is.

        Raises:
            ValueError: No cell is there yet.
        """
        return sheet_of(self.pictures, self.plan.shape[1])

    def save(self, path: str | Path) -> None:
        """Write the sheet as a PNG, at once or not at all.

        Raises:
            OSError: The file cannot be written.
        """
        save_picture(self.pixels(), path)

    def steps(self) -> Iterator[float]:
        """Make one cell after the other; yields the share done, 0 to 1. For the render thread."""
        count = len(self.states) - 1
        for index, state in enumerate(self.states[1:], start=1):
            assert state is not None
            making = self._model.renderer.picture_in_steps(state)
            while True:
                try:
                    share = next(making)
                except StopIteration as made:
                    self._pictures[index] = made.value
                    break
                # A layer at a time, so that whoever moves something meanwhile does not wait for a whole picture.
                yield (index - 1 + share) / count
