"""What the compiled library can do and Dear PyGui does not offer. Each function has a way without it.

On Linux the library exports GLFW and Dear ImGui, so they can be called; elsewhere every function here says no.
All of them belong to the window's thread, between frames.
"""

import ctypes
import os
import sys
import time
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path

__all__ = ["Native", "leave_cores", "prefer_glx"]

_FALLBACK_S = 1 / 60
_SAVE = "_ZN5ImGui23SaveIniSettingsToMemoryEPm"
_DROP = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_int, ctypes.POINTER(ctypes.c_char_p))


def prefer_glx(environ: dict[str, str] | os._Environ[str] = os.environ) -> None:
    """Make PyOpenGL look for GLX, which is what Dear PyGui draws with on Linux, under Wayland too.

    Must run before ``OpenGL`` is imported for the first time.
    """
    if sys.platform.startswith("linux"):
        environ["PYOPENGL_PLATFORM"] = "glx"


def leave_cores(environ: MutableMapping[str, str] | os._Environ[str] = os.environ, cores: int | None = None) -> None:
    """Let Mesa draw on half of the cores where no graphics card does, so that a picture is computed beside the window.

    On two cores that shortens the longest waits from hand to pixels, see docs/speed.md. What the user set stays.
    Must run before the window opens.
    """
    environ.setdefault("LP_NUM_THREADS", str(max(1, (cores or os.cpu_count() or 2) // 2)))


class Native:
    """The compiled library of Dear PyGui, beneath Dear PyGui.

    Args:
        path: Of the library; ``None`` for none, which takes every other way.
    """

    def __init__(self, path: str | None) -> None:
        self._library: ctypes.CDLL | None = None
        self._heard: list[ctypes._FuncPointer] = []
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

    def layout_text(self) -> str | None:
        """Where the windows stand now, as an .ini text; ``None`` when it cannot be had."""
        library = self._library
        if library is None or not hasattr(library, _SAVE):
            return None
        save = getattr(library, _SAVE)
        save.argtypes, save.restype = [ctypes.c_void_p], ctypes.c_char_p
        return bytes(save(None)).decode(errors="replace")

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

    def hear_drop(self, act: Callable[[list[Path]], None]) -> bool:
        """Call ``act`` with the files that are dropped on the window; false when it cannot be done."""

        def drop(_window: int, count: int, names: "ctypes._Pointer[ctypes.c_char_p]") -> None:
            act([Path(os.fsdecode(name)) for place in range(count) if (name := names[place])])

        return self._listen("glfwSetDropCallback", _DROP(drop))

    def _listen(self, setter: str, callback: "ctypes._FuncPointer") -> bool:
        """Have GLFW call a function for events of the window, which must be open."""
        library = self._library
        if library is None or not hasattr(library, setter) or not hasattr(library, "glfwGetCurrentContext"):
            return False
        library.glfwGetCurrentContext.restype = ctypes.c_void_p
        window = library.glfwGetCurrentContext()
        if not window:
            return False
        set_callback = getattr(library, setter)
        set_callback.argtypes = [ctypes.c_void_p, type(callback)]
        set_callback.restype = ctypes.c_void_p
        set_callback(window, callback)
        # The compiled side holds no reference.
        self._heard.append(callback)
        return True

    def _function(self, name: str, *arguments: type) -> "ctypes._NamedFuncPointer | None":
        function = getattr(self._library, name, None) if self._library is not None else None
        if function is not None:
            function.argtypes = list(arguments)
            function.restype = None
        return function
