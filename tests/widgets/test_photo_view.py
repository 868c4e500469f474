import numpy as np
import pytest

from explorer.projection import Crop
from widgets.panels.projection import left_in_words
from widgets.photo_view import moved, painted, sized, stroked

WHOLE = Crop(0.25, 0.0, 0.5, 1.0)


def test_a_crop_moves_and_never_leaves_the_photo() -> None:
    assert moved(WHOLE, 0.125, 0.0) == Crop(0.375, 0.0, 0.5, 1.0)
    far = moved(WHOLE, 9.0, -9.0)
    assert far.left < 1
    assert far.top + far.height > 0


@pytest.mark.parametrize("share", [0.2, 1.0, 1.4])
def test_a_crop_keeps_its_middle_and_shape_when_it_is_sized(share: float) -> None:
    crop = sized(Crop(0.1, 0.2, 0.25, 0.5), WHOLE, share)
    assert crop.left + crop.width / 2 == pytest.approx(0.225)
    assert crop.top + crop.height / 2 == pytest.approx(0.45)
    assert crop.width / crop.height == pytest.approx(0.5)


def test_a_brush_covers_a_round_spot_and_leaves_the_old_mask() -> None:
    mask = np.ones((50, 100), np.float32)
    covered = painted(mask, 0.5, 0.5, value=0.0)
    assert mask.min() == 1
    assert covered[25, 50] == covered[20, 50] == covered[25, 45] == 0
    assert covered[25, 40] == covered[10, 50] == 1


def test_time_left_is_told_in_words() -> None:
    assert left_in_words(0.5, 20) == "10 s left"
    assert left_in_words(0.99, 20) == "almost done"


def test_a_stroke_has_no_gaps_however_fast_the_hand_is() -> None:
    mask = np.ones((100, 200), np.float32)
    covered = stroked(mask, (0.1, 0.5), (0.9, 0.5), value=0.0)
    assert covered[50, 20:180].max() == 0
    assert covered[20].min() == 1
    assert mask.min() == 1


def test_a_stroke_that_goes_nowhere_is_a_spot() -> None:
    mask = np.ones((50, 100), np.float32)
    assert np.array_equal(stroked(mask, (0.5, 0.5), (0.5, 0.5), value=0.0), painted(mask, 0.5, 0.5, value=0.0))
