"""Checkpoints of any origin, opened as data: nothing in a file is ever executed.

Names are loaded on first use, so that a reader of one family can be imported on its own.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from explorer.checkpoints.checkpoint import Checkpoint, TrainingExtras, open_checkpoint, read_training_extras
    from explorer.checkpoints.info import CheckpointInfo
    from explorer.checkpoints.onnx_export import export_onnx
    from explorer.checkpoints.saving import CheckpointParts, save_checkpoint

__all__ = [
    "Checkpoint",
    "CheckpointInfo",
    "CheckpointParts",
    "TrainingExtras",
    "export_onnx",
    "open_checkpoint",
    "read_training_extras",
    "save_checkpoint",
]

_HOME = {
    "Checkpoint": "checkpoint",
    "CheckpointInfo": "info",
    "CheckpointParts": "saving",
    "TrainingExtras": "checkpoint",
    "export_onnx": "onnx_export",
    "open_checkpoint": "checkpoint",
    "read_training_extras": "checkpoint",
    "save_checkpoint": "saving",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'explorer.checkpoints' has no attribute {name!r}")
    return getattr(import_module(f"explorer.checkpoints.{_HOME[name]}"), name)
