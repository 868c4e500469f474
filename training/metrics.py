"""How far generated pictures are from real ones, without any network to download.

Published FID and KID compare features of Inception-2015, which does not come with this program. The kernel
distance here compares pixels, so its values mean something only beside one another: the same data, the same
size, the same number of pictures. Names say what was compared.
"""

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["kernel_distance", "pixel_features", "pixel_kid"]

FEATURE_SIZE = 16


def pixel_features(images: Tensor) -> Tensor:
    """Pictures shrunk to 16 x 16 by area, flattened: uint8 ``[N, C, H, W]`` to float32 ``[N, C * 256]``, -1 to 1."""
    small = images.to(torch.float32) / 127.5 - 1
    return (F.adaptive_avg_pool2d(small, FEATURE_SIZE) if small.shape[2] > FEATURE_SIZE else small).flatten(1)


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


def pixel_kid(fake: Tensor, real: Tensor, *, subsets: int = 20, size: int = 250, seed: int = 0) -> tuple[float, float]:
    """Kernel distance of pixel features, averaged over random subsets, and its standard deviation.

    Args:
        fake: uint8 ``[N, C, H, W]``.
        real: uint8 ``[M, C, H, W]``, pictures that were not trained on.
        subsets: How many are drawn.
        size: Pictures in each, at most.
        seed: Of the draws.
    """
    x, y = pixel_features(fake), pixel_features(real)
    size = min(size, len(x), len(y))
    rng = np.random.default_rng(seed)
    values = [
        kernel_distance(x[rng.choice(len(x), size, replace=False)], y[rng.choice(len(y), size, replace=False)])
        for _ in range(subsets)
    ]
    return float(np.mean(values)), float(np.std(values))


def _kernel(x: Tensor, y: Tensor) -> Tensor:
    return (x @ y.T / x.shape[1] + 1) ** 3
