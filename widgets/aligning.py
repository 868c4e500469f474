"""Looks for the face in a photo from a thread, so that the window goes on."""

import queue
import threading

from explorer.projection.faces import aligned
from explorer.projection.photo import Photo

__all__ = ["Aligning"]


class Aligning:
    """One photo after the other; what is still to come of an earlier one is dropped by whoever takes it."""

    def __init__(self) -> None:
        self._came: queue.SimpleQueue[tuple[Photo, Photo | None]] = queue.SimpleQueue()
        self._wanted: Photo | None = None

    def begin(self, photo: Photo) -> None:
        """Look for the face in a photo."""
        self._wanted = photo
        # Nothing waits for it when the window closes.
        threading.Thread(target=lambda: self._came.put((photo, aligned(photo))), name="face", daemon=True).start()

    def forget(self) -> None:
        """Nothing is wanted any more."""
        self._wanted = None

    @property
    def looks(self) -> bool:
        """Whether an answer is still to come."""
        return self._wanted is not None

    def take(self) -> tuple[Photo, Photo | None] | None:
        """The photo last given and its face, ``None`` where is none, once; ``None`` while nothing came."""
        while not self._came.empty():
            photo, face = self._came.get()
            if photo is self._wanted:
                self._wanted = None
                return photo, face
        return None
