"""Make ``assets/faces/mtcnn.safetensors``: ``python -m explorer.faces.convert WHEEL TARGET.safetensors``.

``WHEEL`` is facenet-pytorch 2.6.0 (MIT): ``pip download --no-deps facenet-pytorch==2.6.0``. Nothing of it is installed
or executed. Numbers are kept in half precision.
"""

import tempfile
import zipfile
from pathlib import Path

import click

from explorer.checkpoints.safetensors_format import encode_header
from explorer.checkpoints.saving import write_whole
from explorer.checkpoints.tensor_file import read_tensors

__all__ = ["convert_faces"]


@click.command(help=__doc__)
@click.argument("wheel", type=click.Path(exists=True, path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
def convert_faces(wheel: Path, target: Path) -> None:
    """Write the three networks as half precision safetensors."""
    tensors = {}
    with zipfile.ZipFile(wheel) as package, tempfile.TemporaryDirectory() as folder:
        for network in ("pnet", "rnet", "onet"):
            file = package.extract(f"facenet_pytorch/data/{network}.pt", folder)
            read = read_tensors(file, what="face detector")
            for name in read.names:
                tensors[f"{network}.{name}"] = read.take(name, axes=_axes(name)).half()
    write_whole(target, encode_header(tensors, {"faces": "MTCNN"}), tensors.values())


def _axes(name: str) -> int:
    if not name.endswith("weight") or name.startswith("prelu"):
        return 1
    return 4 if name.startswith("conv") else 2


if __name__ == "__main__":
    convert_faces()
