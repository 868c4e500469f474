"""Writing a checkpoint: one safetensors file, complete or not there at all."""

import os
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from explorer.checkpoints.families import DISCRIMINATORS, GENERATORS, TEXT_ENCODERS, describe
from explorer.checkpoints.safetensors_format import encode_header
from explorer.errors import CheckpointError

if TYPE_CHECKING:
    from explorer.checkpoints.checkpoint import Checkpoint

__all__ = ["CheckpointParts", "save_checkpoint", "write_whole"]

SaveType = Literal["float32", "float16"]

_CHUNK_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class CheckpointParts:
    """Networks to be saved that were not opened from a file."""

    generator: nn.Module
    """Of a family in `explorer.checkpoints.families.GENERATORS`."""
    discriminator: nn.Module | None = None
    """Of one in `DISCRIMINATORS`."""
    text_encoder: nn.Module | None = None
    """Of one in `TEXT_ENCODERS`."""


def save_checkpoint(
    checkpoint: "Checkpoint | CheckpointParts",
    path: str | os.PathLike[str],
    *,
    dtype: SaveType | None = None,
    card: Mapping[str, object] | None = None,
    extra: Mapping[str, Tensor] | None = None,
    extra_metadata: Mapping[str, object] | None = None,
) -> None:
    """Write networks as one safetensors file that `open_checkpoint` reads.

    The file appears whole or not at all: it is written beside ``path``, forced to disk and renamed over it.

    Args:
        checkpoint: What to save.
        path: Replaced when it exists.
        dtype: Of the networks' numbers; ``None`` keeps each as it is, ``float16`` halves the file. A tensor with a
            number too large for half precision stays as it is.
        card: JSON data about the model: ``name``, ``licence``, ``data``, ``kimg``, ``metrics``, ``class_names``, ...;
            ``None`` keeps the card of a checkpoint that has one.
        extra: Further tensors, such as an optimiser's, saved as they are. `read_training_extras` reads them.
        extra_metadata: JSON data that goes with them.

    Raises:
        CheckpointError: The family cannot be saved, the card is not JSON data, the disk is full, the folder missing.
    """
    if card is None:
        card = getattr(getattr(checkpoint, "info", None), "card", None)
    networks = {"generator": describe(checkpoint.generator, GENERATORS), "discriminator": None}
    tensors = _tensors(checkpoint.generator, "generator.", dtype)
    if checkpoint.discriminator is not None:
        networks["discriminator"] = describe(checkpoint.discriminator, DISCRIMINATORS)
        tensors |= _tensors(checkpoint.discriminator, "discriminator.", dtype)
    if checkpoint.text_encoder is not None:
        networks["text_encoder"] = describe(checkpoint.text_encoder, TEXT_ENCODERS)
        tensors |= _tensors(checkpoint.text_encoder, "text_encoder.", dtype)
    tensors |= {f"extra.{name}": tensor.detach() for name, tensor in (extra or {}).items()}
    metadata = {**networks, "card": dict(card or {}), "extra": dict(extra_metadata or {})}
    try:
        header = encode_header(tensors, metadata)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"the card or the extra metadata cannot be written as JSON: {error}") from error
    write_whole(Path(path), header, tensors.values())


def _tensors(network: nn.Module, prefix: str, dtype: SaveType | None) -> dict[str, Tensor]:
    tensors = {prefix + name: tensor.detach() for name, tensor in network.state_dict().items()}
    if dtype is None:
        return tensors
    return {name: _converted(tensor, getattr(torch, dtype)) for name, tensor in tensors.items()}


def _converted(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    if not tensor.is_floating_point():
        return tensor
    converted = tensor.to(dtype)
    # Half precision ends at 65504.
    overflowed = bool((converted.isinf() & ~tensor.isinf()).any())
    return tensor if overflowed else converted


def write_whole(path: Path, header: bytes, tensors: Iterable[Tensor]) -> None:
    """Write bytes and then numbers beside ``path``, force them to disk and rename them over it.

    Raises:
        CheckpointError: The disk is full or the folder missing; an older file is untouched.
    """
    partial = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        try:
            with open(partial, "xb") as file:
                file.write(header)
                for tensor in tensors:
                    flat = tensor.cpu().contiguous().reshape(-1).view(torch.uint8).numpy()
                    for start in range(0, flat.size, _CHUNK_BYTES):
                        file.write(flat[start : start + _CHUNK_BYTES].data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
        finally:
            # Only there when something went wrong; the old file, if any, is untouched then.
            partial.unlink(missing_ok=True)
        _sync_folder(path.parent)
    except OSError as error:
        raise CheckpointError(
            f"{path} cannot be written ({error.strerror or error}): free space or save elsewhere"
        ) from error


def _sync_folder(folder: Path) -> None:
    """Force the new name to disk, where the system can."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
