"""Photos out of the clipboard: a picture, a file that was copied, or the path of one as text.

Dear PyGui reads text alone, and ends the program where the clipboard holds none. Pictures come through Pillow, which on
Linux asks ``wl-paste`` or ``xclip``; text is asked of the same.
"""

import os
import queue
import shutil
import subprocess
import threading
import time
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
_NO_TOOL = "the clipboard cannot be looked into: install xclip (X11) or wl-clipboard (Wayland)"
_PATIENCE_S = 5.0


class Pasting:
    """Looks into the clipboard from a thread: who owns it may be slow to answer, or be this very window."""

    def __init__(self) -> None:
        self._came: queue.SimpleQueue[Photo | Path | PhotoError] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._since_s = 0.0

    def begin(self) -> None:
        """Look for a photo; nothing happens while the clipboard still is to answer, for a few seconds."""
        now_s = time.monotonic()
        if self._thread is not None and self._thread.is_alive():
            if now_s - self._since_s > _PATIENCE_S:
                self._came.put(PhotoError("who owns the clipboard does not answer: copy again, then paste"))
                self._thread = None
        else:
            self._since_s = now_s
            # Nothing waits for it when the window closes.
            self._thread = threading.Thread(target=self._look, name="clipboard", daemon=True)
            self._thread.start()

    def take(self) -> Photo | Path | PhotoError | None:
        """What was found, once: a photo, where one is, or why there is none; ``None`` while nothing came."""
        return None if self._came.empty() else self._came.get()

    def _look(self) -> None:
        try:
            self._came.put(clipboard_photo())
        except PhotoError as error:
            self._came.put(error)
        except Exception as error:
            # Whatever a stranger put there: a paste that fails says so.
            self._came.put(PhotoError(f"the clipboard cannot be read: {error}"))


def clipboard_photo() -> Photo | Path:
    """The photo in the clipboard, or the path of one. Waits for who owns the clipboard.

    Raises:
        PhotoError: There is none, or nothing on this machine can look.
    """
    try:
        found = ImageGrab.grabclipboard()
    except NotImplementedError:
        raise PhotoError(_NO_TOOL) from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise PhotoError(f"the clipboard's picture cannot be read: {error}") from None
    if isinstance(found, Image.Image):
        return photo_of(found, _NAME)
    path = photo_path(found if found is not None else _text().splitlines())
    if path is None:
        raise PhotoError(_NOTHING)
    return path


def photo_path(lines: Sequence[str]) -> Path | None:
    """The first line that is the path or the ``file:`` address of a photo that exists."""
    for line in lines:
        try:
            address = urlsplit(line.strip())
            path = Path(url2pathname(address.path) if address.scheme == "file" else line.strip().strip("\"'"))
            if path.suffix.lower() in SUFFIXES and path.is_file():
                return path
        except (ValueError, OSError):
            # An address that is none, or too long for a path.
            continue
    return None


def _text() -> str:
    """The text in the clipboard; empty where there is none, or nothing to ask."""
    wayland = ("wl-paste", "--no-newline", "--type", "text")
    commands = (*([wayland] if os.environ.get("WAYLAND_DISPLAY") else ()), ("xclip", "-selection", "clipboard", "-o"))
    for command in (*commands, ("pbpaste",)):
        if shutil.which(command[0]) is not None:
            try:
                said = subprocess.run(command, capture_output=True, timeout=_PATIENCE_S, check=False)
            except (OSError, subprocess.TimeoutExpired):
                return ""
            return said.stdout.decode(errors="replace")
    return ""
