"""A sheet of style mixtures as plain data: which state stands in which cell."""

from dataclasses import dataclass, replace

from explorer.state.edit_state import EditState, Mix, SeedPad

__all__ = ["SheetPlan"]

_SEEDS_A_ROW = 100


@dataclass(frozen=True, slots=True)
class SheetPlan:
    """Each row's seed with each column's styles in some layers, the pure seeds on the edges.

    Source: StyleGAN (Karras et al. 2019), figure 3.
    """

    rows: tuple[int, ...]
    """Seeds down the side: what is changed."""
    cols: tuple[int, ...]
    """Seeds along the top: whose styles are taken."""
    layers: tuple[int, ...]
    """Rows of ``w_plus`` that come from the column's seed."""

    @property
    def shape(self) -> tuple[int, int]:
        """How many cells stand below and beside one another, the edges counted."""
        return 1 + len(self.rows), 1 + len(self.cols)

    def states(self, base: EditState) -> tuple[EditState | None, ...]:
        """What each cell shows, line by line; ``None`` for the corner.

        Args:
            base: Everything but the latent and the mixing.
        """
        top: list[EditState | None] = [None, *(self._cell(base, seed) for seed in self.cols)]
        lines = [[self._cell(base, row), *(self._cell(base, row, col) for col in self.cols)] for row in self.rows]
        return tuple(top + [cell for line in lines for cell in line])

    def _cell(self, base: EditState, seed: int, styles: int | None = None) -> EditState:
        mixing = () if styles is None else (Mix(_at(styles), self.layers),)
        return replace(base, latent=_at(seed), mixing=mixing)


def _at(seed: int) -> SeedPad:
    return SeedPad(float(seed % _SEEDS_A_ROW), float(seed // _SEEDS_A_ROW))
