"""The one function by which the loop measures itself."""

from explorer.generators.protocol import Generator
from training.data import TrainingSet
from training.grid import sample
from training.metrics import pixel_kid

__all__ = ["quick_metrics"]

_FIRST_SEED = 100_000


def quick_metrics(generator: Generator, held_out: TrainingSet, *, count: int) -> dict[str, float]:
    """Distances between generated and held-out pictures, by names that say what compared them.

    Args:
        generator: The averaged one.
        held_out: Pictures that were not trained on; fewer than two give no metric.
        count: Generated pictures, of fixed latents.

    Returns:
        Lower is better; the first one decides which snapshot is the best.
    """
    if count < 2 or len(held_out.images) < 2:
        return {}
    fake = sample(generator, range(_FIRST_SEED, _FIRST_SEED + count))
    value, _ = pixel_kid(fake, held_out.images)
    return {"kid_x1000_pixels16": round(value * 1000, 4)}
