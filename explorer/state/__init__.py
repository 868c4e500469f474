"""The values that describe a picture: frozen, hashable, standard library only."""

from explorer.state.edit_state import (
    BlobRef,
    CheckpointRef,
    ClassMix,
    Condition,
    EditState,
    Latent,
    Mix,
    NoCondition,
    Noise,
    Output,
    SeedBlend,
    SeedPad,
    Slider,
    Spectrum,
    Stored,
    Transform,
    Truncation,
)
from explorer.state.history import History, Node
from explorer.state.spec import GeneratorSpec, LayerSpec

__all__ = [
    "BlobRef",
    "CheckpointRef",
    "ClassMix",
    "Condition",
    "EditState",
    "GeneratorSpec",
    "History",
    "Latent",
    "LayerSpec",
    "Mix",
    "NoCondition",
    "Node",
    "Noise",
    "Output",
    "SeedBlend",
    "SeedPad",
    "Slider",
    "Spectrum",
    "Stored",
    "Transform",
    "Truncation",
]
