"""What lies under the window: the platform's OpenGL, and sleeping until something happens."""

import ctypes
import os
import sys
import time
from types import ModuleType

__all__ = ["Waiter", "prefer_glx"]


def prefer_glx(environ: dict[str, str] | os._Environ[str] = os.environ) -> None:
    """Make PyOpenGL look for GLX, which is what Dear PyGui draws with on Linux, under Wayland too.

    Must run before ``OpenGL`` is imported for the first time.
    """
    if sys.platform.startswith("linux"):
        environ["PYOPENGL_PLATFORM"] = "glx"


class Waiter:
    """Sleeps between frames, and wakes at once when the mouse or a key moves.

    Dear PyGui's library carries GLFW on Linux; its event wait is what lets an idle window use no processor
    and still answer the first movement. Where it cannot be reached, a short sleep stands in.
    """

    def __init__(self, library: ModuleType, *, fallback_s: float = 1 / 60) -> None:
        self._fallback_s = fallback_s
        self._wait = None
        if sys.platform.startswith("linux"):
            try:
                self._wait = ctypes.CDLL(str(library.__file__)).glfwWaitEventsTimeout
            except (OSError, AttributeError):
                return
            self._wait.argtypes = [ctypes.c_double]
            self._wait.restype = None

    def until_input(self, timeout_s: float) -> None:
        """Return at the next input event, or after ``timeout_s`` seconds at the latest."""
        if timeout_s <= 0:
            return
        if self._wait is None:
            time.sleep(min(timeout_s, self._fallback_s))
        else:
            self._wait(timeout_s)
