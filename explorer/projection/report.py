"""How well a photo was found, in numbers."""

import numpy as np
import numpy.typing as npt
import torch

from explorer.features.network import FeatureNetwork
from explorer.projection.loss import perceptual_distance, psnr
from explorer.projection.target import Target

__all__ = ["measured"]


def measured(pixels: npt.NDArray[np.uint8], target: Target, features: FeatureNetwork) -> dict[str, float]:
    """PSNR in decibels and the distance by features, of the picture as a person gets it, ``[H, W, C]``."""
    image = torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1
    image = image.to(target.image.device)
    return {
        "psnr_db": round(psnr(image, target), 3),
        "distance": round(perceptual_distance(image, target, features), 5),
    }
