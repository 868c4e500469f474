"""What a session computes with, and how much memory it takes."""

from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from explorer.session.compute import Compute
from explorer.session.opening import OpenModel

__all__ = ["Performance", "measured"]


@dataclass(frozen=True, slots=True)
class Performance:
    """A reading."""

    compute: Compute
    """Where the open model computes, and how precisely."""
    threads: int
    """Of the processor that a picture may take; 0 before the first."""
    kernels: str
    """Which kernels serve and why, in a sentence."""
    process_bytes: int
    """Memory of this process that is not swapped out."""
    models: int
    """How many are in memory."""
    model_bytes: int
    """Their weights."""
    gpu_bytes: int | None
    """Memory that is held on the GPU; ``None`` without one."""


def measured(models: Iterable[OpenModel], compute: Compute, *, threads: int, kernels: str) -> Performance:
    """Take a reading; well below a millisecond.

    Args:
        models: Those in memory.
        compute: Where the open one computes.
        threads: See `Performance.threads`.
        kernels: Which kernels serve and why.
    """
    held = tuple(models)
    model_bytes, gpu_bytes = 0, None
    if held:
        # Not before a model is open: torch takes its time to load.
        from explorer.rendering.machine import gpu_bytes as reserved
        from explorer.rendering.machine import weight_bytes

        model_bytes, gpu_bytes = sum(weight_bytes(model.renderer.checkpoint) for model in held), reserved()
    process_bytes = int(psutil.Process().memory_info().rss)
    return Performance(compute, threads, kernels, process_bytes, len(held), model_bytes, gpu_bytes)
