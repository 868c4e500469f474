"""The arrangement that a window starts with."""

from pathlib import Path

import pytest

from widgets.layout import Place, layout_file, scaled_layout


def test_first_start_uses_the_shipped_arrangement(tmp_path: Path) -> None:
    assert layout_file(tmp_path, 1.0).read_text("utf-8") == scaled_layout(1.0)


def test_shipped_arrangement_places_every_panel() -> None:
    assert all(f"[Window][###{place}]" in scaled_layout(1.0) for place in Place)


def test_arrangement_of_the_person_is_kept(tmp_path: Path) -> None:
    path = layout_file(tmp_path, 1.0)
    mine = path.read_text("utf-8").replace("Collapsed=0", "Collapsed=1", 1)
    path.write_text(mine, "utf-8")

    assert layout_file(tmp_path, 1.0).read_text("utf-8") == mine


@pytest.mark.parametrize("content", [b"", b"\xff\xfe damaged", b"[Window][###1001]\nCollapsed=0\nDockId=0x31,0\n"])
def test_arrangement_that_does_not_know_every_panel_is_replaced(tmp_path: Path, content: bytes) -> None:
    layout_file(tmp_path, 1.0).write_bytes(content)

    assert layout_file(tmp_path, 1.0).read_text("utf-8") == scaled_layout(1.0)
