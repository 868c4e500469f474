"""Distances and scores of features, whatever network they come from. Everything in float64.

Features are ``[N, d]``, one row a picture.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

__all__ = [
    "Moments",
    "frechet_distance",
    "inception_score",
    "kernel_distance",
    "kernel_distance_of_subsets",
    "moments",
    "precision_recall",
]

_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Moments:
    """Mean ``[d]`` and covariance ``[d, d]``, float64."""

    mean: Tensor
    covariance: Tensor


def moments(features: Tensor) -> Moments:
    """Mean and covariance (divided by N, as published).

    Raises:
        ValueError: There are fewer than 2 rows.
    """
    if len(features) < 2:
        raise ValueError(f"a covariance needs 2 samples; got {len(features)}")
    x = features.to(torch.float64)
    mean = x.mean(dim=0)
    # E[x x'] - m m', in two steps so that large means leave digits.
    centred = x - mean
    return Moments(mean, centred.T @ centred / len(x))


def frechet_distance(a: Moments, b: Moments) -> float:
    """``|m - m'|² + Tr(S + S' - 2 (S S')^½)``, 0 for equal moments.

    Source: GANs Trained by a Two Time-Scale Update Rule (Heusel et al. 2017), equation 6. The trace of the root is the
    sum of the roots of the eigenvalues of ``S^½ S' S^½``, which is symmetric and has those of ``S S'``.
    """
    root = _root(a.covariance)
    values = torch.linalg.eigvalsh(root @ b.covariance @ root).clamp_min(0)
    trace = a.covariance.trace() + b.covariance.trace() - 2 * values.sqrt().sum()
    return float((a.mean - b.mean).square().sum() + trace)


def _root(matrix: Tensor) -> Tensor:
    values, vectors = torch.linalg.eigh(matrix)
    return vectors * values.clamp_min(0).sqrt() @ vectors.T


def kernel_distance(x: Tensor, y: Tensor) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel ``(a . b / d + 1)³``; near 0 for equal distributions.

    Args:
        x: Features, ``[N, d]``, N at least 2.
        y: Features, ``[M, d]``, M at least 2.

    Source: Demystifying MMD GANs (Binkowski et al. 2018), section 4.
    """
    if len(x) < 2 or len(y) < 2:
        raise ValueError(f"a kernel distance needs 2 samples on each side; got {len(x)} and {len(y)}")
    a, b = x.to(torch.float64), y.to(torch.float64)
    same_a, same_b, across = _kernel(a, a), _kernel(b, b), _kernel(a, b)
    n, m = len(a), len(b)
    within = (same_a.sum() - same_a.trace()) / (n * (n - 1)) + (same_b.sum() - same_b.trace()) / (m * (m - 1))
    return float(within - 2 * across.mean())


def kernel_distance_of_subsets(
    x: Tensor, y: Tensor, *, subsets: int = 100, size: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """`kernel_distance` averaged over random subsets, and its standard deviation; 100 of at most 1,000 as published."""
    size = min(size, len(x), len(y))
    rng = np.random.default_rng(seed)
    values = [
        kernel_distance(x[rng.choice(len(x), size, replace=False)], y[rng.choice(len(y), size, replace=False)])
        for _ in range(subsets)
    ]
    return float(np.mean(values)), float(np.std(values))


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3


def precision_recall(real: Tensor, fake: Tensor, *, neighbours: int = 3) -> tuple[float, float]:
    """Share of fakes among the reals, and of reals among the fakes.

    A picture is among others when it lies no further from one of them than that one's third nearest of its own kind.

    Source: Improved Precision and Recall Metric (Kynkäänniemi et al. 2019), section 2.

    Raises:
        ValueError: A side has no more pictures than ``neighbours``.
    """
    if min(len(real), len(fake)) <= neighbours:
        raise ValueError(f"precision and recall need more than {neighbours} pictures on each side")
    a, b = real.to(torch.float32), fake.to(torch.float32)
    return _covered(b, by=a, radii=_radii(a, neighbours)), _covered(a, by=b, radii=_radii(b, neighbours))


def _radii(x: Tensor, neighbours: int) -> Tensor:
    # The nearest of all is the picture itself.
    return torch.cat([torch.cdist(rows, x).kthvalue(neighbours + 1, dim=1).values for rows in x.split(_ROWS)])


def _covered(x: Tensor, *, by: Tensor, radii: Tensor) -> float:
    inside = [(torch.cdist(rows, by) <= radii).any(dim=1) for rows in x.split(_ROWS)]
    return float(torch.cat(inside).double().mean())


def inception_score(logits: Tensor, *, splits: int = 10) -> tuple[float, float]:
    """``exp(E[KL(p(y | x) || p(y))])`` averaged over splits, and its standard deviation; 1 at least.

    Source: Improved Techniques for Training GANs (Salimans et al. 2016), section 4.

    Args:
        logits: ``[N, classes]``.
        splits: Parts of equal size, in order; 10 as published.
    """
    splits = min(splits, len(logits))
    log_p = logits.to(torch.float64).log_softmax(dim=1)
    scores = []
    for rows in torch.tensor_split(log_p, splits):
        p = rows.exp()
        marginal = p.mean(dim=0)
        divergence = (p * (rows - marginal.clamp_min(1e-300).log())).sum(dim=1).mean()
        scores.append(float(divergence.exp()))
    return float(np.mean(scores)), float(np.std(scores))
