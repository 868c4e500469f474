"""How well a model's own samples explain a small picture of which parts are not seen, and what those may look like.

Source: probabilistic principal components (Tipping and Bishop 1999), with missing pixels.
"""

import torch
from torch import Tensor
from torch.nn import functional

from explorer.projection.target import Target

__all__ = ["THUMB", "Explained", "look", "shrunk"]

THUMB = 16
"""Side of the small pictures."""
_DIRECTIONS = 48
_LEAST_NOISE = 1e-4
_LEAST_SEEN = 0.05


def look(images: Tensor) -> Tensor:
    """What pictures look like in a few hundred numbers, ``[N, f]``."""
    return functional.adaptive_avg_pool2d(images, THUMB).flatten(1)


def shrunk(target: Target, side: int) -> tuple[Tensor, Tensor]:
    """A target's picture times what counts of it, ``[1, C, side, side]``, and what counts, ``[1, 1, side, side]``."""
    mask = torch.ones_like(target.image[:, :1]) if target.mask is None else target.mask
    image, counts = (functional.adaptive_avg_pool2d(part, side) for part in (target.image * mask, mask))
    return image, counts


class Explained:
    """A Gaussian of small pictures: a few directions, and noise of one size.

    Args:
        looks: Of samples, ``[n, C * 16 * 16]``.
        channels: Of a picture.
    """

    def __init__(self, looks: Tensor, channels: int) -> None:
        self._channels = channels
        self._mean = looks.mean(dim=0)
        shifted = looks - self._mean
        _, values, rows = torch.linalg.svd(shifted, full_matrices=False)
        variances = values.square() / len(shifted)
        count = max(1, min(_DIRECTIONS, len(shifted) // 4))
        self._noise = variances[count:].sum() / max(1, len(self._mean) - count) + _LEAST_NOISE
        self._basis = rows[:count] * variances[:count, None].sqrt()

    def unlikely(self, images: Tensor, seen: Tensor) -> Tensor:
        """How badly pictures are explained, ``[N]``.

        Args:
            images: ``[N, C, H, W]``.
            seen: How much of each pixel is seen, ``[N, 1, H, W]``, 0 to 1.
        """
        small, counts, wanted, by = self._fitted(images, seen)
        left = (small.square() * counts).sum(dim=1) - (wanted * by).sum(dim=1)
        # What is not seen is taken to be as far off as what is: a place that hides much must not win by that. New
        # pictures are several times as far off as the noise of the samples that the model was fitted to.
        unlikely: Tensor = left / self._noise / counts.mean(dim=1).clamp_min(_LEAST_SEEN)
        return unlikely

    def filled(self, images: Tensor, seen: Tensor) -> Tensor:
        """What pictures look like, ``[N, f]``, where the likeliest stands for what is not seen; see `unlikely`."""
        small, counts, _, by = self._fitted(images, seen)
        looks: Tensor = self._mean + small * counts + (by @ self._basis) * (1 - counts)
        return looks

    def _fitted(self, images: Tensor, seen: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        counts = functional.adaptive_avg_pool2d(seen, THUMB)
        # What is seen in part looks like the part that is seen.
        images = functional.adaptive_avg_pool2d(images * seen, THUMB) / counts.clamp_min(1e-3)
        counts = counts.expand(-1, self._channels, -1, -1).flatten(1)
        small = images.flatten(1) - self._mean
        weighted = self._basis[None] * counts[:, None]
        normal = weighted @ self._basis.T + self._noise * torch.eye(len(self._basis)).to(small)
        wanted = (weighted @ small[:, :, None])[:, :, 0]
        return small, counts, wanted, torch.linalg.solve(normal, wanted)
