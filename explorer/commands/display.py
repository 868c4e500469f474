"""Whether a window can be opened here, told before the toolkit aborts the process for the lack of a display."""

import os
import re
import socket
import sys
from collections.abc import Mapping

__all__ = ["why_no_display"]

_HELP = (
    "use a virtual one (xvfb-run -s '-screen 0 1600x1000x24' python main.py) "
    "or none at all (python main.py render --seeds 0-7 --out out)"
)
_FIRST_PORT = 6000


def why_no_display(environment: Mapping[str, str] = os.environ, *, platform: str = sys.platform) -> str | None:
    """Why no window can be opened and what to do instead, in one line; ``None`` when it can.

    Only systems with X11 are asked: elsewhere a desktop is always there.
    """
    if not platform.startswith("linux"):
        return None
    display = environment.get("DISPLAY", "")
    if not display and environment.get("WAYLAND_DISPLAY"):
        return f"the window speaks X11, and there is only Wayland here: start XWayland, or {_HELP}"
    if not display:
        return f"there is no display: {_HELP}"
    if not _answers(display):
        return f"the display {display!r} cannot be reached: {_HELP}"
    return None


def _answers(display: str) -> bool:
    match = re.fullmatch(r"(?:unix/?)?([^:]*):(\d{1,5})(?:\.\d+)?", display)
    if match is None:
        # A path to a socket, as on some systems: let the toolkit try.
        return display.startswith("/")
    host, number = match[1], int(match[2])
    if host:
        return _connects(socket.AF_INET, (host, _FIRST_PORT + number))
    path = f"/tmp/.X11-unix/X{number}"
    return _connects(socket.AF_UNIX, path) or _connects(socket.AF_UNIX, "\0" + path)


def _connects(family: socket.AddressFamily, address: str | tuple[str, int]) -> bool:
    if isinstance(address, tuple):
        try:
            with socket.create_connection(address, timeout=2):
                return True
        except OSError:
            return False
    with socket.socket(family, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        try:
            connection.connect(address)
        except OSError:
            return False
    return True
