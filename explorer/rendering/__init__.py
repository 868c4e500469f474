"""From a state to a picture. Names are loaded on first use: `Frame` and `restrict` need no framework."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.rendering.directions import Directions, find_directions
    from explorer.rendering.frame import Frame, Timings
    from explorer.rendering.machine import compile_kernels, use_kernels, use_threads
    from explorer.rendering.renderer import Renderer, render
    from explorer.rendering.restriction import restrict

__all__ = [
    "Directions",
    "Frame",
    "Renderer",
    "Timings",
    "compile_kernels",
    "find_directions",
    "render",
    "restrict",
    "use_kernels",
    "use_threads",
]

_HOME = {
    "Directions": "directions",
    "Frame": "frame",
    "Renderer": "renderer",
    "Timings": "frame",
    "compile_kernels": "machine",
    "find_directions": "directions",
    "render": "renderer",
    "restrict": "restriction",
    "use_kernels": "machine",
    "use_threads": "machine",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'explorer.rendering' has no attribute {name!r}")
    return getattr(import_module(f"explorer.rendering.{_HOME[name]}"), name)
