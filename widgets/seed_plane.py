"""The plane of seeds: arithmetic between a point on it and the seeds around."""

import math

from explorer.state import EditState, SeedPad

__all__ = ["SEEDS_A_ROW", "at_seed", "clean", "describe", "point_of", "seed_at", "weights"]

SEEDS_A_ROW = 100


def seed_at(column: int, row: int) -> int:
    """The seed at a crossing of the plane; it may be negative, and then counts modulo 2^32."""
    return column + SEEDS_A_ROW * row


def at_seed(seed: int) -> SeedPad:
    """Where a seed lies."""
    return SeedPad(float(seed % SEEDS_A_ROW), float(seed // SEEDS_A_ROW))


def point_of(state: EditState) -> SeedPad:
    """Where a state is on the plane; its origin when its latent is none of the plane's."""
    return state.latent if isinstance(state.latent, SeedPad) else SeedPad()


def clean(x: float, y: float) -> SeedPad:
    """A point rounded to a thousandth, so that it can be read out and typed elsewhere."""
    # Adding 0.0 turns -0.0 into 0.0: equal numbers, but not when written down.
    return SeedPad(round(x, 3) + 0.0, round(y, 3) + 0.0)


def weights(point: SeedPad) -> tuple[tuple[int, int, float], ...]:
    """The crossings that a point blends, as (column, row, weight); weights sum to 1 and zeros are left out."""
    column, row = math.floor(point.x), math.floor(point.y)
    right, down = point.x - column, point.y - row
    corners = (
        (column, row, (1 - right) * (1 - down)),
        (column + 1, row, right * (1 - down)),
        (column, row + 1, (1 - right) * down),
        (column + 1, row + 1, right * down),
    )
    return tuple(corner for corner in corners if corner[2] > 0)


def describe(point: SeedPad) -> str:
    """A point in words: one seed, or the seeds that it blends with their shares."""
    blended = weights(point)
    if len(blended) == 1:
        return f"Seed {seed_at(*blended[0][:2])}"
    strongest = sorted(blended, key=lambda corner: -corner[2])
    return "  ".join(f"{seed_at(column, row)} ({share:.0%})" for column, row, share in strongest)
