"""Where the panels stand: the shipped arrangement, and the one that a person made of it.

Dear PyGui has no way to dock a window by program, so the arrangement is a file that it reads at the start. Windows
are named in it by number; with a file set, positions given in code are ignored.
"""

import ctypes
import re
import sys
from enum import IntEnum
from pathlib import Path
from types import ModuleType

from widgets.places import asset

__all__ = ["Place", "layout_file", "reset_layout", "scaled_layout"]


class Place(IntEnum):
    """The number of each docked window, as in assets/layout.ini."""

    MODEL = 1001
    LATENT = 1002
    TRUNCATION = 1003
    NOISE = 1004
    SLIDERS = 1005
    MIXING = 1006
    EQUIVARIANCE = 1007
    PICTURE = 1008
    STATUS = 1009
    HISTORY = 1010


def scaled_layout(scale: float) -> str:
    """The shipped arrangement with every length multiplied by ``scale``."""

    def grow(match: re.Match[str]) -> str:
        x, y = (round(int(number) * scale) for number in match.groups()[1:])
        return f"{match.group(1)}={x},{y}"

    return re.sub(r"(Pos|Size|SizeRef)=(\d+),(\d+)", grow, asset("layout.ini").read_text("utf-8"))


def layout_file(folder: Path, scale: float) -> Path:
    """The arrangement to start with: the person's own, or the shipped one written to where theirs will be.

    Lengths depend on the scale factor, so there is one file for each.
    """
    path = folder / f"layout-{round(scale * 100)}.ini"
    if not path.exists():
        path.write_text(scaled_layout(scale), "utf-8")
    return path


def reset_layout(path: Path, scale: float, library: ModuleType) -> bool:
    """Bring the shipped arrangement back; must be called between frames.

    Returns:
        Whether it happened at once; where the library hides the needed function it does at the next start.
    """
    text = scaled_layout(scale)
    path.write_text(text, "utf-8")
    if not sys.platform.startswith("linux"):
        return False
    try:
        load = ctypes.CDLL(str(library.__file__))._ZN5ImGui25LoadIniSettingsFromMemoryEPKcm
    except (OSError, AttributeError):
        return False
    load.argtypes = [ctypes.c_char_p, ctypes.c_size_t]
    load.restype = None
    encoded = text.encode()
    load(encoded, len(encoded))
    return True
