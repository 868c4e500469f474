"""How large everything should be: what the desktop says about the screen."""

import contextlib
import ctypes
import os
import re
import sys
from collections.abc import Mapping

__all__ = ["automatic_scale", "scale_of"]

_DESIGN_DPI = 96
_STEPS = 4
_LOWEST, _HIGHEST = 1.0, 4.0


def automatic_scale(environ: Mapping[str, str] = os.environ) -> float:
    """Pixels on screen for one of the design, in quarters, 1 to 4.

    What a person set for all programs comes first, then what the desktop says, then how large the screen is.
    """
    if sys.platform.startswith("linux"):
        resources, monitor_dpi = _x11(environ.get("DISPLAY", ""))
        return scale_of(environ, resources=resources, monitor_dpi=monitor_dpi)
    if sys.platform == "win32":
        return scale_of({}, monitor_dpi=_windows_dpi())
    # A Mac counts in points and enlarges by itself.
    return 1.0


def scale_of(environ: Mapping[str, str], *, resources: str = "", monitor_dpi: float = 0) -> float:
    """The scale that these say.

    Args:
        environ: ``GDK_SCALE``, ``GDK_DPI_SCALE`` and ``QT_SCALE_FACTOR`` count.
        resources: The X server's, one ``name: value`` a line; ``Xft.dpi`` counts.
        monitor_dpi: Dots an inch; 0 when unknown.
    """
    found = _number(environ.get("GDK_SCALE")) * (_number(environ.get("GDK_DPI_SCALE")) or 1)
    found = found or _number(environ.get("QT_SCALE_FACTOR"))
    if not found and (match := re.search(r"^Xft\.dpi:\s*([\d.]+)", resources, re.MULTILINE)):
        found = _number(match[1]) / _DESIGN_DPI
    if not found and 1.5 * _DESIGN_DPI <= monitor_dpi <= 5 * _DESIGN_DPI:
        # Sizes that screens report are often wrong a little, so only a plainly dense one counts.
        found = monitor_dpi / _DESIGN_DPI
    return min(max(round(found * _STEPS) / _STEPS, _LOWEST), _HIGHEST)


def _number(text: str | None) -> float:
    try:
        return max(0.0, float(text or 0))
    except ValueError:
        return 0.0


def _x11(display: str) -> tuple[str, float]:
    """The resources of an X server and the density of its screen; nothing where there is none."""
    try:
        x11 = ctypes.CDLL("libX11.so.6")
    except OSError:
        return "", 0
    x11.XOpenDisplay.restype = ctypes.c_void_p
    connection = x11.XOpenDisplay(display.encode() or None)
    if not connection:
        return "", 0
    handle = ctypes.c_void_p(connection)
    x11.XResourceManagerString.restype = ctypes.c_char_p
    resources = x11.XResourceManagerString(handle) or b""
    width, width_mm = x11.XDisplayWidth(handle, 0), x11.XDisplayWidthMM(handle, 0)
    x11.XCloseDisplay(handle)
    return resources.decode("latin-1"), width / width_mm * 25.4 if width_mm else 0


def _windows_dpi() -> float:
    user = getattr(ctypes, "windll").user32  # noqa: B009 - there is none on other platforms
    with contextlib.suppress(AttributeError):
        # Else Windows enlarges the finished window, blurred, and reports a screen of 96 dots an inch.
        user.SetProcessDPIAware()
        return float(user.GetDpiForSystem())
    return 0.0
