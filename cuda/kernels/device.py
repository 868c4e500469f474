"""Launching: a kernel by name, its grid and its arguments, on torch's current stream.

CuPy and torch share memory by address, so nothing is copied and nothing waits: a launch may be captured in a CUDA
Graph once its kernel has been compiled, which the first launch does. Compiled kernels are kept on disk by CuPy.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from cuda.kernels.source import COMPILER_OPTIONS, source_of
from explorer.errors import KernelUnavailable

__all__ = ["Argument", "Device", "Kernel", "device_for", "why_unavailable"]

Argument = Tensor | None | np.int32 | np.int64 | np.float32
"""None is a null pointer."""


@dataclass(frozen=True, slots=True)
class Kernel:
    """A function of a source file, for some values of the names that are fixed when it is compiled."""

    file: str
    """One of `cuda.kernels.source.FILES`."""
    name: str
    """The function."""
    fixed: tuple[tuple[str, str | int], ...]
    """Names and values."""

    @property
    def options(self) -> tuple[str, ...]:
        """For the compiler."""
        return (*COMPILER_OPTIONS, *(f"-D{name}={value}" for name, value in self.fixed))


class Device(Protocol):
    """Where kernels run."""

    def launch(
        self, kernel: Kernel, grid: tuple[int, int, int], block: tuple[int, int], args: Sequence[Argument]
    ) -> None:
        """Run a kernel on ``grid`` blocks of ``block`` threads; returns before it is done."""


@dataclass(frozen=True, slots=True)
class CupyDevice:
    """A GPU, through CuPy."""

    index: int

    def launch(
        self, kernel: Kernel, grid: tuple[int, int, int], block: tuple[int, int], args: Sequence[Argument]
    ) -> None:
        """See `Device`."""
        import cupy

        stream = torch.cuda.current_stream(self.index).cuda_stream
        with cupy.cuda.Device(self.index), cupy.cuda.ExternalStream(stream, self.index):
            function = _compiled(self.index, kernel)
            function(grid, (*block, 1), tuple(_plain(argument) for argument in args))


def _plain(argument: Argument) -> Any:
    if argument is None:
        return np.uintp(0)
    return np.uintp(argument.data_ptr()) if isinstance(argument, Tensor) else argument


@lru_cache(maxsize=512)
def _compiled(index: int, kernel: Kernel) -> Any:
    import cupy

    module = cupy.RawModule(code=source_of(kernel.file), options=kernel.options)
    return module.get_function(kernel.name)


def device_for(x: Tensor) -> Device:
    """What launches kernels on the memory of ``x``.

    Raises:
        KernelUnavailable: It does not lie on an NVIDIA GPU, or CuPy is missing.
    """
    if x.device.type != "cuda":
        raise KernelUnavailable(f"CUDA kernels need a tensor on an NVIDIA GPU; this one is on {x.device}")
    if reason := why_unavailable():
        raise KernelUnavailable(reason)
    return CupyDevice(x.device.index or 0)


def why_unavailable() -> str | None:
    """What keeps this process from CUDA kernels, and what to do; None where nothing does."""
    if torch.version.cuda is None:
        return "the CUDA kernels need a torch that was built with CUDA; this one was built for processors only"
    if not torch.cuda.is_available():
        return "the CUDA kernels need an NVIDIA GPU and its driver; torch finds none"
    if importlib.util.find_spec("cupy") is None:
        return "the CUDA kernels need CuPy, which compiles them: pip install -e '.[cuda]'"
    return None
