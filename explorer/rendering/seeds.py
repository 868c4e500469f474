"""Seeds and the plane of seeds, as the published viewer numbers them."""

import math

import numpy as np
import numpy.typing as npt

from explorer.errors import StateError
from explorer.state import SeedBlend, SeedPad

__all__ = ["class_of_seed", "corners", "latent_of_seed"]

_ROW = 100
_MASK = 2**32 - 1


def latent_of_seed(seed: int, z_dim: int) -> npt.NDArray[np.float64]:
    """The latent z ``[z_dim]`` of a seed; seeds count modulo 2^32."""
    return np.random.RandomState(seed & _MASK).randn(z_dim)


def class_of_seed(seed: int, z_dim: int, c_dim: int) -> int:
    """The class that a seed draws for itself: the next number after its latent."""
    random = np.random.RandomState(seed & _MASK)
    random.randn(z_dim)
    return int(random.randint(c_dim))


def corners(latent: SeedPad | SeedBlend) -> tuple[tuple[int, float], ...]:
    """The seeds that a latent blends and their weights; none has the weight 0.

    Raises:
        StateError: A coordinate or weight is NaN or infinite.
    """
    numbers = [weight for _, weight in latent.weights] if isinstance(latent, SeedBlend) else [latent.x, latent.y]
    if not all(map(math.isfinite, numbers)):
        raise StateError(f"{latent} has a number that is not finite")
    if isinstance(latent, SeedBlend):
        weights = latent.weights
    else:
        left, top = math.floor(latent.x), math.floor(latent.y)
        right_share, bottom_share = latent.x - left, latent.y - top
        weights = tuple(
            (
                left + dx + (top + dy) * _ROW,
                (right_share if dx else 1 - right_share) * (bottom_share if dy else 1 - bottom_share),
            )
            for dy in (0, 1)
            for dx in (0, 1)
        )
    return tuple((seed & _MASK, weight) for seed, weight in weights if weight != 0)
