"""All metrics of a model against a data set, by names that say what compared them and how many pictures."""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import ExplorerError
from explorer.generators.protocol import Generator
from training.data import TrainingSet
from training.metrics.distances import (
    frechet_distance,
    inception_score,
    kernel_distance_of_subsets,
    moments,
    precision_recall,
)
from training.metrics.embedding import Embedder, Features, cached_features, embed_all
from training.metrics.equivariance import equivariance
from training.metrics.generated import generated, path_length, path_lengths

__all__ = ["METRICS", "Counts", "Metric", "MetricError", "measure"]

METRICS = {
    "fid": "Fréchet distance of features",
    "kid": "kernel distance of features, times 1,000",
    "pr": "precision and recall",
    "is": "score of classes, as the Inception score",
    "ppl": "perceptual path length in W, at end points",
    "eq": "EQ-T, EQ-T_frac and EQ-R in decibels",
}
"""What there is, by the name on the command line."""
_OF_PICTURES = ("fid", "kid", "pr", "is")

Tell = Callable[[str, int, int], None]
"""Called with what is being done, how much of it, and of how much."""


class MetricError(ExplorerError):
    """A metric that cannot be computed as it was asked for."""


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each; published numbers are 50,000."""

    fakes: int = 50_000
    paths: int = 50_000
    moves: int = 50_000
    """Samples of EQ-T and EQ-R."""
    subsets: int = 100
    """Of KID, each of 1,000 pictures at most."""


@dataclass(frozen=True, slots=True)
class Metric:
    """One number."""

    key: str
    """For programs: ``fid_efficientnet_lite0``."""
    name: str
    """For people: ``FID (EfficientNet-lite0)``."""
    value: float
    of: str
    """What it was computed of."""
    spread: float | None = None
    """Standard deviation over subsets or splits."""


def measure(
    generator: Generator,
    pictures: TrainingSet,
    embedder: Embedder,
    *,
    wanted: Iterable[str],
    counts: Counts,
    psi: float = 1.0,
    seed: int = 0,
    cache: Path | None = None,
    tell: Tell = lambda what, done, total: None,
) -> list[Metric]:
    """Compute metrics of a model.

    Args:
        generator: The model.
        pictures: Real ones, all of which are compared with.
        embedder: The network that looks.
        wanted: Keys of `METRICS`.
        counts: How many of each.
        psi: Truncation; 1 as published.
        seed: Of everything random.
        cache: Folder for what the network saw of the real pictures; the user's cache without it.
        tell: For progress.

    Raises:
        MetricError: The model's pictures are not like the data set's, or it lacks what a metric needs.
    """
    chosen = list(wanted)
    _check(generator, pictures, embedder, chosen, counts)
    found: list[Metric] = []
    if any(name in chosen for name in _OF_PICTURES):
        real = cached_features(
            embedder, pictures.images, folder=cache, tell=lambda n: tell("real pictures", n, len(pictures.images))
        )
        fakes = generated(generator, count=counts.fakes, labels=pictures.labels, psi=psi, seed=seed)
        fake = embed_all(embedder, fakes, lambda n: tell("generated pictures", n, counts.fakes))
        found += compare(real, fake, embedder, wanted=chosen, subsets=counts.subsets)
    if "ppl" in chosen:
        found.append(_smoothness(generator, pictures, embedder, counts, seed, tell))
    if "eq" in chosen:
        found += _equivariance(generator, counts, tell)
    return found


def compare(real: Features, fake: Features, embedder: Embedder, *, wanted: Iterable[str], subsets: int) -> list[Metric]:
    """Those of `METRICS` that compare pictures."""
    name, slug = embedder.name, embedder.slug
    x, y = real.embedded, fake.embedded
    of = f"{len(y):,} generated and {len(x):,} real pictures"
    found = []
    for metric in wanted:
        if metric == "fid":
            value = frechet_distance(moments(x), moments(y))
            found.append(Metric(f"fid_{slug}", f"FID ({name})", value, of))
        elif metric == "kid":
            value, spread = kernel_distance_of_subsets(y, x, subsets=subsets)
            found.append(Metric(f"kid_x1000_{slug}", f"KID x 1000 ({name})", value * 1000, of, spread * 1000))
        elif metric == "pr":
            precision, recall = precision_recall(x, y)
            found.append(Metric(f"precision_{slug}", f"Precision ({name})", precision, of))
            found.append(Metric(f"recall_{slug}", f"Recall ({name})", recall, of))
        elif metric == "is" and fake.logits is not None:
            value, spread = inception_score(fake.logits)
            text = f"{len(y):,} generated pictures"
            found.append(Metric(f"is_{slug}", f"IS-style score ({name})", value, text, spread))
    return found


def _smoothness(
    generator: Generator, pictures: TrainingSet, embedder: Embedder, counts: Counts, seed: int, tell: Tell
) -> Metric:
    import torch

    lengths = []
    done = 0
    for part in path_lengths(generator, embedder.network, count=counts.paths, labels=pictures.labels, seed=seed):
        lengths.append(part)
        done += len(part)
        tell("paths", done, counts.paths)
    value = path_length(torch.cat(lengths))
    return Metric(f"ppl_w_end_{embedder.slug}", f"PPL in W, end points ({embedder.name})", value, f"{done:,} paths")


def _equivariance(generator: Generator, counts: Counts, tell: Tell) -> list[Metric]:
    measured = equivariance(generator, samples=counts.moves, tell=lambda n: tell("moves", n, counts.moves))
    assert measured is not None, "checked before"
    found, moved = measured
    of = f"{counts.moves:,} samples, moving {moved}"
    values = {"EQ-T": found.translation, "EQ-T_frac": found.fraction, "EQ-R": found.rotation}
    return [
        Metric(f"{name.lower().replace('-', '_')}_db", f"{name} in dB", errors.psnr_db, of)
        for name, errors in values.items()
        if not math.isnan(errors.psnr_db)
    ]


def _check(generator: Generator, pictures: TrainingSet, embedder: Embedder, wanted: list[str], counts: Counts) -> None:
    from explorer.generators import stylegan2

    spec = generator.spec
    if unknown := [name for name in wanted if name not in METRICS]:
        raise MetricError(f"there is no metric {unknown[0]!r}: there are {', '.join(METRICS)}")
    if not wanted:
        raise MetricError(f"no metric was asked for: name some of {', '.join(METRICS)}")
    if spec.text:
        raise MetricError("a model that takes texts has no pictures without one: metrics of prompts are not computed")
    if any(name in wanted for name in _OF_PICTURES):
        if tuple(spec.resolution) != pictures.size:
            raise MetricError(
                f"the model draws {spec.resolution[1]} x {spec.resolution[0]} pixels and {pictures.name} holds "
                f"{pictures.size[1]} x {pictures.size[0]}: make a data set of that size, main.py dataset --size "
                f"{spec.resolution[1]}x{spec.resolution[0]}"
            )
        if spec.c_dim and pictures.c_dim not in (0, spec.c_dim):
            raise MetricError(f"the model has {spec.c_dim} classes and {pictures.name} has {pictures.c_dim}")
        least = 4 if "pr" in wanted else 2
        if min(counts.fakes, len(pictures.images)) < least:
            raise MetricError(f"at least {least} real and generated pictures are needed")
    if "is" in wanted and not hasattr(embedder.network, "classify"):
        raise MetricError(f"{embedder.name} knows no classes, which 'is' needs: leave it out")
    if "eq" in wanted and not (spec.has_transform or isinstance(generator, stylegan2.Generator)):
        raise MetricError(f"a {spec.family} has no input that can be moved, which 'eq' needs: leave it out")
