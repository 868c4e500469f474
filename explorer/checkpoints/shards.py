"""Weights in several safetensors files with an index, as hubs keep large models: ``model.safetensors.index.json``.

The index names a file for every tensor. All lie in its folder, and what a file holds must be what the index says of it.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from explorer.checkpoints.file_bytes import read_whole
from explorer.checkpoints.identity import shards_in
from explorer.checkpoints.safetensors_format import decode, read_header
from explorer.checkpoints.snapshot import Snapshot
from explorer.checkpoints.weights import recognise_table
from explorer.errors import CheckpointError

__all__ = ["ShardFiles", "read_shards"]


@dataclass(frozen=True, slots=True)
class ShardFiles:
    """What was read."""

    snapshot: Snapshot
    sha256: str
    """Of the index and all files, one after the other."""
    size_bytes: int
    """Of them all."""


def read_shards(data: memoryview, path: Path) -> ShardFiles:
    """Read the model that an index belongs to.

    Args:
        data: The index's bytes.
        path: Where it lies.

    Raises:
        CheckpointError: The index or a file is damaged, missing, or says otherwise than the other.
    """
    table: dict[str, Tensor] = {}
    shards, digest, size = shards_in(data, path), hashlib.sha256(data), len(data)
    for shard, wanted in shards.items():
        if not shard.is_file():
            raise CheckpointError(f"{path.name} names {shard.name}, which is not beside it: download all its files")
        content = read_whole(shard)
        digest.update(content)
        size += len(content)
        held = decode(content, read_header(content, foreign=True), "", half_to_float=True)
        if wanted != held.keys():
            odd = sorted(wanted ^ held.keys())[0]
            raise CheckpointError(f"{path.name} and {shard.name} do not agree on {odd[:80]}: download both again")
        # Copies, so that no file stays in memory whole.
        table |= {name: tensor.clone() for name, tensor in held.items()}
    return ShardFiles(recognise_table(table, path=path), digest.hexdigest(), size)
