"""What decides whether two models are the same: a hash of the file, or of all files that a model is made of."""

import hashlib
import itertools
import os
from pathlib import Path

from explorer.checkpoints.sniff import HEAD_BYTES, is_openvino

__all__ = ["MAPPING", "SYNTHESIS", "model_in", "sha256_of"]

# The names under which MobileStyleGAN's two graphs are published.
MAPPING, SYNTHESIS = "MappingNetwork", "SynthesisNetwork"

MOST_ENTRIES = 10_000
# As hubs and their libraries name them, the safer format first.
_PARTS = ("", "generator", "G_ema", "g_ema")
_USUAL = (
    "model.safetensors",
    "diffusion_pytorch_model.safetensors",
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
        for part in _parts(graph):
            with open(part, "rb") as file:
                while chunk := file.read(1 << 20):
                    digest.update(chunk)
    except OSError:
        return None
    return digest.hexdigest()


def _parts(path: Path) -> list[Path]:
    with open(path, "rb") as file:
        graph = is_openvino(file.read(HEAD_BYTES))
    if not graph:
        return [path]
    return [path.with_name(f"{name}.{kind}") for name in (MAPPING, SYNTHESIS) for kind in ("xml", "bin")]
