"""Where the panels stand: the shipped arrangement, and the one that a person made of it.

Dear PyGui has no way to dock a window by program, so the arrangement is a file that it reads at the start. Windows
are named in it by number; with a file set, positions given in code are ignored.
"""

import re
from enum import IntEnum
from pathlib import Path

from widgets.native import Native
from widgets.places import asset

__all__ = ["Place", "docked", "layout_file", "reset_layout", "scaled_layout"]


class Place(IntEnum):
    """The number of each docked window, as in assets/layout.ini.

    Far beyond what Dear PyGui counts up for items without a tag: an item that got the number of a window would
    take its place.
    """

    MODEL = 9_000_000_000_001
    LATENT = 9_000_000_000_002
    TRUNCATION = 9_000_000_000_003
    NOISE = 9_000_000_000_004
    SLIDERS = 9_000_000_000_005
    MIXING = 9_000_000_000_006
    EQUIVARIANCE = 9_000_000_000_007
    PICTURE = 9_000_000_000_008
    STATUS = 9_000_000_000_009
    HISTORY = 9_000_000_000_010
    POINTS = 9_000_000_000_011
    PROMPT = 9_000_000_000_012
    LAYERS = 9_000_000_000_013
    PERFORMANCE = 9_000_000_000_014
    ANIMATION = 9_000_000_000_015
    PROJECTION = 9_000_000_000_016
    TRAINING = 9_000_000_000_017
    SHEET = 9_000_000_000_018


def scaled_layout(scale: float) -> str:
    """The shipped arrangement with every length multiplied by ``scale``."""

    def grow(match: re.Match[str]) -> str:
        x, y = (round(int(number) * scale) for number in match.groups()[1:])
        return f"{match.group(1)}={x},{y}"

    return re.sub(r"(Pos|Size|SizeRef)=(\d+),(\d+)", grow, asset("layout.ini").read_text("utf-8"))


def layout_file(folder: Path, scale: float) -> Path:
    """The arrangement to start with: the person's own, or the shipped one written to where theirs will be.

    Lengths depend on the scale factor, so there is one file for each. A file that does not place every panel, of
    another version or damaged, is replaced: a panel that it does not know would float over the others.
    """
    path = folder / f"layout-{round(scale * 100)}.ini"
    if not _places_all(path):
        path.write_text(scaled_layout(scale), "utf-8")
    return path


def _places_all(path: Path) -> bool:
    if not path.exists():
        return False
    text = path.read_text("utf-8", errors="replace")
    return all(f"[Window][###{place}]" in text for place in Place)


def docked(text: str) -> frozenset[Place]:
    """The windows that an arrangement, an .ini text, keeps in the dock; the others float, alone or in groups."""
    spaces = re.findall(r"^\s*DockSpace\s+ID=(\w+)", text, re.MULTILINE)
    parents = dict(re.findall(r"^\s*DockNode\s+ID=(\w+)\s+Parent=(\w+)", text, re.MULTILINE))

    def in_dock(node: str) -> bool:
        # A group that floats has a root of its own; a tree is never deeper than it has nodes.
        for _ in range(len(parents) + 1):
            if node in spaces:
                return True
            node = parents.get(node, "")
        return False

    sections = re.findall(r"^\[Window\]\[###(\d+)\]\n((?:[^\[\n].*\n?)*)", text, re.MULTILINE)
    nodes = {number: re.search(r"DockId=(\w+)", lines) for number, lines in sections}
    known = {str(int(place)): place for place in Place}
    return frozenset(known[number] for number, node in nodes.items() if number in known and node and in_dock(node[1]))


def reset_layout(path: Path, scale: float, native: Native) -> bool:
    """Bring the shipped arrangement back; must be called between frames.

    Returns:
        Whether it happened at once; where it cannot, it does at the next start.
    """
    text = scaled_layout(scale)
    path.write_text(text, "utf-8")
    return native.load_layout(text)
