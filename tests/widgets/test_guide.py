"""The guide's pages lead where the Markdown leads."""

import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from widgets.guide import write_guide

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_every_link_and_picture_of_the_pages_is_there(tmp_path: Path) -> None:
    first = write_guide(DOCS, tmp_path / "guide")
    assert first.name == "window.html"
    pages = {path.name: path.read_text("utf-8") for path in first.parent.iterdir()}
    assert set(pages) == {f"{path.stem}.html" for path in DOCS.glob("*.md")}
    targets = 0
    for name, text in pages.items():
        for link in re.findall(r'(?:href|src)="([^"]+)"', text):
            parts = urlsplit(link)
            if parts.scheme in ("http", "https"):
                continue
            targets += 1
            if parts.scheme == "file":
                assert Path(unquote(parts.path)).exists(), f"{name}: {link}"
                continue
            page = pages[parts.path or name]
            assert not parts.fragment or f'id="{parts.fragment}"' in page, f"{name}: {link}"
    assert targets > 60


def test_pages_have_their_pictures_tables_and_no_markdown(tmp_path: Path) -> None:
    text = write_guide(DOCS, tmp_path).read_text("utf-8")
    assert (DOCS / "images" / "window.png").as_uri() in text
    assert "<table>" in text
    assert "## " not in text
    assert "](" not in text


def test_a_guide_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    with pytest.raises(OSError, match="no such file") as caught:
        write_guide(tmp_path / "docs", tmp_path / "pages")
    assert caught.value.filename == str(tmp_path / "docs" / "window.md")
