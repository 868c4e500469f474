"""The main window's side of the second window: starts its process, feeds it, notices its end."""

import contextlib
import json
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

from widgets.presentation.blocks import Pixels
from widgets.presentation.feed import Feed, Message
from widgets.presentation.placement import Rect

__all__ = ["Presentation"]

_ROOT = Path(__file__).resolve().parents[2]
_PATIENCE_S = 3.0


class Presentation:
    """One second window at a time. For one thread; nothing waits for the other process but `close`.

    Args:
        fail: Told, in words, when the second window did not open or did not end well.
    """

    def __init__(self, fail: Callable[[str], None]) -> None:
        self._fail = fail
        self._viewer: _Viewer | None = None
        self._shown: tuple[Pixels, bool] | None = None

    @property
    def is_open(self) -> bool:
        """Whether there is one, as far as `poll` knows."""
        return self._viewer is not None

    @property
    def pid(self) -> int | None:
        """Its process."""
        return None if self._viewer is None else self._viewer.pid

    def open(self, near: Rect) -> None:
        """Open it on another screen than the main window's, if there is one; nothing when it is open.

        Args:
            near: Where the main window is, in the pixels of the desktop.
        """
        if self._viewer is None:
            self._viewer = _Viewer(near)
            self._feed()

    def show(self, pixels: Pixels, *, smooth: bool) -> None:
        """Show a picture, ``[H, W, C]`` bytes that must not change any more; remembered while it is closed."""
        if self._shown is not None and self._shown[0] is pixels and self._shown[1] == smooth:
            return
        self._shown = (pixels, smooth)
        self._feed()

    def poll(self) -> bool:
        """Notice that it was closed; true when it was since the last call."""
        if self._viewer is None or not self._viewer.ended:
            return False
        viewer, self._viewer = self._viewer, None
        if problem := viewer.close():
            self._fail(f"the presentation window ended: {problem}")
        return True

    def close(self) -> None:
        """Close it and wait for the end of its process."""
        if self._viewer is not None:
            self._viewer.close()
            self._viewer = None

    def _feed(self) -> None:
        if self._viewer is not None and self._shown is not None:
            self._viewer.show(*self._shown)


class _Viewer:
    """The other process and the pipes to it. Its output is read in a thread of its own."""

    def __init__(self, near: Rect) -> None:
        command = [sys.executable, "-m", "widgets.presentation.viewer"]
        place = [str(round(side)) for side in (near.left, near.top, near.width, near.height)]
        self._process = subprocess.Popen(
            [*command, *place], cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.pid = self._process.pid
        self._problem = ""
        self._feed = Feed(self._tell)
        self._listener = threading.Thread(target=self._listen, name="presentation", daemon=True)
        self._listener.start()

    @property
    def ended(self) -> bool:
        """Whether the process has said its last word."""
        return not self._listener.is_alive()

    def show(self, pixels: Pixels, smooth: bool) -> None:
        """Pass a picture on."""
        try:
            self._feed.show(pixels, smooth=smooth)
        except OSError as error:
            self._give_up(error)

    def close(self) -> str:
        """End the process and give the memory back; says what was wrong, if anything."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        # What was still on its way to a process that is gone stays there.
        with contextlib.suppress(OSError):
            self._process.stdin.close()
        try:
            status = self._process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            status = self._process.wait()
        self._listener.join()
        self._process.stdout.close()
        self._feed.close()
        return self._problem or (f"its process ended with status {status}" if status else "")

    def _tell(self, message: Message) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message) + "\n")
        self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            message = json.loads(line)
            if message["event"] == "took":
                try:
                    self._feed.took()
                except OSError as error:
                    self._give_up(error)
            elif message["event"] == "failed":
                self._problem = str(message["reason"])

    def _give_up(self, error: OSError) -> None:
        # A pipe that broke is how a window that was closed looks from here; anything else is worth saying.
        if not isinstance(error, BrokenPipeError):
            self._problem = f"a picture could not be passed on: {error.strerror or error}"
        self._process.terminate()
