from hypothesis import given
from hypothesis import strategies as st

from widgets.presentation.placement import Rect, letterbox, other_screen

SIDES = st.integers(1, 5000)


@given(st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES), st.booleans())
def test_a_picture_lies_inside_its_space_in_its_own_proportions(
    size: tuple[int, int], space: tuple[int, int], whole: bool
) -> None:
    place = letterbox(size, space, whole=whole)

    assert place.left >= 0
    assert place.top >= 0
    assert place.left + place.width <= space[0] + 1e-6
    assert place.top + place.height <= space[1] + 1e-6
    assert abs(place.width * size[1] - place.height * size[0]) < 1e-3 * size[0] * size[1]


@given(st.tuples(SIDES, SIDES), st.tuples(SIDES, SIDES))
def test_a_smooth_picture_touches_two_edges(size: tuple[int, int], space: tuple[int, int]) -> None:
    place = letterbox(size, space, whole=False)

    assert abs(min(space[0] - place.width, space[1] - place.height)) < 1e-6


@given(st.tuples(SIDES, SIDES), st.integers(1, 9))
def test_square_pixels_come_out_equal(size: tuple[int, int], times: int) -> None:
    place = letterbox(size, (size[0] * times + size[0] // 2, size[1] * times), whole=True)

    assert (place.width, place.height) == (size[0] * times, size[1] * times)


def test_the_other_screen_is_the_one_that_the_main_window_is_not_on() -> None:
    screens = [Rect(0, 0, 1920, 1080), Rect(1920, 0, 1280, 1024)]

    assert other_screen(screens, Rect(100, 100, 1280, 800)) == 1
    assert other_screen(screens, Rect(2000, 10, 1280, 800)) == 0
    assert other_screen(screens[:1], Rect(100, 100, 1280, 800)) == 0
    # Across both: where it covers less.
    assert other_screen(screens, Rect(1500, 0, 1280, 800)) == 0
