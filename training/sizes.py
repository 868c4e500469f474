"""Which sizes of pictures the networks can be built for."""

import math

from explorer.errors import DatasetError

__all__ = ["MAX_BASE", "base_of", "nearest_size"]

MAX_BASE = 16
"""Pixels of the longer side of the smallest block."""


def base_of(size: tuple[int, int]) -> tuple[int, tuple[int, int]]:
    """The doublings of StyleGAN2's blocks: ``resolution`` and ``base_size`` of the networks' options.

    The smallest block has at least 4 pixels on its longer side and as few as the size allows: 256 x 192 doubles
    4 x 3 six times, 64 x 64 doubles 4 x 4 four times.

    Raises:
        DatasetError: The size cannot be halved down to a small block.
    """
    height, width = size
    doublings = 0
    while height % 2 == 0 and width % 2 == 0 and max(height, width) // 2 >= 4:
        height, width, doublings = height // 2, width // 2, doublings + 1
    if max(height, width) > MAX_BASE or doublings < 1:
        nearest = nearest_size(size)
        raise DatasetError(
            f"pictures of {size[1]} x {size[0]} pixels cannot be halved down to {MAX_BASE} or fewer: make them "
            f"{nearest[1]} x {nearest[0]}, or other sides with more factors of 2"
        )
    return 4 << doublings, (height, width)


def nearest_size(size: tuple[int, int]) -> tuple[int, int]:
    """Height and width close to ``size`` that `base_of` takes."""
    unit = 2 ** max(math.ceil(math.log2(max(size) / MAX_BASE)), 2)
    height, width = (max(round(side / unit), 2) * unit for side in size)
    return height, width
