"""Arrays kept by the hash of their bytes: states hold the hash, so they stay small."""

import hashlib
import math
import re

import numpy as np
import numpy.typing as npt

from explorer.errors import ProjectFileError
from explorer.state import BlobRef

__all__ = ["BlobStore", "npy_array", "npy_bytes"]

Array = npt.NDArray[np.floating]

# The one header that `npy_bytes` writes: floats, C order, up to three axes. Matching it needs no parser at all,
# which leaves nothing for a hostile header to reach (no pickled objects, no structures, no evaluated text).
_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '<f([48])', 'fortran_order': False, 'shape': \((\d{1,9}(?:, \d{1,9}){0,2}),?\), \} *\n"
)
_LARGEST_BYTES = 64 * 2**20


class BlobStore:
    """Arrays by reference. The same array put twice is kept once."""

    def __init__(self) -> None:
        self._arrays: dict[BlobRef, Array] = {}

    def put(self, array: Array) -> BlobRef:
        """Keep a copy of a float32 or float64 array of one to three axes and return its reference.

        Raises:
            ProjectFileError: The array is of another type or shape, or holds NaN or infinities.
        """
        content = npy_bytes(array)
        reference = BlobRef(hashlib.sha256(content).hexdigest())
        if reference not in self._arrays:
            self._arrays[reference] = npy_array(content, reference.sha256)
        return reference

    def put_bytes(self, content: bytes) -> BlobRef:
        """Keep an array that is given as ``.npy`` bytes.

        Raises:
            ProjectFileError: The bytes are not an array as `npy_bytes` writes them.
        """
        reference = BlobRef(hashlib.sha256(content).hexdigest())
        self._arrays[reference] = npy_array(content, reference.sha256)
        return reference

    def get(self, reference: BlobRef) -> Array:
        """The array, read-only.

        Raises:
            ProjectFileError: The store has no such array.
        """
        try:
            return self._arrays[reference]
        except KeyError:
            raise ProjectFileError(f"the array {reference.sha256[:12]}... is not in the project") from None

    def take_in(self, other: "BlobStore") -> None:
        """Keep the arrays of another store as well."""
        self._arrays.update(other._arrays)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of every array, by its hash."""
        return {reference.sha256: array.shape for reference, array in self._arrays.items()}

    def __contains__(self, reference: BlobRef) -> bool:
        return reference in self._arrays

    def __len__(self) -> int:
        return len(self._arrays)


def npy_bytes(array: Array) -> bytes:
    """An array as the bytes of a ``.npy`` file, always the same bytes for the same values.

    Raises:
        ProjectFileError: Not float32 or float64, not one to three axes, or not finite.
    """
    array = np.asarray(array)
    if array.dtype not in (np.float32, np.float64) or not 1 <= array.ndim <= 3:
        raise ProjectFileError(
            f"an array of {array.dtype} {array.shape} cannot be kept: give float32 or float64, 1 to 3 axes"
        )
    little = np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<"))
    if little.nbytes > _LARGEST_BYTES or not np.isfinite(little).all():
        raise ProjectFileError(f"an array of shape {array.shape} cannot be kept: it is too large or not finite")
    header = f"{{'descr': '<f{little.itemsize}', 'fortran_order': False, 'shape': {little.shape}, }}".encode()
    # As the format asks: padded with spaces so that the numbers start at a multiple of 64 bytes.
    total = -(-(len(_MAGIC) + 2 + len(header) + 1) // 64) * 64
    header = header.ljust(total - len(_MAGIC) - 3) + b"\n"
    return _MAGIC + len(header).to_bytes(2, "little") + header + little.tobytes()


def npy_array(content: bytes, name: str) -> Array:
    """The array in the bytes of a ``.npy`` file, read-only.

    Raises:
        ProjectFileError: The bytes are not an array as `npy_bytes` writes them.
    """
    length = int.from_bytes(content[8:10], "little")
    match = _HEADER.fullmatch(content[10 : 10 + length]) if content[:8] == _MAGIC else None
    if match is None:
        raise ProjectFileError(f"the array {name[:12]}... is not a plain array of float32 or float64")
    dtype = np.dtype(f"<f{match[1].decode()}")
    shape = tuple(int(size) for size in match[2].split(b", "))
    values = memoryview(content)[10 + length :]
    if math.prod(shape) * dtype.itemsize != len(values):
        raise ProjectFileError(f"the array {name[:12]}... should hold {shape} numbers but has {len(values)} bytes")
    array = np.frombuffer(values, dtype).reshape(shape)
    if not np.isfinite(array).all():
        raise ProjectFileError(f"the array {name[:12]}... holds NaN or infinities")
    return array
