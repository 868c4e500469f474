"""Where faces are in a photo: boxes, and five landmarks each. Names are loaded on first use."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.faces.face import Face
    from explorer.faces.find import find_faces

__all__ = ["Face", "find_faces"]

_HOME = {"Face": "face", "find_faces": "find"}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'explorer.faces' has no attribute {name!r}")
    return getattr(import_module(f"explorer.faces.{_HOME[name]}"), name)
