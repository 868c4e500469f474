"""What the window's process holds, counted: for the tests that nothing leaks."""

import gc
import threading

import dearpygui.dearpygui as dpg
import psutil

__all__ = ["measure"]

_LARGEST_NAME = 4096
_KINDS = ("Texture", "Buffer", "VertexArray", "Framebuffer", "Program", "Shader")


def measure() -> dict[str, object]:
    """Memory, objects of OpenGL, items of Dear PyGui, threads and open files. In the window's thread, between frames.

    Garbage is collected first, since when that happens by itself is chance.
    """
    from OpenGL import GL

    gc.collect()
    process = psutil.Process()
    is_one = {kind: getattr(GL, f"glIs{kind}") for kind in _KINDS}
    return {
        "rss_bytes": process.memory_info().rss,
        "gl": {kind: sum(bool(check(name)) for name in range(1, _LARGEST_NAME)) for kind, check in is_one.items()},
        "items": len(dpg.get_all_items()),
        "threads": threading.active_count(),
        "files": process.num_fds(),
    }
