import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.texture import as_rgba
from widgets.view import fit

SIDES = st.integers(1, 2048)


@given(SIDES, SIDES, SIDES, SIDES, st.booleans())
def test_a_fitted_picture_lies_inside_its_space(width: int, height: int, across: int, down: int, whole: bool) -> None:
    left, top, zoom = fit((width, height), (across, down), whole=whole)
    assert left >= 0
    assert top >= 0
    assert left + width * zoom <= across + 1e-6
    assert top + height * zoom <= down + 1e-6


@given(SIDES, SIDES, SIDES, SIDES)
def test_whole_enlargements_are_whole_and_start_on_a_pixel(width: int, height: int, across: int, down: int) -> None:
    left, top, zoom = fit((width, height), (across, down), whole=True)
    if width <= across and height <= down:
        assert zoom == int(zoom) >= 1
        assert (left, top) == (int(left), int(top))


def test_a_picture_fills_the_side_that_binds() -> None:
    assert fit((64, 64), (656, 746), whole=False) == (0, 45, 10.25)
    assert fit((64, 64), (656, 746), whole=True) == (8, 53, 10)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_colours_survive_the_widening_to_rgba(channels: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, channels), dtype=np.uint8)
    rgba = as_rgba(pixels)
    assert rgba.shape == (5, 7, 4)
    assert np.array_equal(rgba[..., :channels][..., :3], pixels[..., :3])
    assert np.array_equal(rgba[..., 3], pixels[..., 3] if channels == 4 else np.full((5, 7), 255))
    if channels == 1:
        assert np.array_equal(rgba[..., 0], rgba[..., 2])


@pytest.mark.parametrize("shape", [(4, 4), (4, 4, 2)])
def test_what_is_no_picture_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"uint8 \[H, W, 1, 3 or 4\]"):
        as_rgba(np.zeros(shape, np.uint8))
    with pytest.raises(ValueError, match="float32"):
        as_rgba(np.zeros((4, 4, 3), np.float32))  # type: ignore[arg-type]
