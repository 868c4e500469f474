"""Weights in several safetensors files with an index, as hubs keep large models: ``model.safetensors.index.json``.

The index names a file for every tensor. All lie in its folder, and what a file holds must be what the index says of it.
"""

import json
from pathlib import Path

from torch import Tensor

from explorer.checkpoints.file_bytes import read_whole
from explorer.checkpoints.identity import shards_of
from explorer.checkpoints.safetensors_format import decode, read_header
from explorer.checkpoints.snapshot import Snapshot
from explorer.checkpoints.weights import recognise_table
from explorer.errors import CheckpointError

__all__ = ["read_shards"]


def read_shards(data: memoryview, path: Path) -> Snapshot:
    """Read the model that an index belongs to.

    Args:
        data: The index's bytes.
        path: Where it lies.

    Raises:
        CheckpointError: The index or a file is damaged, missing, or says otherwise than the other.
    """
    try:
        listed = json.loads(bytes(data))["weight_map"]
    except (ValueError, RecursionError, LookupError, TypeError) as error:
        raise CheckpointError(f"{path.name} is no index of safetensors files that can be read: {error}") from error
    table: dict[str, Tensor] = {}
    for shard in shards_of(path):
        if not shard.is_file():
            raise CheckpointError(f"{path.name} names {shard.name}, which is not beside it: download all its files")
        content = read_whole(shard)
        held = decode(content, read_header(content, foreign=True), "", half_to_float=True)
        wanted = {name for name, file in listed.items() if file == shard.name}
        if wanted != held.keys():
            odd = sorted(wanted ^ held.keys())[0]
            raise CheckpointError(f"{path.name} and {shard.name} do not agree on {odd[:80]}: download both again")
        # Copies, so that no file stays in memory whole.
        table |= {name: tensor.clone() for name, tensor in held.items()}
    return recognise_table(table, path=path)
