"""All that is random in one augmentation, drawn for a whole batch before any picture is touched."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["AugmentDraws"]

_NAMES = (
    "flip", "quarter_turn", "shift", "shift_y", "scale", "turn_before", "stretch", "turn_after", "drift", "drift_y",
    "brightness", "contrast", "luma_flip", "hue", "saturation", "band0", "band1", "band2", "band3", "noise", "cutout",
    "cutout_y",
)  # fmt: skip
_COLUMN = {name: i for i, name in enumerate(_NAMES)}


@dataclass(frozen=True, slots=True)
class AugmentDraws:
    """Random numbers by the name of the step that reads them; a function of the stream they were drawn from."""

    gates: Tensor
    """``[N, K]``, uniform: a step happens where its number is below p."""
    uniforms: Tensor
    """``[N, K]``, uniform from 0 to 1."""
    normals: Tensor
    """``[N, K]``, standard normal."""
    pictures: Tensor | None
    """Standard normal, ``[N, C, H, W]``, where noise is added to the pictures."""

    @classmethod
    def draw(cls, shape: Sequence[int], stream: torch.Generator, *, with_pictures: bool = False) -> "AugmentDraws":
        """For pictures of ``shape`` ``[N, C, H, W]``, on the processor."""
        table = (shape[0], len(_NAMES))
        gates, uniforms = (torch.rand(table, generator=stream) for _ in range(2))
        normals = torch.randn(table, generator=stream)
        pictures = torch.randn(tuple(shape), generator=stream) if with_pictures else None
        return cls(gates, uniforms, normals, pictures)

    def rows(self, rows: Tensor, device: torch.device | str) -> "AugmentDraws":
        """What belongs to some of the pictures, int64 ``[M]``, on another device."""
        parts = (self.gates, self.uniforms, self.normals, self.pictures)
        return AugmentDraws(*(None if part is None else part[rows].to(device) for part in parts))  # type: ignore[arg-type]

    def happens(self, name: str, p: float) -> Tensor:
        """Where the step is taken, bool ``[N]``."""
        return self.gates[:, _COLUMN[name]] < p

    def uniform(self, name: str) -> Tensor:
        """``[N]``, from 0 to 1."""
        return self.uniforms[:, _COLUMN[name]]

    def normal(self, name: str) -> Tensor:
        """``[N]``, standard normal."""
        return self.normals[:, _COLUMN[name]]
