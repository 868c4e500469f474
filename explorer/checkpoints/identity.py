"""What decides whether two models are the same: a hash of the file, or of all files that a model is made of."""

import hashlib
import itertools
import json
import os
import re
from pathlib import Path

from explorer.checkpoints.sniff import HEAD_BYTES, is_openvino, is_shard_index
from explorer.errors import CheckpointError

__all__ = ["MAPPING", "SYNTHESIS", "model_in", "parts_of", "sha256_of", "shards_in"]

# The names under which MobileStyleGAN's two graphs are published.
MAPPING, SYNTHESIS = "MappingNetwork", "SynthesisNetwork"

MOST_ENTRIES = 10_000
MAX_INDEX_BYTES = 16 << 20
MAX_SHARDS = 1000
_SHARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}\.safetensors")
# As hubs and their libraries name them, the safer format first.
_PARTS = ("", "generator", "G_ema", "g_ema")
_USUAL = (
    "model.safetensors",
    "diffusion_pytorch_model.safetensors",
    "model.safetensors.index.json",
    "diffusion_pytorch_model.safetensors.index.json",
    "pytorch_model.bin",
    "diffusion_pytorch_model.bin",
)
_ENDINGS = (".safetensors", ".pkl", ".pt", ".pth", ".bin", ".ckpt")


def model_in(folder: Path) -> Path | None:
    """The model in a folder: the synthesis graph in it or in its ``data`` folder, or its only file of weights.

    ``None`` when there is none, or no telling which of several. Hubs keep weights under names of their own, also in a
    folder ``generator``.
    """
    for place in (folder, folder / "data"):
        graph = place / f"{SYNTHESIS}.xml"
        if os.path.isfile(graph):
            return graph
    return next((found for part in _PARTS if (found := _weights_in(folder / part)) is not None), None)


def _weights_in(folder: Path) -> Path | None:
    try:
        names = sorted(entry.name for entry in itertools.islice(os.scandir(folder), MOST_ENTRIES) if entry.is_file())
    except OSError:
        return None
    usual = [folder / name for name in _USUAL if name in names]
    if usual:
        return usual[0]
    for ending in _ENDINGS:
        alike = [name for name in names if name.lower().endswith(ending)]
        if alike:
            return folder / alike[0] if len(alike) == 1 else None
    return None


def sha256_of(path: Path) -> str | None:
    """`CheckpointInfo.sha256` without opening the model; ``None`` where there is no file that can be read."""
    try:
        graph = model_in(path) if path.is_dir() else path
        # A pipe or a device could be waited on for ever.
        if graph is None or not graph.is_file():
            return None
        digest = hashlib.sha256()
        for part in parts_of(graph):
            with open(part, "rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
    except (OSError, CheckpointError):
        return None
    return digest.hexdigest()


def shards_in(content: bytes | memoryview, index: Path) -> dict[Path, set[str]]:
    """The files that an index of safetensors files names, in order, and which tensors each should hold.

    Args:
        content: The index's bytes.
        index: Where it lies; all files are in its folder.

    Raises:
        CheckpointError: It is too large, damaged, or names files elsewhere.
    """
    if len(content) > MAX_INDEX_BYTES:
        raise CheckpointError(f"{index.name} is larger than any index: refused")
    try:
        listed = json.loads(bytes(content))["weight_map"]
        names = sorted(set(listed.values()))
    except (ValueError, RecursionError, LookupError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index.name} is no index of safetensors files that can be read: {error}") from error
    odd = next((name for name in names if not isinstance(name, str) or not _SHARD.fullmatch(name)), None)
    if odd is not None or not 1 <= len(names) <= MAX_SHARDS:
        raise CheckpointError(f"{index.name} names {len(names)} files, or one elsewhere ({str(odd)[:60]}): refused")
    held: dict[Path, set[str]] = {index.with_name(name): set() for name in names}
    for tensor, name in listed.items():
        held[index.with_name(name)].add(tensor)
    return held


def parts_of(path: Path) -> list[Path]:
    """Every file that a model is made of, in the order in which they are hashed.

    Raises:
        OSError: It cannot be read.
        CheckpointError: It is an index that is damaged.
    """
    with open(path, "rb") as file:
        head = file.read(HEAD_BYTES)
        if is_shard_index(head):
            # One byte more than is allowed, for that to be seen.
            return [path, *shards_in(head + file.read(MAX_INDEX_BYTES + 1 - len(head)), path)]
    if not is_openvino(head):
        return [path]
    return [path.with_name(f"{name}.{kind}") for name in (MAPPING, SYNTHESIS) for kind in ("xml", "bin")]
