"""From a photo to a point that can be edited. Names are loaded on first use: `Plan` needs no framework."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.projection.bank import Bank, bank_steps
    from explorer.projection.cache import cached_bank_steps
    from explorer.projection.faces import aligned, wants_faces, with_face
    from explorer.projection.found import Found, Progress
    from explorer.projection.loss import Loss, perceptual_distance, psnr
    from explorer.projection.photo import Crop, Photo, centre_crop, cut, read_mask, read_photo
    from explorer.projection.plan import SPACES, Plan
    from explorer.projection.search import project
    from explorer.projection.target import Target, make_target

_HOME = {
    "SPACES": "plan",
    "Bank": "bank",
    "Crop": "photo",
    "Found": "found",
    "Loss": "loss",
    "Photo": "photo",
    "Plan": "plan",
    "Progress": "found",
    "Target": "target",
    "aligned": "faces",
    "bank_steps": "bank",
    "cached_bank_steps": "cache",
    "centre_crop": "photo",
    "cut": "photo",
    "make_target": "target",
    "perceptual_distance": "loss",
    "project": "search",
    "psnr": "loss",
    "read_mask": "photo",
    "read_photo": "photo",
    "wants_faces": "faces",
    "with_face": "faces",
}

__all__ = [
    "SPACES",
    "Bank",
    "Crop",
    "Found",
    "Loss",
    "Photo",
    "Plan",
    "Progress",
    "Target",
    "aligned",
    "bank_steps",
    "cached_bank_steps",
    "centre_crop",
    "cut",
    "make_target",
    "perceptual_distance",
    "project",
    "psnr",
    "read_mask",
    "read_photo",
    "wants_faces",
    "with_face",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'explorer.projection' has no attribute {name!r}")
    return getattr(import_module(f"explorer.projection.{_HOME[name]}"), name)
