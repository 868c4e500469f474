"""What a process that computes pictures asks of its system, before torch is imported. Standard library only."""

import ctypes
import os
import sys
import threading

__all__ = ["TRAINER_SPIN", "prepare_process", "stand_back"]

# Of malloc.h.
_TRIM_THRESHOLD, _TOP_PAD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -2, -3, -8
# Freed memory up to this is kept for the next frame.
_KEPT_BYTES = 1 << 30
_STEP_BYTES = 64 << 20
# A quarter of a core that one other wants as well; all of one that nobody else does.
_NICE = 5


# A training step is thousands of operations: threads that wait a moment for the next one save a tenth of it.
TRAINER_SPIN = 30_000


def prepare_process(*, spin: int | None = None) -> bool:
    """Keep memory and cores ready between frames; true where the system lets us keep memory.

    A frame of a large model takes and frees hundreds of MB. As it comes, glibc returns each large block to the system
    and gets it back page by page, which takes up to half of the time of a frame. And torch's threads spin for
    milliseconds after every operation, on the cores that the compiled loops then wait for. What a person has set in
    the environment stands.

    Args:
        spin: How often a thread of torch looks for further work before it sleeps; ``None``: not at all.
    """
    if spin is not None and "OMP_WAIT_POLICY" not in os.environ:
        os.environ.setdefault("GOMP_SPINCOUNT", str(spin))
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if not sys.platform.startswith("linux") or any(name.startswith("MALLOC_") for name in os.environ):
        return False
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (OSError, AttributeError):
        return False  # Another C library, musl say.
    # One arena: those of further threads are heaps of 64 MB, which hold no large block.
    wanted = {
        _ARENA_MAX: 1,
        _MMAP_THRESHOLD: _KEPT_BYTES,
        _TRIM_THRESHOLD: _KEPT_BYTES,
        _TOP_PAD: _STEP_BYTES,
    }
    taken = [mallopt(option, value) for option, value in wanted.items()]
    return all(taken)


def stand_back() -> bool:
    """Let the calling thread, and those that it starts, give way to the window's; true where the system can.

    Where cores are few, a picture that is computed would else hold up the hand that asks for the next. The processor
    is all theirs whenever nobody else wants it.
    """
    if not sys.platform.startswith("linux"):
        return False
    thread = threading.get_native_id()
    try:
        # On Linux a thread has a priority of its own.
        os.setpriority(os.PRIO_PROCESS, thread, max(_NICE, os.getpriority(os.PRIO_PROCESS, thread)))
    except OSError:
        return False  # Forbidden, as in some sandboxes: only slower.
    return True
