"""How the loop measures itself at every snapshot."""

from explorer.generators.protocol import Generator
from training.config import Quick
from training.data import TrainingSet
from training.grid import sample
from training.metrics.embedding import Embedder, Features, open_embedder
from training.metrics.measure import compare
from training.metrics.pixels import pixel_kid

__all__ = ["QuickMetrics"]

_FIRST_SEED = 100_000
# Quick: the whole of a few hundred pictures says as much as many draws of them.
_SUBSETS = 10


class QuickMetrics:
    """Distances between generated and held-out pictures, by names that say what compared them.

    Args:
        held_out: Pictures that were not trained on; fewer than two give no metric.
        metric: Which one decides: KID or FID of EfficientNet-lite0's features, or KID of pixels alone, which needs no
            network.
        count: Generated pictures, of fixed latents; 0 for no metric.
    """

    def __init__(self, held_out: TrainingSet, *, metric: Quick, count: int) -> None:
        self.held_out, self.metric, self.count = held_out, metric, count
        self.embedder: Embedder | None = None
        self.real: Features | None = None

    def __call__(self, generator: Generator) -> dict[str, float]:
        """Lower is better; the first one decides which snapshot is the best."""
        if self.count < 2 or len(self.held_out.images) < 2:
            return {}
        fake = sample(generator, range(_FIRST_SEED, _FIRST_SEED + self.count))
        value, _ = pixel_kid(fake, self.held_out.images)
        found = {"kid_x1000_pixels16": value * 1000}
        if self.metric != "pixels":
            if self.embedder is None:
                self.embedder = open_embedder()
                self.real = self.embedder(self.held_out.images)
            assert self.real is not None, "with the embedder"
            order = ("kid", "fid") if self.metric == "kid" else ("fid", "kid")
            seen = compare(self.real, self.embedder(fake), self.embedder, wanted=order, subsets=_SUBSETS)
            found = {metric.key: metric.value for metric in seen} | found
        return {name: round(value, 4) for name, value in found.items()}
