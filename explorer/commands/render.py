"""``render``: pictures of seeds, or of what a project shows."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import get_args

import click

from explorer.commands.numbers import RANGES
from explorer.commands.picture import Changes, Source, open_picture_source, refuse_dropped, render_options
from explorer.project import BlobStore, Recipe, save_picture
from explorer.session.compute import Precision
from explorer.state import EditState, SeedBlend

__all__ = ["render"]


@click.command(short_help="Render pictures to PNG files.")
@click.argument("source", metavar="[CHECKPOINT_OR_PROJECT]", required=False)
@click.option("--seeds", type=RANGES, help="Seeds, as 0-3,7; seed 0, or the project's own latent, without it.")
@render_options
@click.option(
    "--precision",
    type=click.Choice(get_args(Precision)),
    default="float32",
    show_default=True,
    help="Of the synthesis.",
)
@click.option("--compiled/--no-compiled", default=True, show_default=True, help="Use compiled kernels, as the window.")
@click.option(
    "--out", "folder", type=click.Path(path_type=Path), default=Path("out"), show_default=True, help="Folder."
)
@click.option("--text-encoder", type=click.Path(path_type=Path), help="Folder of the encoder for --prompt.")
def render(
    source: str | None,
    seeds: tuple[int, ...] | None,
    folder: Path,
    precision: Precision,
    compiled: bool,
    text_encoder: Path | None,
    **options: object,
) -> None:
    """Render pictures of seeds, one PNG each (seed0000.png ...), or the picture that a project shows.

    Without a file, the model that comes with the program is used. Options override what a project says. Each PNG
    holds what it was made from: given such a PNG instead of a project, its picture is made again.
    """
    changes = Changes(**options)  # type: ignore[arg-type]
    if sum((seeds is not None, changes.latent is not None, bool(changes.blend))) > 1:
        raise click.UsageError("--seeds, --latent and --blend exclude each other: give one")
    opened = open_picture_source(source, precision=precision, compiled=compiled)
    refuse_dropped(changes, opened.renderer)
    if text_encoder is not None:
        opened.renderer.texts.use_folder(text_encoder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, state in _wanted(opened, changes, seeds):
        frame = opened.renderer.frame(state)
        for note in frame.dropped:
            click.echo(f"left out {note}", err=True)
        save_picture(frame.pixels, folder / name, Recipe(state, opened.renderer.blobs or BlobStore()))
        click.echo(folder / name)


def _wanted(opened: Source, changes: Changes, seeds: tuple[int, ...] | None) -> Iterator[tuple[str, EditState]]:
    state = changes.apply(opened.state)
    if seeds is None and (opened.name is not None or changes.has_latent):
        yield f"{opened.name or 'picture'}.png", state
        return
    for seed in (0,) if seeds is None else seeds:
        yield f"seed{seed:04d}.png", replace(state, latent=SeedBlend(((seed, 1.0),)))
