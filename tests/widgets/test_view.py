import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.view import FITTED, Placement, View, around, cells, pan, place, stepped, zoom_about

SIDES = st.integers(1, 1024)
SIZES = st.tuples(SIDES, SIDES)
SPACES = st.tuples(st.integers(40, 2000), st.integers(40, 2000))
ZOOMS = st.floats(1 / 16, 64)
PARTS = st.floats(0, 1)


@given(SIZES, SPACES, st.booleans())
def test_an_untouched_view_is_the_fitted_one(size: tuple[int, int], space: tuple[int, int], whole: bool) -> None:
    at = place(size, space, FITTED, whole=whole, margin=14)
    assert at.left >= 14
    assert at.left + size[0] * at.zoom <= space[0] - 14 + 1e-6
    assert at.top + size[1] * at.zoom <= space[1] - 14 + 1e-6


@given(SIZES, SPACES, ZOOMS, PARTS, PARTS)
def test_what_is_under_the_pointer_stays_there(
    size: tuple[int, int], space: tuple[int, int], zoom: float, x: float, y: float
) -> None:
    at = place(size, space, View(zoom), whole=False)
    point = (at.left + x * size[0] * zoom, at.top + y * size[1] * zoom)
    view = zoom_about(point, zoom * 1.2, at, size, space)
    after = place(size, space, view, whole=False)
    for axis, part, edge in ((0, x, after.left), (1, y, after.top)):
        if 0 < view.centre[axis] < 1:
            # Pictures start on whole pixels.
            assert edge + part * size[axis] * view.zoom == pytest.approx(point[axis], abs=1)


@given(SIZES, SPACES, ZOOMS, st.integers(-300, 300), st.integers(-300, 300))
def test_panning_moves_by_what_the_hand_moves_and_keeps_the_picture_in_sight(
    size: tuple[int, int], space: tuple[int, int], zoom: float, right: int, down: int
) -> None:
    before = place(size, space, View(zoom), whole=False)
    view = pan(View(zoom), before, (right, down), size, space)
    after = place(size, space, view, whole=False)
    assert after.zoom == zoom
    assert after.left <= space[0] / 2 + 1
    assert after.left + size[0] * zoom >= space[0] / 2 - 1
    if 0 < view.centre[0] < 1:
        assert after.left - before.left == pytest.approx(right, abs=1)


@given(ZOOMS, st.floats(0.1, 3))
def test_a_click_of_the_wheel_enlarges_and_square_pixels_stay_equal(zoom: float, clicks: float) -> None:
    for whole in (False, True):
        larger, smaller = stepped(zoom, clicks, whole=whole), stepped(zoom, -clicks, whole=whole)
        assert smaller <= zoom <= larger
        assert larger > zoom or zoom == 64
        assert smaller < zoom or zoom == 1 / 16
        if whole:
            assert larger < 1 or larger == int(larger)
            assert smaller < 1 or smaller == int(smaller)


def test_a_checkerboard_covers_half_of_what_is_seen_and_nothing_beside_it() -> None:
    squares = list(cells((-100.0, 20.0, 300.0, 140.0), (200, 100), 10))
    assert all(left >= -10 and right <= 300 and 20 <= top < bottom <= 140 for left, top, right, bottom in squares)
    seen = sum((min(right, 200) - max(left, 0)) * (min(bottom, 100) - top) for left, top, right, bottom in squares)
    assert seen == 200 * 80 / 2


def test_a_placement_says_where_the_picture_is() -> None:
    assert place((64, 64), (656, 746), View(2.0, (0.25, 0.5)), whole=True) == Placement(296.0, 309.0, 2.0)


@given(st.tuples(*[st.integers(-300, 300)] * 2), SIZES, st.tuples(st.integers(1, 300), st.integers(1, 300)))
def test_what_is_around_a_picture_is_all_that_it_leaves_free(
    corner: tuple[int, int], size: tuple[int, int], space: tuple[int, int]
) -> None:
    rect = (corner[0], corner[1], corner[0] + size[0], corner[1] + size[1])
    free = np.zeros((space[1], space[0]), int)
    for left, top, right, bottom in around(rect, space):
        free[int(top) : int(bottom), int(left) : int(right)] += 1
    free[max(0, rect[1]) : max(0, rect[3]), max(0, rect[0]) : max(0, rect[2])] += 1
    assert (free == 1).all()
    assert list(around(None, space)) == [(0, 0, *space)]
