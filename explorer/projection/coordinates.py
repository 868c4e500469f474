"""W in coordinates in which mapped samples are spread alike in all directions.

W itself is stretched: a few directions hold most of the variety. In these coordinates one learning rate suits all of
them, and how far a point is from what the mapping makes is its length. It is what makes the search short.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

__all__ = ["Coordinates"]

# A direction in which samples hardly differ would be blown up to noise.
_SMALLEST_SHARE = 1e-3


@dataclass(frozen=True, slots=True, eq=False)
class Coordinates:
    """``w = mean + v @ basis``."""

    mean: Tensor
    """``[w_dim]``."""
    basis: Tensor
    """Rows are directions, one standard deviation long, ``[d, w_dim]``, the widest first."""

    @classmethod
    def of(cls, samples: Tensor) -> "Coordinates":
        """Those of mapped samples, ``[n, w_dim]``. The same samples give the same bits."""
        w = samples.double()
        mean = w.mean(dim=0)
        covariance = (w - mean).T @ (w - mean) / max(1, len(w) - 1)
        variances, vectors = torch.linalg.eigh(covariance)
        spread = variances.flip(0).clamp_min(0).sqrt()
        kept = int((spread > _SMALLEST_SHARE * spread[0]).sum()) or 1
        basis = vectors.T.flip(0)[:kept] * spread[:kept, None].clamp_min(1e-12)
        return cls(mean.float(), basis.float().contiguous())

    def to(self, device: torch.device) -> "Coordinates":
        """On another device."""
        return Coordinates(self.mean.to(device), self.basis.to(device))

    def w(self, v: Tensor) -> Tensor:
        """``[..., d]`` to ``[..., w_dim]``."""
        return self.mean + v @ self.basis

    def v(self, w: Tensor) -> Tensor:
        """``[..., w_dim]`` to ``[..., d]``; what lies outside of all directions is lost."""
        return (w - self.mean) @ (self.basis.T / self.basis.square().sum(dim=1))
