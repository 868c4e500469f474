"""What the compiled library can do and Dear PyGui does not offer. Each function has a way without it.

On Linux the library exports GLFW and Dear ImGui, so they can be called; elsewhere every function here says no.
All of them belong to the window's thread, between frames.
"""

import ctypes
import os
import sys
import time
from collections.abc import Mapping

__all__ = ["Native", "prefer_glx"]

_FALLBACK_S = 1 / 60


def prefer_glx(environ: dict[str, str] | os._Environ[str] = os.environ) -> None:
    """Make PyOpenGL look for GLX, which is what Dear PyGui draws with on Linux, under Wayland too.

    Must run before ``OpenGL`` is imported for the first time.
    """
    if sys.platform.startswith("linux"):
        environ["PYOPENGL_PLATFORM"] = "glx"


class Native:
    """The compiled library of Dear PyGui, beneath Dear PyGui.

    Args:
        path: Of the library; ``None`` for none, which takes every other way.
    """

    def __init__(self, path: str | None) -> None:
        self._library: ctypes.CDLL | None = None
        if path is not None and sys.platform.startswith("linux"):
            try:
                self._library = ctypes.CDLL(path)
            except OSError:
                self._library = None

    def wait_for_input(self, timeout_s: float) -> None:
        """Sleep until the mouse or a key moves, or ``timeout_s`` seconds at most: an idle window uses no processor.

        Without the library, a sixtieth of a second at most.
        """
        wait = self._function("glfwWaitEventsTimeout", ctypes.c_double)
        if wait is None:
            time.sleep(min(timeout_s, _FALLBACK_S))
        else:
            wait(timeout_s)

    def load_layout(self, text: str) -> bool:
        """Dock the windows as an .ini text says; false when it cannot be done while the window is open."""
        load = self._function("_ZN5ImGui25LoadIniSettingsFromMemoryEPKcm", ctypes.c_char_p, ctypes.c_size_t)
        if load is None:
            return False
        encoded = text.encode()
        load(encoded, len(encoded))
        return True

    def paint(self, colours: Mapping[int, tuple[int, int, int, int]]) -> bool:
        """Set colours, RGBA, of what is drawn outside of every theme; false when it cannot be done."""
        push = self._function("_ZN5ImGui14PushStyleColorEij", ctypes.c_int, ctypes.c_uint32)
        if push is None:
            return False
        for target, (red, green, blue, alpha) in colours.items():
            push(target, alpha << 24 | blue << 16 | green << 8 | red)
        return True

    def space(self, sizes: Mapping[int, tuple[float, float]]) -> bool:
        """Set paddings and spacings, in pixels, of what is drawn outside of every theme; false when not possible."""
        push = self._function("_ZN5ImGui12PushStyleVarEiRK6ImVec2", ctypes.c_int, ctypes.c_void_p)
        if push is None:
            return False
        for target, (x, y) in sizes.items():
            push(target, ctypes.addressof((ctypes.c_float * 2)(x, y)))
        return True

    def _function(self, name: str, *arguments: type) -> "ctypes._NamedFuncPointer | None":
        function = getattr(self._library, name, None) if self._library is not None else None
        if function is not None:
            function.argtypes = list(arguments)
            function.restype = None
        return function
