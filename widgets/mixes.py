"""Arithmetic of style mixing: sources, the layers that they give, and words for both."""

import math
from collections.abc import Sequence
from dataclasses import replace

from explorer.state import EditState, GeneratorSpec, Latent, Mix, Point, SeedPad
from widgets.seed_plane import at_seed, describe

__all__ = [
    "BANDS",
    "added",
    "bands",
    "between",
    "flip",
    "latent_words",
    "layer_words",
    "removed",
    "rows_in_words",
    "seed_of",
    "size_words",
    "source_words",
    "sources",
    "swapped",
    "with_latent",
    "with_source",
]

BANDS = ("Coarse", "Middle", "Fine")
_FIRST_SEED = 1
_LARGE_SEED = 2**53


def bands(spec: GeneratorSpec) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Coarse, middle and fine rows of ``w_plus``.

    Rows are told by size, up to 8² and up to 32², as in StyleGAN's paper; the layers of StyleGAN3 and what came
    after it hardly shrink, so their rows are cut in thirds.
    """
    rows = range(spec.num_ws)
    if not spec.family.startswith(("stylegan3", "stylegan_")):
        side = {row: max((max(layer.size) for layer in spec.layers_of(row)), default=0) for row in rows}
        return (
            tuple(row for row in rows if side[row] <= 8),
            tuple(row for row in rows if 8 < side[row] <= 32),
            tuple(row for row in rows if side[row] > 32),
        )
    third, two_thirds = round(spec.num_ws / 3), round(spec.num_ws * 2 / 3)
    return tuple(rows[:third]), tuple(rows[third:two_thirds]), tuple(rows[two_thirds:])


def flip(layers: tuple[int, ...], rows: tuple[int, ...]) -> tuple[int, ...]:
    """The layers with these rows as well; without them when all of them were there."""
    if set(rows) <= set(layers):
        return tuple(row for row in layers if row not in rows)
    return tuple(sorted({*layers, *rows}))


def sources(state: EditState) -> tuple[Mix, ...]:
    """The state's mixes; one of no layers where there is none, so that there is always one to work on."""
    return state.mixing or (Mix(at_seed(_FIRST_SEED), ()),)


def with_source(state: EditState, index: int, mix: Mix) -> EditState:
    """The state with another mix in one place of `sources`."""
    there = sources(state)
    return replace(state, mixing=(*there[:index], mix, *there[index + 1 :]))


def added(state: EditState) -> EditState:
    """The state with one more source, of no layers yet: the first seed from 1 that is not mixed in."""
    there = sources(state)
    used = {mix.latent for mix in there}
    seed = next(seed for seed in range(_FIRST_SEED, _FIRST_SEED + len(there) + 1) if at_seed(seed) not in used)
    return replace(state, mixing=(*there, Mix(at_seed(seed), ())))


def with_latent(state: EditState, latent: Latent) -> EditState:
    """The state with a latent as its last source, of no layers yet; as it is where that is a source already."""
    if any(mix.latent == latent for mix in state.mixing):
        return state
    return replace(state, mixing=(*state.mixing, Mix(latent, ())))


def removed(state: EditState, index: int) -> EditState:
    """The state without one of its sources."""
    there = sources(state)
    return replace(state, mixing=(*there[:index], *there[index + 1 :]))


def swapped(state: EditState, index: int) -> EditState:
    """The state with a source and the base in each other's places; twice is the identity."""
    mix = sources(state)[index]
    return replace(with_source(state, index, replace(mix, latent=state.latent)), latent=mix.latent)


def seed_of(latent: Latent) -> float:
    """The number of a seed, fractions lying between two; that of the first one nearby for any other latent."""
    if not isinstance(latent, SeedPad):
        return 0.0
    row = math.floor(latent.y)
    return latent.x + 100 * row


def between(number: float) -> SeedPad:
    """Where a seed lies, or for a fraction the point between it and the next.

    Raises:
        ValueError: It is below zero, or too large for its fraction to mean anything.
    """
    if not 0 <= number < _LARGE_SEED:
        raise ValueError(f"{number:g} is no seed: choose one from 0")
    # To a thousandth, as on the pad, so that it can be read out and typed elsewhere.
    number = round(number, 3)
    row = math.floor(number / 100)
    return SeedPad(round(number - 100 * row, 3), float(row))


def latent_words(latent: Latent, points: Sequence[Point] = ()) -> str:
    """What a person calls a latent: the saved point that it is, else its seeds."""
    name = next((point.name for point in points if point.state.latent == latent), "")
    if name and not (isinstance(latent, SeedPad) and latent.x == int(latent.x) and latent.y == int(latent.y)):
        return name
    return describe(latent) if isinstance(latent, SeedPad) else "Stored styles"


def rows_in_words(rows: tuple[int, ...]) -> str:
    """``(0, 1, 2, 5)`` as ``0–2, 5``."""
    runs: list[list[int]] = []
    for row in sorted(rows):
        if runs and row == runs[-1][-1] + 1:
            runs[-1].append(row)
        else:
            runs.append([row])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)


def source_words(mix: Mix, points: Sequence[Point] = ()) -> str:
    """A source in a line."""
    name = latent_words(mix.latent, points)
    if not mix.layers:
        return f"{name}: no layers"
    share = "" if mix.amount == 1 else f", {mix.amount:.0%}"
    return f"{name}: {rows_in_words(mix.layers)}{share}"


def size_words(size: tuple[int, int]) -> str:
    """Height and width of a layer as ``64²``, or width × height where they differ."""
    height, width = size
    return f"{width}²" if height == width else f"{width} × {height}"


def layer_words(spec: GeneratorSpec, row: int) -> str:
    """What one row of ``w_plus`` styles."""
    layers = spec.layers_of(row)
    return "\n".join(f"{layer.name}: {layer.channels} channels, {size_words(layer.size)}" for layer in layers)
