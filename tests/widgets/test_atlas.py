import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from widgets.atlas import SIDE_PX, Atlas, Patch, Slots
from widgets.texture import Pixels


class Memory:
    """A store without a graphics card."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.held: dict[int, Pixels] = {}

    def write(self, slot: int, pixels: Pixels) -> Patch:
        assert 0 <= slot < self.count
        self.held[slot] = pixels
        height, width = pixels.shape[:2]
        return Patch(slot, (0, 0), (1, 1), (width, height))


def plain(grey: int, height: int = 4, width: int = 4) -> Pixels:
    return np.full((height, width, 3), grey, np.uint8)


@given(st.integers(1, 8), st.lists(st.integers(0, 20), max_size=60))
def test_no_two_keys_share_a_place_and_the_newest_ones_are_kept(count: int, keys: list[int]) -> None:
    slots = Slots(count)
    for key in keys:
        slots.place(key)
    newest = list(dict.fromkeys(reversed(keys)))
    places = [slots.find(key) for key in newest[:count]]
    assert None not in places
    assert len(set(places)) == len(places)
    assert all(slots.find(key) is None for key in newest[count:])


def test_looking_at_a_key_keeps_it() -> None:
    slots = Slots(2)
    slots.place("a")
    slots.place("b")
    slots.find("a")
    slots.place("c")
    assert slots.find("a") is not None
    assert slots.find("b") is None


def test_a_place_that_is_given_back_is_used_before_anything_goes() -> None:
    slots = Slots(2)
    slots.place("a")
    slots.place("b")
    slots.drop("b")
    slots.place("c")
    assert slots.find("a") is not None
    assert slots.find("b") is None


def test_a_picture_is_found_under_its_key_until_it_makes_room() -> None:
    atlas, store = Atlas(), Memory(2)
    atlas.attach(store)
    for grey, key in enumerate("abb"):
        atlas.put(key, plain(grey))
    first, second = atlas.find("a"), atlas.find("b")
    assert first is not None
    assert second is not None
    assert store.held[second.texture][0, 0, 0] == 2
    before = atlas.version
    atlas.find("a")
    atlas.put("c", plain(3))
    assert atlas.version > before
    assert atlas.find("b") is None
    assert atlas.find("a") == first


@pytest.mark.parametrize("shape", [(SIDE_PX + 1, 4, 3), (4, SIDE_PX + 1, 3), (0, 0, 3)])
def test_what_does_not_fit_a_place_is_refused(shape: tuple[int, ...]) -> None:
    atlas = Atlas()
    atlas.attach(Memory(1))
    with pytest.raises(ValueError, match="does not fit"):
        atlas.put("a", np.zeros(shape, np.uint8))


@given(*[st.integers(1, 200)] * 4)
def test_a_picture_keeps_its_proportions_and_touches_two_sides_of_its_box(
    width: int, height: int, across: int, down: int
) -> None:
    left, top, wide, tall = Patch(0, (0, 0), (1, 1), (width, height)).fit(across, down)
    assert wide * height == pytest.approx(tall * width)
    assert min(left, top) == pytest.approx(0, abs=1e-9)
    assert left * 2 + wide == pytest.approx(across)
    assert top * 2 + tall == pytest.approx(down)
