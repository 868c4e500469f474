import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.state import SeedPad
from widgets.seed_plane import at_seed, clean, describe, seed_at, weights

PLACES = st.floats(-500, 500)


@given(PLACES, PLACES)
def test_the_shares_of_a_point_sum_to_one(x: float, y: float) -> None:
    shares = weights(SeedPad(x, y))
    assert 1 <= len(shares) <= 4
    assert sum(share for _, _, share in shares) == pytest.approx(1)


@given(st.integers(0, 2**31))
def test_a_seed_lies_where_the_plane_has_it(seed: int) -> None:
    point = at_seed(seed)
    assert weights(point) == ((int(point.x), int(point.y), 1.0),)
    assert seed_at(int(point.x), int(point.y)) == seed


def test_points_are_described_by_their_seeds() -> None:
    assert describe(SeedPad(7, 1)) == "Seed 107"
    assert describe(SeedPad(2.25, 0)) == "2 (75%)  3 (25%)"


def test_a_cleaned_point_has_no_negative_zero() -> None:
    assert str(clean(-0.0001, 1.23456)) == str(SeedPad(0.0, 1.235))
