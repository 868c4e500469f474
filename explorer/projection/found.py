"""What a projection has found, and the state that shows it."""

from dataclasses import dataclass, field, replace

import numpy as np
from torch import Tensor

from explorer.project.blobs import BlobStore
from explorer.state import BlobRef, EditState, Noise, Output, Stored, Transform, Truncation, Tuning

__all__ = ["Found", "Progress"]


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """A point, and what was changed in the model to meet it. Nothing changes these tensors."""

    w_plus: Tensor
    """``[num_ws, w_dim]``; all rows are equal where one style was looked for."""
    transform: Transform = field(default_factory=Transform)
    """Where the picture stands."""
    styles: Tensor | None = None
    """Offsets in StyleSpace, as `Tuning.styles`."""
    noise: Tensor | None = None
    """Noise maps, as `Tuning.noise`."""
    weights: Tensor | None = None
    """Changes of weights, as `Tuning.weights`."""

    def state(self, base: EditState, blobs: BlobStore) -> EditState:
        """The state that shows it; it can be edited like that of a seed.

        Args:
            base: Names the model and its condition.
            blobs: Keeps the arrays.
        """
        rows = self.w_plus.cpu().numpy()
        latent = Stored("w", blobs.put(rows[0])) if (rows == rows[:1]).all() else Stored("w_plus", blobs.put(rows))
        parts = {name: _kept(getattr(self, name), blobs) for name in ("styles", "noise", "weights")}
        tuning = None
        if base.checkpoint is not None and any(part is not None for part in parts.values()):
            tuning = Tuning(base.checkpoint.sha256, **parts)
        return replace(
            base,
            latent=latent,
            sliders=(),
            mixing=(),
            # What was found is a whole: pulled to the centre it would be another picture.
            truncation=Truncation(),
            noise=Noise(),
            transform=self.transform,
            output=Output(),
            tuning=tuning,
        )

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything by name, for a ``.npz`` file."""
        kept = {name: getattr(self, name) for name in ("w_plus", "styles", "noise", "weights")}
        arrays = {name: part.cpu().numpy() for name, part in kept.items() if part is not None}
        place = self.transform
        return {**arrays, "transform": np.array([place.translate_x, place.translate_y, place.rotate_deg])}


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """How far a search is. Each is a value of its own: whoever stops keeps the last one."""

    stage: str
    """For a person: ``first guess``, ``W``, ``W+``, ``StyleSpace``, ``tuning``."""
    step: int
    """Steps taken."""
    share: float
    """Of the whole plan, 0 to 1."""
    loss: float
    """Of the step."""
    best: float
    """The lowest loss so far."""
    found: Found
    """What has it."""


def _kept(part: Tensor | None, blobs: BlobStore) -> BlobRef | None:
    return None if part is None else blobs.put(part.detach().cpu().float().numpy())
