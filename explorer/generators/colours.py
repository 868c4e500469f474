"""Pictures of any number of channels as three colours, for networks that know no others."""

from torch import Tensor

__all__ = ["as_rgb"]

_GREY, _RGB, _RGBA = 1, 3, 4


def as_rgb(images: Tensor) -> Tensor:
    """``[N, 3, H, W]`` of 1, 3 or 4 channels; what is transparent becomes middle grey.

    Raises:
        ValueError: There are other than 1, 3 or 4 channels.
    """
    channels = images.shape[1]
    if channels == _RGB:
        return images
    if channels == _GREY:
        return images.expand(-1, 3, -1, -1)
    if channels == _RGBA:
        return images[:, :3] * (images[:, 3:] * 0.5 + 0.5).clamp(0, 1)
    raise ValueError(f"a picture of {channels} channels has no colours: give 1, 3 or 4")
