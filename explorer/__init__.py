"""Latent Explorer's library: open a checkpoint, turn latents into pictures. Knows no screen.

Names are loaded on first use, so that importing `explorer.state` does not import a framework.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.checkpoints import Checkpoint, open_checkpoint, save_checkpoint
    from explorer.errors import CheckpointError, ExplorerError, ProjectFileError, StateError
    from explorer.generators.styles import broadcast, truncate
    from explorer.rendering import Frame, render
    from explorer.state import EditState, Noise

__all__ = [
    "Checkpoint",
    "CheckpointError",
    "EditState",
    "ExplorerError",
    "Frame",
    "Noise",
    "ProjectFileError",
    "StateError",
    "broadcast",
    "open_checkpoint",
    "render",
    "save_checkpoint",
    "truncate",
]

_HOME = {
    "Checkpoint": "explorer.checkpoints",
    "CheckpointError": "explorer.errors",
    "EditState": "explorer.state",
    "ExplorerError": "explorer.errors",
    "Frame": "explorer.rendering",
    "Noise": "explorer.state",
    "ProjectFileError": "explorer.errors",
    "StateError": "explorer.errors",
    "broadcast": "explorer.generators.styles",
    "open_checkpoint": "explorer.checkpoints",
    "render": "explorer.rendering",
    "save_checkpoint": "explorer.checkpoints",
    "truncate": "explorer.generators.styles",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'explorer' has no attribute {name!r}")
    return getattr(import_module(_HOME[name]), name)
