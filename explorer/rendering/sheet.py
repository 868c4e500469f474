"""Pictures put together as a sheet."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["sheet_of"]


def sheet_of(pictures: "Sequence[npt.NDArray[np.uint8] | None]", columns: int) -> npt.NDArray[np.uint8]:
    """Pictures of one shape ``[H, W, C]``, line by line, as one of ``[lines * H, columns * W, C]``.

    Args:
        pictures: A whole number of lines; black where there is none, and at least one of them is there.
        columns: How many stand beside one another.

    Raises:
        ValueError: There is no picture at all, or the last line is not full.
    """
    shape = next((picture.shape for picture in pictures if picture is not None), None)
    if shape is None or len(pictures) % columns:
        raise ValueError(f"{len(pictures)} pictures in {columns} columns make no sheet: give whole lines")
    height, width, channels = shape
    sheet = np.zeros((len(pictures) // columns * height, columns * width, channels), np.uint8)
    for index, picture in enumerate(pictures):
        if picture is not None:
            top, left = index // columns * height, index % columns * width
            sheet[top : top + height, left : left + width] = picture
    return sheet
