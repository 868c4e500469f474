"""Keep the memory of one frame for the next."""

import ctypes
import platform

# Numbers of glibc's mallopt, from malloc.h.
_TRIM_THRESHOLD = -1
_TOP_PAD = -2
_MMAP_MAX = -4
_ARENA_MAX = -8
_NEVER = 2**31 - 1


def keep_freed_memory() -> bool:
    """Ask the C library to keep large blocks that are freed, for the life of the process.

    By default it gives every large block back to the system and fetches it anew, page by page, for the next tensor of
    the same size; on a CPU that can cost more than computing what goes in. The price: the process stays as large as
    its largest frame. Call it once, early, and before other threads start.

    Returns:
        Whether the C library is one that can be asked (glibc).
    """
    if platform.libc_ver()[0] != "glibc":
        return False
    mallopt = ctypes.CDLL(None).mallopt
    # No block of its own mapping, nothing trimmed; one arena, as only the main one can grow without mappings.
    wishes = ((_MMAP_MAX, 0), (_TRIM_THRESHOLD, _NEVER), (_TOP_PAD, 64 << 20), (_ARENA_MAX, 1))
    return all([mallopt(name, value) == 1 for name, value in wishes])
