"""Threads that share out compiled work, and a bound on what torch's own threads do meanwhile."""

import os
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import lru_cache
from itertools import pairwise

import torch
from torch import Tensor

# Several pieces of work for each thread, so that a thread that is held up delays the others little.
PIECES_PER_THREAD = 4
# Waking a thread takes as long as this many samples take.
SAMPLES_PER_THREAD = 1 << 17


class _Alone:
    """How many pieces of work have products of their own under way, and the threads that torch had before."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.inside = 0
        self.threads = 1


_alone = _Alone()


def thread_count() -> int:
    """Threads that a piece of work may use: as many as torch does."""
    return _alone.threads if _alone.inside else torch.get_num_threads()


@contextmanager
def _torch_on_one_thread() -> Iterator[None]:
    """Keep torch to the calling thread. Torch's count belongs to the process, so the last one out restores it."""
    with _alone.lock:
        if _alone.inside == 0:
            _alone.threads = torch.get_num_threads()
        _alone.inside += 1
    try:
        torch.set_num_threads(1)
        yield
    finally:
        with _alone.lock:
            _alone.inside -= 1
            if _alone.inside == 0:
                torch.set_num_threads(_alone.threads)


def share_out(work: Callable[[int, int], None], items: int, samples: int) -> None:
    """Do items 0 to ``items``, of ``samples`` together, on at most as many threads as torch uses.

    Args:
        work: Does items ``first`` to ``last`` (not included) of compiled loops, which leave torch alone.
        items: Number of items.
        samples: What they amount to.
    """
    threads = min(thread_count(), items, samples // SAMPLES_PER_THREAD)
    if threads <= 1:
        work(0, items)
        return
    _drain(work, items, threads, alone=False)


def share_out_products(work: Callable[[int, int], None], items: int) -> None:
    """As `share_out`, for work that calls matrix products of torch: each thread then does its own."""
    threads = min(thread_count(), items)
    if threads <= 1:
        work(0, items)
        return
    with _torch_on_one_thread():
        _drain(work, items, threads, alone=True)


def _drain(work: Callable[[int, int], None], items: int, threads: int, *, alone: bool) -> None:
    pieces = min(items, PIECES_PER_THREAD * threads)
    edges = [items * k // pieces for k in range(pieces + 1)]
    queue = deque(pairwise(edges))

    def drain() -> None:
        while True:
            try:
                piece = queue.popleft()
            except IndexError:
                return
            work(*piece)

    def helper() -> None:
        if alone:
            torch.set_num_threads(1)
        with torch.no_grad():
            drain()

    helpers = [_pool(os.getpid()).submit(helper) for _ in range(threads - 1)]
    try:
        drain()
    finally:
        queue.clear()
        for waiting in helpers:
            waiting.result()


@lru_cache(maxsize=1)
def _pool(process: int) -> ThreadPoolExecutor:
    """Threads of this process; a forked one has to start its own."""
    return ThreadPoolExecutor(max_workers=max(1, (os.cpu_count() or 1) - 1), thread_name_prefix="ops")


class _Scratch(threading.local):
    """One buffer a name and thread, kept: fresh memory costs a page fault every 4 KiB."""

    def __init__(self) -> None:
        self.buffers: dict[str, Tensor] = {}


_scratch = _Scratch()


def scratch(name: str, size: int) -> Tensor:
    """A float32 buffer of this thread, with whatever was left in it; valid until the name is asked for again."""
    buffer = _scratch.buffers.get(name)
    if buffer is None or buffer.numel() < size:
        # An ordinary tensor, whoever asks first: the next one may need gradients.
        with torch.inference_mode(False):
            buffer = _scratch.buffers[name] = torch.empty(size)
    return buffer[:size]
