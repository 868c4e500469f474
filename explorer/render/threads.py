"""How many threads a picture is computed with: the same for the window and the command line."""

import os

import torch

__all__ = ["use_threads"]


def use_threads(threads: int | None = None) -> int:
    """Set torch's threads and return their number; without one, all cores but one, which is left to the window.

    The order in which a convolution sums may depend on it, so equal pictures need equal threads.
    """
    threads = max(1, (os.cpu_count() or 2) - 1) if threads is None else max(1, threads)
    torch.set_num_threads(threads)
    return threads
