"""How a picture is computed on this machine: threads and kernels, the same for the window and the command line."""

import os

import torch

from explorer import ops
from explorer.errors import KernelUnavailable

__all__ = ["compile_kernels", "kernels_in_use", "use_kernels", "use_threads"]


def use_threads(threads: int | None = None) -> int:
    """Set torch's threads and return their number; without one, all cores but one, which is left to the window.

    The order in which a convolution sums may depend on it, so equal pictures need equal threads.
    """
    threads = max(1, (os.cpu_count() or 2) - 1) if threads is None else max(1, threads)
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    return threads


def compile_kernels() -> bool:
    """Make the compiled kernels ready, which takes seconds the first time; false on a machine without them.

    May run beside a renderer, since it changes no picture.
    """
    try:
        return ops.warm_up().compiled
    except KernelUnavailable:
        return False


def use_kernels() -> None:
    """Let the compiled kernels serve from now on. Pictures may change in their last bits: not during one."""
    ops.use("auto")


def kernels_in_use() -> tuple[str, bool]:
    """What serves: pictures that were computed under another value are not to be mixed with new ones."""
    status = ops.kernel_status()
    return status.policy, status.compiled
