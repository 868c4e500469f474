"""``mix``: a sheet of style mixtures."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from explorer.commands.numbers import RANGES
from explorer.commands.picture import Changes, open_picture_source, picture_options, refuse_dropped
from explorer.errors import StateError
from explorer.project import save_picture
from explorer.state import EditState, Mix, SeedBlend

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
    save_picture(mixing_sheet(opened.renderer, changes.apply(opened.state), rows=rows, cols=cols, layers=layers), path)
    click.echo(path)


def mixing_sheet(
    renderer: "Renderer", state: EditState, *, rows: tuple[int, ...], cols: tuple[int, ...], layers: tuple[int, ...]
) -> "npt.NDArray[np.uint8]":
    """The sheet ``[(1 + rows) * H, (1 + cols) * W, C]``; the corner is black.

    Args:
        renderer: Of the model.
        state: Everything but the latent and the mixing.
        rows: Seeds down the side.
        cols: Seeds along the top.
        layers: Rows of ``w_plus`` that come from the column's seed.
    """
    import numpy as np

    def picture(seed: int, styles: int | None = None) -> "npt.NDArray[np.uint8]":
        mixing = () if styles is None else (Mix(SeedBlend(((styles, 1.0),)), layers),)
        return renderer.frame(replace(state, latent=SeedBlend(((seed, 1.0),)), mixing=mixing)).pixels

    top = [picture(seed) for seed in cols]
    sheet = [np.concatenate([np.zeros_like(top[0]), *top], axis=1)]
    for row in rows:
        cells = [picture(row), *(picture(row, col) for col in cols)]
        sheet.append(np.concatenate(cells, axis=1))
    return np.concatenate(sheet)
