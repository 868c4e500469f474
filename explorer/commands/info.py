"""``info``: what a checkpoint is, as JSON."""

import json
from pathlib import Path

import click

from explorer.commands.downloads import on_this_machine
from explorer.project import find_bundled

__all__ = ["checkpoint_path", "info"]

BUNDLED = "bundled:"


def checkpoint_path(source: str) -> Path:
    """The file that a person means by a path, ``bundled:NAME`` or an address, which is fetched.

    Raises:
        CheckpointError: There is no bundled model of that name, or the address cannot be fetched.
    """
    if source.startswith(BUNDLED):
        return find_bundled(source.removeprefix(BUNDLED) or None).path
    return on_this_machine(source)


@click.command(short_help="Print what a checkpoint is, as JSON.")
@click.argument("checkpoint")
def info(checkpoint: str) -> None:
    """Print what CHECKPOINT is: family, size, layers, classes, hash, card; and what reads prompts for it here."""
    from explorer.checkpoints import open_checkpoint
    from explorer.project.text_folders import text_folders
    from explorer.rendering.text_finding import find_encoder

    opened = open_checkpoint(checkpoint_path(checkpoint))
    about = opened.to_json()
    if opened.spec.text:
        found = find_encoder(opened.spec, opened.text_encoder, text_folders())
        about["text_encoder"] = {"name": found.name, "source": found.source or None, "reason": found.reason or None}
    click.echo(json.dumps(about, indent=2))
