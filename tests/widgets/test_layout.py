import re
from pathlib import Path

import pytest

from widgets.layout import Place, docked, layout_file, reset_layout, scaled_layout
from widgets.native import Native
from widgets.places import asset


def test_every_docked_window_has_a_place_in_the_shipped_layout() -> None:
    numbers = re.findall(r"\[Window\]\[###(\d+)\]", asset("layout.ini").read_text("utf-8"))
    assert sorted(map(int, numbers)) == sorted(Place)


def test_every_dock_that_a_window_names_exists() -> None:
    text = asset("layout.ini").read_text("utf-8")
    docks = set(re.findall(r"DockNode ID=(\w+)", text))
    assert {dock for dock, _ in re.findall(r"DockId=(\w+),(\d+)", text)} <= docks


def test_a_layout_at_scale_one_is_the_shipped_one() -> None:
    assert scaled_layout(1) == asset("layout.ini").read_text("utf-8")


@pytest.mark.parametrize("scale", [1.5, 2.0])
def test_scaling_multiplies_lengths_and_nothing_else(scale: float) -> None:
    plain, scaled = scaled_layout(1), scaled_layout(scale)
    assert "SizeRef=300,746" in plain
    assert f"SizeRef={round(300 * scale)},{round(746 * scale)}" in scaled
    without = re.compile(r"(Pos|Size|SizeRef)=\d+,\d+")
    assert without.sub("", plain) == without.sub("", scaled)


def test_a_persons_layout_is_kept_and_the_reset_brings_the_shipped_one_back(tmp_path: Path) -> None:
    path = layout_file(tmp_path, 1)
    assert path.read_text("utf-8") == scaled_layout(1)
    mine = scaled_layout(1).replace("SizeRef=300,", "SizeRef=400,")
    path.write_text(mine, "utf-8")
    assert layout_file(tmp_path, 1) == path
    assert path.read_text("utf-8") == mine
    assert layout_file(tmp_path, 2) != path
    assert not reset_layout(path, 1, Native(None))
    assert path.read_text("utf-8") == scaled_layout(1)


def test_a_window_without_a_dock_floats() -> None:
    text = scaled_layout(1)
    assert docked(text) == frozenset(Place)
    floating = re.sub(rf"(###{Place.NOISE}\]\n(?:.+\n)*?)DockId=.*\n", r"\1Pos=40,60\n", text)
    assert docked(floating) == frozenset(Place) - {Place.NOISE}
    assert docked("") == frozenset()


def test_a_group_of_windows_that_floats_is_not_docked() -> None:
    text = scaled_layout(1) + "DockNode    ID=0x00000099 Pos=100,100 Size=300,300 Selected=0x01\n"
    group = re.sub(rf"(###{Place.NOISE}\]\n(?:.+\n)*?)DockId=\w+", r"\1DockId=0x00000099", text)
    assert docked(group) == frozenset(Place) - {Place.NOISE}
