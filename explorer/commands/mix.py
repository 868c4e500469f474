"""``mix``: a sheet of style mixtures."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from explorer.commands.numbers import RANGES
from explorer.commands.picture import Changes, open_picture_source, picture_options, refuse_dropped
from explorer.errors import StateError
from explorer.project import save_picture
from explorer.state import EditState, SheetPlan

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from explorer.rendering.renderer import Renderer

__all__ = ["mix", "mixing_sheet"]


@click.command(short_help="Render a sheet of style mixtures.")
@click.argument("checkpoint", required=False)
@click.option("--rows", type=RANGES, required=True, help="Seeds down the side, as 1-4: what is changed.")
@click.option("--cols", type=RANGES, required=True, help="Seeds along the top, as 5-8: whose styles are taken.")
@click.option("--layers", type=RANGES, default="0-6", show_default=True, help="Layers whose styles are taken.")
@picture_options
@click.option("--out", "path", type=click.Path(path_type=Path), default=Path("mix.png"), show_default=True, help="PNG.")
def mix(
    checkpoint: str | None,
    rows: tuple[int, ...],
    cols: tuple[int, ...],
    layers: tuple[int, ...],
    path: Path,
    **options: object,
) -> None:
    """Render a sheet: each row's seed with each column's styles in some layers, the pure seeds on the edges."""
    changes = Changes(**options)  # type: ignore[arg-type]
    opened = open_picture_source(checkpoint)
    refuse_dropped(changes, opened.renderer)
    spec = opened.renderer.generator.spec
    if max(layers) >= spec.num_ws:
        raise StateError(f"there is no layer {max(layers)}: the model has layers 0 to {spec.num_ws - 1}")
    save_picture(mixing_sheet(opened.renderer, changes.apply(opened.state), SheetPlan(rows, cols, layers)), path)
    click.echo(path)


def mixing_sheet(renderer: "Renderer", state: EditState, plan: SheetPlan) -> "npt.NDArray[np.uint8]":
    """The sheet ``[(1 + rows) * H, (1 + cols) * W, C]``; the corner is black.

    Args:
        renderer: Of the model.
        state: Everything but the latent and the mixing.
        plan: Which seeds and layers.
    """
    from explorer.rendering.sheet import sheet_of

    pictures = [None if cell is None else renderer.frame(cell).pixels for cell in plan.states(state)]
    return sheet_of(pictures, plan.shape[1])
