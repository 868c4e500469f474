"""What decides whether two models are the same: a hash of the file, or of all files that a model is made of."""

import hashlib
import os
from pathlib import Path

from explorer.checkpoints.sniff import HEAD_BYTES, is_openvino

__all__ = ["MAPPING", "SYNTHESIS", "model_in", "sha256_of"]

# The names under which MobileStyleGAN's two graphs are published.
MAPPING, SYNTHESIS = "MappingNetwork", "SynthesisNetwork"


def model_in(folder: Path) -> Path | None:
    """The synthesis graph in a folder, or in the ``data`` folder inside it; ``None`` when there is none."""
    for place in (folder, folder / "data"):
        graph = place / f"{SYNTHESIS}.xml"
        if os.path.isfile(graph):
            return graph
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
