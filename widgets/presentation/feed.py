"""Which picture the other process gets: always the newest, never one that is being written.

The memory belongs to the writer until it tells of a picture, and to the reader until that says that it took it.
Both words go through pipes, which order memory on every processor, so no picture is ever seen half-written; and a
reader that is slow gets fewer pictures, none of them old.
"""

import threading
from collections.abc import Callable
from dataclasses import asdict

from widgets.presentation.blocks import BlockWriter, Pixels

__all__ = ["Feed", "Message"]

Message = dict[str, object]


class Feed:
    """The writer's end. Safe to use from any thread.

    Args:
        tell: Sends a message to the reader; may raise `OSError` when it is gone.
    """

    def __init__(self, tell: Callable[[Message], None]) -> None:
        self._tell = tell
        self._lock = threading.Lock()
        self._block = BlockWriter()
        self._reading = False
        self._waiting: tuple[Pixels, bool] | None = None
        self._closed = False

    def show(self, pixels: Pixels, *, smooth: bool) -> None:
        """Let the reader show a picture; never waits for it.

        Args:
            pixels: ``[H, W, C]`` bytes, C being 1, 3 or 4; they must not change any more.
            smooth: Whether to interpolate where it is enlarged.

        Raises:
            OSError: The reader is gone, or there is no memory left.
        """
        with self._lock:
            self._waiting = (pixels, smooth)
            self._go_on()

    def took(self) -> None:
        """The reader is done with what it was told of.

        Raises:
            OSError: As in `show`, for the picture that waited.
        """
        with self._lock:
            self._reading = False
            self._go_on()

    def close(self) -> None:
        """Give the memory back."""
        with self._lock:
            self._closed = True
            self._block.close()

    def _go_on(self) -> None:
        if self._reading or self._closed or self._waiting is None:
            return
        (pixels, smooth), self._waiting = self._waiting, None
        picture = self._block.write(pixels)
        self._reading = True
        self._tell({"op": "show", "picture": asdict(picture), "smooth": smooth})
