"""A kernel distance of pixels, without any network: quick, and of meaning only beside itself.

The same data, the same size, the same number of pictures: then two values can be compared.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from training.metrics.distances import kernel_distance_of_subsets

__all__ = ["pixel_features", "pixel_kid"]

FEATURE_SIZE = 16


def pixel_features(images: Tensor) -> Tensor:
    """Pictures shrunk to 16 x 16 by area, flattened: uint8 ``[N, C, H, W]`` to float32 ``[N, C * 256]``, -1 to 1."""
    small = images.to(torch.float32) / 127.5 - 1
    return (F.adaptive_avg_pool2d(small, FEATURE_SIZE) if small.shape[2] > FEATURE_SIZE else small).flatten(1)


def pixel_kid(fake: Tensor, real: Tensor, *, subsets: int = 20, size: int = 250, seed: int = 0) -> tuple[float, float]:
    """Kernel distance of pixel features, averaged over random subsets, and its standard deviation.

    Args:
        fake: uint8 ``[N, C, H, W]``.
        real: uint8 ``[M, C, H, W]``, pictures that were not trained on.
        subsets: How many are drawn.
        size: Pictures in each, at most.
        seed: Of the draws.
    """
    return kernel_distance_of_subsets(pixel_features(fake), pixel_features(real), subsets=subsets, size=size, seed=seed)
