"""The guide names what is in the window, and shows every panel of it."""

import ast
import re
from pathlib import Path

from widgets.layout import Place
from widgets.menu import KEYS

ROOT = Path(__file__).resolve().parent.parent
GUIDE = (ROOT / "docs" / "window.md").read_text("utf-8")
LARGEST_BYTES = 2_500_000


def words_in_window() -> set[str]:
    """Every text in the source of the window; that of a slider's format without its number."""
    found = set()
    for path in (ROOT / "widgets").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value.strip())
    return found


def test_every_label_that_the_guide_names_is_in_the_window() -> None:
    words = words_in_window()
    # A sentence in bold is a task, not a label.
    bold = (" ".join(label.split()) for label in re.findall(r"\*\*(.+?)\*\*", GUIDE, re.DOTALL))
    labels = {part for label in bold if not label.endswith(".") for part in label.split(" > ")}
    assert len(labels) > 60
    missing = {
        label
        for label in labels
        if not any(text == label or text.startswith(f"{label} ") for text in words)
        and not any(text.endswith(f" {label}") for text in words)
    }
    assert not missing


def test_the_guide_lists_the_keys_as_the_window_does() -> None:
    rows = re.findall(r"^\| (.+?) \| (.+?) \|$", GUIDE.split("## Keys")[1].split("\n## ")[0], re.MULTILINE)
    assert tuple(rows) == KEYS


def test_every_panel_has_its_place_in_the_guide() -> None:
    headings = set(re.findall(r"^## (.+)$", GUIDE, re.MULTILINE))
    titles = {
        statement.value.value
        for path in (ROOT / "widgets" / "panels").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.Assign)
        and isinstance(statement.targets[0], ast.Name)
        and statement.targets[0].id == "title"
        and isinstance(statement.value, ast.Constant)
    }
    assert len(titles) == len(set(Place) - {Place.PICTURE, Place.STATUS})
    assert titles <= headings


def test_pictures_of_the_guide_are_there_and_small() -> None:
    named = set(re.findall(r"images/([\w-]+\.png)", GUIDE))
    there = {path.name for path in (ROOT / "docs" / "images").glob("*.png")}
    assert named <= there
    assert {name for name in there if name.startswith("panel-")} <= named
    assert sum(path.stat().st_size for path in (ROOT / "docs" / "images").iterdir()) < LARGEST_BYTES
