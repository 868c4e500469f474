"""What the window's process holds, counted: for the tests that nothing leaks."""

import ctypes
import gc
import sys
import threading

import dearpygui.dearpygui as dpg
import psutil

__all__ = ["heap_bytes", "measure"]

_LARGEST_NAME = 4096
_HEAP_FIELDS = (
    "arena",
    "ordblks",
    "smblks",
    "hblks",
    "hblkhd",
    "usmblks",
    "fsmblks",
    "uordblks",
    "fordblks",
    "keepcost",
)
_KINDS = ("Texture", "Buffer", "VertexArray", "Framebuffer", "Program", "Shader")


class _HeapInfo(ctypes.Structure):
    """``struct mallinfo2`` of malloc.h."""

    _fields_ = [(name, ctypes.c_size_t) for name in _HEAP_FIELDS]


def heap_bytes() -> int | None:
    """Memory that the C library has given out and not got back; ``None`` where it does not tell.

    The resident memory says less: what is freed stays with the process, for the next picture, see `prepare_process`.
    """
    look = getattr(ctypes.CDLL(None), "mallinfo2", None) if sys.platform.startswith("linux") else None
    if look is None:
        return None
    look.restype = _HeapInfo
    info = look()
    return int(info.uordblks + info.hblkhd)


def measure() -> dict[str, object]:
    """Memory, objects of OpenGL, items of Dear PyGui, threads and open files. In the window's thread, between frames.

    Garbage is collected first, since when that happens by itself is chance.
    """
    from OpenGL import GL

    gc.collect()
    process = psutil.Process()
    is_one = {kind: getattr(GL, f"glIs{kind}") for kind in _KINDS}
    return {
        "heap_bytes": heap_bytes(),
        "objects": sys.getallocatedblocks(),
        "rss_bytes": process.memory_info().rss,
        "gl": {kind: sum(bool(check(name)) for name in range(1, _LARGEST_NAME)) for kind, check in is_one.items()},
        "items": len(dpg.get_all_items()),
        "threads": threading.active_count(),
        "files": process.num_fds(),
    }
