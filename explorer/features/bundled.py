"""The feature networks that come with the program, and a person's own by file."""

import os
from functools import lru_cache
from pathlib import Path

import torch

from explorer.checkpoints.tensor_file import read_tensors
from explorer.errors import CheckpointError
from explorer.features.network import FeatureNetwork
from explorer.features.recognise import build_features

__all__ = ["DEFAULT_FEATURES", "bundled_features", "load_features"]

DEFAULT_FEATURES = "efficientnet_lite0"
_FOLDER = Path(__file__).resolve().parents[2] / "assets" / "features"


def bundled_features(name: str = DEFAULT_FEATURES, *, device: str | torch.device = "cpu") -> FeatureNetwork:
    """A network that comes with the program; loaded once for each device.

    Raises:
        CheckpointError: There is none of that name.
    """
    return _bundled(name, str(device))


@lru_cache(maxsize=4)
def _bundled(name: str, device: str) -> FeatureNetwork:
    known = sorted(path.stem for path in _FOLDER.glob("*.safetensors"))
    if name not in known:
        raise CheckpointError(f"there is no feature network {name!r}: there are {', '.join(known) or 'none'}")
    return load_features(_FOLDER / f"{name}.safetensors", device=device)


def load_features(path: str | os.PathLike[str], *, device: str | torch.device = "cpu") -> FeatureNetwork:
    """A feature network by file: VGG16, LPIPS with VGG16, EfficientNet-lite0, or one that was converted.

    Args:
        path: A state dict (.pth) or .safetensors file. Nothing in it is executed; TorchScript programs are refused.
        device: Where it goes.

    Raises:
        CheckpointError: The file is missing, damaged or of no kind that is known.
    """
    return build_features(read_tensors(path, what="feature network")).to(device)
