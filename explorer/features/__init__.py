"""Frozen networks that say how alike pictures are to a person's eye. Names are loaded on first use."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.features.bundled import bundled_features, load_features
    from explorer.features.network import FeatureNetwork, as_rgb, feature_distance, unit_features

__all__ = [
    "FeatureNetwork",
    "as_rgb",
    "bundled_features",
    "feature_distance",
    "load_features",
    "unit_features",
]

_HOME = {
    "FeatureNetwork": "network",
    "as_rgb": "network",
    "bundled_features": "bundled",
    "feature_distance": "network",
    "load_features": "bundled",
    "unit_features": "network",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'explorer.features' has no attribute {name!r}")
    return getattr(import_module(f"explorer.features.{_HOME[name]}"), name)
