"""A box for one item: a newer item replaces one that still waits."""

import threading
from typing import Generic, TypeVar

__all__ = ["Mailbox"]

Item = TypeVar("Item")


class Mailbox(Generic[Item]):
    """Passes the newest item from any thread to any thread."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._item: Item | None = None
        self._woken = False
        self._closed = False

    def put(self, item: Item) -> None:
        """Leave an item, replacing one that nobody took."""
        with self._changed:
            self._item = item
            self._changed.notify_all()

    def take(self, *, wait: bool = False) -> Item | None:
        """The item, or ``None``. With ``wait``, blocks until there is one, `wake` is called or the box closes."""
        with self._changed:
            if wait:
                self._changed.wait_for(lambda: self._item is not None or self._woken or self._closed)
                self._woken = False
            item, self._item = self._item, None
            return item

    def peek(self) -> Item | None:
        """The item, which stays."""
        with self._changed:
            return self._item

    def wake(self) -> None:
        """Let a waiting `take` return without an item, now or the next time."""
        with self._changed:
            self._woken = True
            self._changed.notify_all()

    def close(self) -> None:
        """Let every `take` return at once, from now on."""
        with self._changed:
            self._closed = True
            self._item = None
            self._changed.notify_all()

    @property
    def closed(self) -> bool:
        """Whether `close` was called."""
        return self._closed
