"""A lock on an open file that ends with its process, however that ends."""

import sys
from typing import IO

__all__ = ["try_lock"]

# Far behind any content: on Windows a locked range cannot be read by others.
_PLACE = 2**40


def try_lock(file: IO[bytes]) -> bool:
    """Lock the file for this process until it is closed; false when another process holds it.

    Where the file system knows no locks, this is true.
    """
    if sys.platform == "win32":
        import msvcrt

        before = file.tell()
        try:
            file.seek(_PLACE)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(before)
        return True
    import fcntl

    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
