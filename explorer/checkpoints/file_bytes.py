"""A whole file in memory, and what may go wrong with it."""

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from explorer.errors import CheckpointError

__all__ = ["MAX_FILE_BYTES", "damage_reported", "read_whole"]

MAX_FILE_BYTES = 16 << 30

# What a reader may still run into on a file that was made to break it, each met by fuzzing readers of this kind:
# torch reports sizes and memory as RuntimeError, numpy and Python as the others. All mean a file that cannot be read.
_SURPRISES = (
    ArithmeticError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
    AttributeError,
    struct.error,
)


@contextmanager
def damage_reported() -> Iterator[None]:
    """Turn what a damaged file makes of a reader into a `CheckpointError`."""
    try:
        yield
    except _SURPRISES as error:
        raise CheckpointError(
            f"this file is damaged, or too large for this machine's memory: {_first_line(error)}"
        ) from error


def read_whole(path: Path) -> memoryview:
    """The whole file in memory of our own, so that changing or deleting it later does no harm.

    Writable, as torch wants of memory that it makes views of.

    Raises:
        CheckpointError: It cannot be read, or is larger than `MAX_FILE_BYTES`.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            if size > MAX_FILE_BYTES:
                raise CheckpointError(f"this file has {size >> 30} GiB, more than any snapshot: it is not opened")
            data = memoryview(np.empty(size, dtype=np.uint8))
            done = 0
            while done < size and (count := file.readinto(data[done:])):
                done += count
    except OSError as error:
        raise CheckpointError(f"{path} cannot be read: {error.strerror or error}") from error
    if done < size:
        raise CheckpointError("this file became shorter while it was read: wait until it is complete")
    return data


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0][:200]
