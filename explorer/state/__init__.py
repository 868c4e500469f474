"""The values that describe a picture: frozen, hashable, standard library only."""

from explorer.state.animation import Animation, Circle, Motion, along, animate, interpolate
from explorer.state.edit_state import (
    CENTRES,
    NEAREST,
    Blend,
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
from explorer.state.points import Point
from explorer.state.sheet import SheetPlan
from explorer.state.spec import GeneratorSpec, LayerSpec

__all__ = [
    "CENTRES",
    "NEAREST",
    "Animation",
    "Blend",
    "BlobRef",
    "CheckpointRef",
    "Circle",
    "ClassMix",
    "Condition",
    "EditState",
    "GeneratorSpec",
    "History",
    "Latent",
    "LayerSpec",
    "Mix",
    "Motion",
    "NoCondition",
    "Node",
    "Noise",
    "Output",
    "Point",
    "SeedBlend",
    "SeedPad",
    "SheetPlan",
    "Slider",
    "Spectrum",
    "Stored",
    "Transform",
    "Truncation",
    "along",
    "animate",
    "interpolate",
]
