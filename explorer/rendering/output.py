"""The output stage: from a synthesised picture to pixels."""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

__all__ = ["enlarge", "pixels_of"]


def pixels_of(image: Tensor) -> npt.NDArray[np.uint8]:
    """``[1, C, H, W]``, -1 to 1, to ``[H, W, C]``, 0 to 255, cut off (not rounded) as the published viewer does."""
    levels = (image[0].float() * 127.5 + 128).clamp(0, 255).to(torch.uint8)
    pixels = levels.permute(1, 2, 0).contiguous().cpu().numpy()
    pixels.setflags(write=False)
    return pixels


def enlarge(image: Tensor, size: tuple[int, int]) -> Tensor:
    """A coarse picture ``[1, C, h, w]`` at the full size ``(height, width)``."""
    return torch.nn.functional.interpolate(image.float(), size=size, mode="bilinear", align_corners=False)
