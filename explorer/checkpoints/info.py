"""What is known about a checkpoint besides its networks."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

__all__ = ["CheckpointInfo", "Format"]

Format = Literal[
    "published pickle",
    "latent-explorer safetensors",
    "rosinality state dict",
    "lucidrains state dict",
    "StyleGAN state dict",
    "TensorFlow pickle",
    "OpenVINO model",
]

_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckpointInfo:
    """Facts about the file and claims that it makes about itself."""

    path: Path
    """Where it was opened."""
    sha256: str
    """Of the whole file, 64 hexadecimal digits: what decides identity."""
    format: Format
    """How it is stored."""
    family: str
    """As in `GeneratorSpec.family`."""
    size_bytes: int
    """Of the file."""
    entries: tuple[str, ...]
    """Networks in the file: ``G``, ``D``, ``G_ema``, ``augment_pipe``; ``generator``, ``discriminator`` in ours."""
    used: str
    """Which of them the generator was read from."""
    notes: tuple[str, ...] = ()
    """What the user should know, such as a discriminator that could not be read; one sentence each."""
    kimg: float | None = None
    """Thousands of pictures shown in training, when known."""
    licence: str | None = None
    """When known."""
    data: str | None = None
    """What it was trained on, when known."""
    metrics: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    """Measured quality by name, when known."""
    class_names: tuple[str, ...] = ()
    """One a class, when known."""
    card: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    """The model card as its author wrote it: JSON data."""
    training_set: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    """Options of the data set in a published snapshot: JSON data."""
    default_psi: float | None = None
    """Truncation that the file's own code applies when nothing is asked for; ``None`` is none."""
    default_cutoff: int | None = None
    """Rows of ``w_plus`` that it applies to; ``None`` is all."""

    def to_json(self) -> dict[str, object]:
        """Everything, as JSON data."""
        values = {f.name: getattr(self, f.name) for f in dataclasses.fields(self)}
        plain = {name: dict(value) if isinstance(value, Mapping) else value for name, value in values.items()}
        return {**plain, "path": str(self.path)}
