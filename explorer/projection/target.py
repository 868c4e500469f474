"""What is looked for: a photo cut to the model's size, in the model's channels, and which of its pixels count."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from explorer.errors import StateError
from explorer.projection.photo import Crop, Photo, centre_crop, cut
from explorer.state import GeneratorSpec

__all__ = ["Target", "make_target"]

_GREY, _RGBA = 1, 4
# How much of red, green and blue the eye sees in grey (ITU-R BT.601).
_LUMINANCE = (0.299, 0.587, 0.114)
# Less alpha than this, of 255, counts as nothing.
_OPAQUE = 128


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """A picture to find."""

    image: Tensor
    """``[1, C, H, W]``, -1 to 1, in the model's channels."""
    mask: Tensor | None = None
    """``[1, 1, H, W]``: 1 for pixels that count and 0 for those that do not; all count when ``None``."""

    def to(self, device: torch.device) -> "Target":
        """On another device."""
        return Target(self.image.to(device), None if self.mask is None else self.mask.to(device))


def make_target(
    photo: Photo, spec: GeneratorSpec, *, crop: Crop | None = None, mask: npt.NDArray[np.floating] | None = None
) -> Target:
    """Cut a photo to what a model shows.

    What is transparent, or lies beyond the photo's edges, does not count, unless the model draws transparency itself.

    Args:
        photo: From `read_photo`.
        spec: Of the model.
        crop: Which part; the largest in the middle that has the model's shape when ``None``.
        mask: ``[h, w]`` over the whole photo at any size: 0 is covered, 1 counts.

    Raises:
        StateError: Nothing is left to look for.
    """
    size = spec.resolution
    crop = centre_crop(photo.pixels.shape[:2], size) if crop is None else crop
    pixels = cut(photo.pixels, crop, size)
    values = torch.from_numpy(pixels.astype(np.float32)).permute(2, 0, 1)[None]
    counts = torch.ones(1, 1, *size) if spec.img_channels == _RGBA else (values[:, 3:] >= _OPAQUE).float()
    if mask is not None:
        counts = counts * _mask_of(photo, mask, crop, size)
    if not counts.any():
        raise StateError("nothing of the photo is left to look for: move the crop, or take something of the mask away")
    image = _in_channels(values, spec.img_channels)
    return Target(image, None if bool((counts == 1).all()) else counts)


def _mask_of(photo: Photo, mask: npt.NDArray[np.floating], crop: Crop, size: tuple[int, int]) -> Tensor:
    levels = (np.clip(mask, 0, 1) * 255).round().astype(np.uint8)
    grey = np.stack([levels, levels, levels, np.full_like(levels, 255)], axis=2)
    seen = cut(grey, crop, size)[..., 0] >= _OPAQUE
    return torch.from_numpy(seen.astype(np.float32))[None, None]


def _in_channels(values: Tensor, channels: int) -> Tensor:
    # As pictures are turned into bytes: 127.5 to 1, and 0 in the middle of two levels.
    scaled = values / 127.5 - 1
    if channels == _RGBA:
        return scaled
    if channels == _GREY:
        weights = torch.tensor(_LUMINANCE).view(1, 3, 1, 1)
        return (scaled[:, :3] * weights).sum(dim=1, keepdim=True)
    return scaled[:, :3]
