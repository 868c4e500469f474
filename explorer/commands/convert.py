"""``convert``: any checkpoint that can be opened, as safetensors."""

from pathlib import Path

import click

from explorer.commands.info import checkpoint_path
from explorer.errors import CheckpointError

__all__ = ["convert"]


@click.command(short_help="Write a checkpoint as safetensors.")
@click.argument("source", metavar="IN")
@click.argument("target", metavar="OUT.safetensors", type=click.Path(path_type=Path))
@click.option("--half", is_flag=True, help="Half precision: half the size; opens as single precision again.")
def convert(source: str, target: Path, half: bool) -> None:
    """Write the checkpoint IN as OUT.safetensors, generator and discriminator, bit for bit unless --half."""
    from explorer.checkpoints import open_checkpoint, save_checkpoint

    if target.suffix != ".safetensors":
        raise click.UsageError(f"{target} does not end in .safetensors, the only format that is written")
    if not target.parent.is_dir():
        raise CheckpointError(f"{target.parent} is no folder: make it first")
    checkpoint = open_checkpoint(checkpoint_path(source))
    card = {**checkpoint.info.card, "converted_from": checkpoint.info.sha256}
    save_checkpoint(checkpoint, target, dtype="float16" if half else None, card=card)
    click.echo(target)
