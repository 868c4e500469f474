"""What a reader of somebody else's format makes of a file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from torch import nn

from explorer.checkpoints.info import Format

__all__ = ["Snapshot"]

_NOTHING: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """Networks and what the file says about them."""

    generator: nn.Module
    """Behind `explorer.generators.protocol.Generator`. Its tensors may still be views of the file's bytes."""
    discriminator: nn.Module | None
    """When there is one of a known kind. Likewise."""
    format: Format
    """How it is stored."""
    entries: tuple[str, ...]
    """Networks in the file, by the names that they have there."""
    used: str
    """The generator's entry."""
    notes: tuple[str, ...] = ()
    """What the user should know."""
    training_set: Mapping[str, object] = field(default_factory=lambda: _NOTHING)
    """The data set's options, as JSON data."""
    default_psi: float | None = None
    """Truncation that the file's own code applies when nothing is asked for; ``None`` is none."""
    default_cutoff: int | None = None
    """Rows of ``w_plus`` that it applies to; ``None`` is all."""
