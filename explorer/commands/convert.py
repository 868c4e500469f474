"""``convert``: any checkpoint that can be opened, as safetensors or as ONNX."""

from pathlib import Path

import click

from explorer.commands.info import checkpoint_path
from explorer.errors import CheckpointError

__all__ = ["convert"]


@click.command(short_help="Write a checkpoint as safetensors or ONNX.")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT", type=click.Path(path_type=Path))
@click.option("--half", is_flag=True, help="Safetensors in half precision: half the size; opens as single again.")
def convert(source: str, target: Path, half: bool) -> None:
    """Write the checkpoint IN as OUT, of a kind told by its ending.

    .safetensors: generator and discriminator, bit for bit unless --half; opens here again.

    .onnx: the generator as a graph (opset 18) from z, c where it is conditional, and psi, the truncation, to a
    picture; any batch size. Needs the packages of the extra `onnx`.
    """
    from explorer.checkpoints import export_onnx, open_checkpoint, save_checkpoint

    if target.suffix not in (".safetensors", ".onnx"):
        raise click.UsageError(f"{target} ends neither in .safetensors nor in .onnx, the formats that are written")
    if half and target.suffix == ".onnx":
        raise click.UsageError("--half goes with .safetensors: ONNX is written in single precision")
    if not target.parent.is_dir():
        raise CheckpointError(f"{target.parent} is no folder: make it first")
    checkpoint = open_checkpoint(checkpoint_path(source))
    if target.suffix == ".onnx":
        export_onnx(checkpoint, target)
    else:
        card = {**checkpoint.info.card, "converted_from": checkpoint.info.sha256}
        save_checkpoint(checkpoint, target, dtype="float16" if half else None, card=card)
    click.echo(target)
