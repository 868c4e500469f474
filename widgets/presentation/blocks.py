"""One picture in memory that two processes share."""

import contextlib
import math
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.shared_memory import SharedMemory

import numpy as np
from numpy.typing import NDArray

__all__ = ["BlockReader", "BlockWriter", "Picture", "Pixels"]

Pixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Picture:
    """Where a picture lies."""

    block: str
    """The memory's name in the system."""
    shape: tuple[int, int, int]
    """``[H, W, C]`` bytes from its start."""


class BlockWriter:
    """Owns the memory, and replaces it by another, of another name, when a picture outgrows it. For one thread."""

    def __init__(self) -> None:
        self._memory: SharedMemory | None = None

    def write(self, pixels: Pixels) -> Picture:
        """Put ``[H, W, C]`` bytes there, when nobody reads.

        Raises:
            OSError: The system has no memory left for it.
        """
        if self._memory is None or pixels.nbytes > self._memory.size:
            self.close()
            self._memory = SharedMemory(create=True, size=pixels.nbytes)
        assert self._memory.buf is not None
        np.frombuffer(self._memory.buf, np.uint8, pixels.nbytes)[:] = pixels.reshape(-1)
        height, width, channels = pixels.shape
        return Picture(self._memory.name, (height, width, channels))

    def close(self) -> None:
        """Give the memory back to the system, at once or when its reader lets go."""
        if self._memory is not None:
            self._memory.close()
            self._memory.unlink()
            self._memory = None


class BlockReader:
    """Reads the pictures of another process, whichever memory they lie in. For one thread."""

    def __init__(self) -> None:
        self._memory: SharedMemory | None = None

    @contextlib.contextmanager
    def view(self, picture: Picture) -> Iterator[Pixels]:
        """The pixels where they lie, to be let go of before the block ends.

        Raises:
            OSError: There is no such memory.
            ValueError: It is too short for such a picture.
        """
        if self._memory is None or self._memory.name != picture.block:
            self.close()
            self._memory = _attached(picture.block)
        assert self._memory.buf is not None
        yield np.frombuffer(self._memory.buf, np.uint8, math.prod(picture.shape)).reshape(picture.shape)

    def close(self) -> None:
        """Let go of the memory; it stays its writer's."""
        if self._memory is not None:
            self._memory.close()
            self._memory = None


def _attached(name: str) -> SharedMemory:
    if sys.version_info >= (3, 13):
        return SharedMemory(name, track=False)
    memory = SharedMemory(name)
    if sys.platform != "win32":
        # Before Python 3.13 a reader counts as an owner too, and its end would take the memory from the writer.
        resource_tracker.unregister(f"/{name}", "shared_memory")
    return memory
