from hypothesis import given
from hypothesis import strategies as st

from widgets.wipe import Rect, in_sight, why_apart
from widgets.words import fitting

SIDES = st.integers(1, 4096)
LENGTHS = st.floats(-4000, 4000)
SIZES = st.floats(1, 4000)


@given(SIDES, SIDES, st.integers(1, 8))
def test_pictures_of_the_same_proportions_cover_each_other(height: int, width: int, times: int) -> None:
    assert why_apart((height, width, 3), (height * times, width * times, 4)) == ""


@given(SIDES, SIDES)
def test_others_do_not_and_both_sizes_are_told(height: int, width: int) -> None:
    reason = why_apart((height, width, 3), (height, 2 * width, 3))
    assert f"{width} × {height}" in reason
    assert f"{2 * width} × {height}" in reason


@given(LENGTHS, LENGTHS, SIZES, SIZES, SIZES, SIZES)
def test_what_is_in_sight_is_in_both(
    left: float, top: float, width: float, height: float, across: float, down: float
) -> None:
    rect, space = Rect(left, top, width, height), (across, down)
    seen = in_sight(rect, space)
    if seen is None:
        assert rect.right <= 0 or rect.bottom <= 0 or rect.left >= across or rect.top >= down
    else:
        assert 0 <= seen.left <= seen.right <= across + 1e-6
        assert rect.left <= seen.left
        assert seen.right <= rect.right + 1e-6
        assert 0 <= seen.top <= seen.bottom <= down + 1e-6


@given(st.text(max_size=40), st.floats(0, 400))
def test_words_never_grow_beyond_their_room(words: str, width: float) -> None:
    cut = fitting(words, width, lambda text: 8.0 * len(text))
    assert 8 * len(cut) <= width or cut == ""
    assert cut == words or cut == "" or (cut.endswith("…") and len(cut) >= 4)


def test_words_that_fit_stay_whole() -> None:
    assert fitting("Before", 48, lambda text: 8.0 * len(text)) == "Before"
    assert fitting("Before this edit", 100, lambda text: 8.0 * len(text)) == "Before this…"
