"""Photos out of the clipboard: a picture, a file that was copied, or the path of one as text.

Dear PyGui reads text alone. Pictures come through Pillow, which on Linux asks ``wl-paste`` or ``xclip``.
"""

import queue
import threading
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from PIL import Image, ImageGrab

from explorer.errors import PhotoError
from explorer.projection.photo import SUFFIXES, Photo, photo_of

__all__ = ["Pasting", "clipboard_photo", "photo_path"]

_NAME = "Pasted photo"
_NOTHING = "there is no photo in the clipboard: copy a picture, its file, or its path"
_NO_TOOL = "the clipboard cannot be looked into: install xclip (X11) or wl-clipboard (Wayland), or copy the file's path"


class Pasting:
    """Looks into the clipboard from a thread: who owns it may be slow to answer, or be this very window."""

    def __init__(self) -> None:
        self._came: queue.SimpleQueue[Photo | Path | PhotoError] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def begin(self, text: str) -> None:
        """Look for a photo; nothing happens while the clipboard still is to answer.

        Args:
            text: That of the clipboard, which only the window's thread may ask for.
        """
        if self._thread is None or not self._thread.is_alive():
            # Nothing waits for it when the window closes.
            self._thread = threading.Thread(target=self._look, args=(text,), name="clipboard", daemon=True)
            self._thread.start()

    def take(self) -> Photo | Path | PhotoError | None:
        """What was found, once: a photo, where one is, or why there is none; ``None`` while nothing came."""
        return None if self._came.empty() else self._came.get()

    def _look(self, text: str) -> None:
        try:
            self._came.put(clipboard_photo(text))
        except PhotoError as error:
            self._came.put(error)


def clipboard_photo(text: str) -> Photo | Path:
    """The photo in the clipboard, or the path of one.

    Args:
        text: That of the clipboard, empty where it holds none.

    Raises:
        PhotoError: There is none, or nothing on this machine can look.
    """
    path = photo_path(text.splitlines())
    if path is not None:
        return path
    try:
        found = ImageGrab.grabclipboard()
    except NotImplementedError:
        raise PhotoError(_NO_TOOL) from None
    except (OSError, SyntaxError, ValueError) as error:
        raise PhotoError(f"the clipboard's picture cannot be read: {error}") from None
    if isinstance(found, Image.Image):
        return photo_of(found, _NAME)
    path = photo_path(found or ())
    if path is None:
        raise PhotoError(_NOTHING)
    return path


def photo_path(lines: Sequence[str]) -> Path | None:
    """The first line that is the path or the ``file:`` address of a photo that exists."""
    for line in lines:
        address = urlsplit(line.strip())
        path = Path(url2pathname(address.path) if address.scheme == "file" else line.strip().strip("\"'"))
        if path.suffix.lower() in SUFFIXES and path.is_file():
            return path
    return None
