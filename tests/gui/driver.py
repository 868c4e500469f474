"""A hand, an eye and an ear for the real app: xdotool, screenshots of the X root, the testing channel."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from tests.gui.x_client import close_window, drop_files

__all__ = ["SCREEN", "App", "Point"]

REPOSITORY = Path(__file__).resolve().parents[2]
SCREEN = (1600, 1000)

Point = tuple[int, int]
_EDGE_PX = 6
# At the top of a docked window, where its tabs are.
_TABS_PX = 34


class App:
    """The app as a child process on a display; one a test, since a second context in one process crashes."""

    def __init__(
        self,
        display: str,
        settings: Path,
        *arguments: str | Path,
        first_start: bool = False,
        program: Sequence[str | Path] = ("main.py",),
        folder: Path = REPOSITORY,
        log: Path | None = None,
        **environment: str,
    ) -> None:
        """Start it.

        Args:
            display: Where, as X names it.
            settings: Folder of its settings and its journal.
            arguments: As on the command line.
            first_start: Whether the tour is still to be shown.
            program: What Python runs.
            folder: Where it is started.
            log: Takes what it says on standard error, which is the test's own without it.
            environment: Variables beside those of the test.
        """
        self.env = dict(os.environ, DISPLAY=display, PYTHONFAULTHANDLER="1", **environment)
        folders = ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
        self.env |= dict.fromkeys(folders, str(settings))
        for name in ("WAYLAND_DISPLAY", "GDK_SCALE", "GDK_DPI_SCALE", "QT_SCALE_FACTOR"):
            self.env.pop(name, None)
        kept = settings / "latent-explorer" / "settings.json"
        if not first_start and not kept.exists():
            kept.parent.mkdir(parents=True, exist_ok=True)
            kept.write_text(json.dumps({"version": 1, "tour_seen": True}))
        command = [sys.executable, *map(str, program), "window", "--test-channel", *map(str, arguments)]
        with contextlib.ExitStack() as stack:
            self._process = subprocess.Popen(
                command,
                env=self.env,
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stack.enter_context(log.open("w")) if log else None,
                text=True,
                bufsize=1,
            )
        self.plays = False
        """Whether something moves by itself, so that nothing settles; set while it does."""
        assert self._read() == {"event": "ready"}
        self.settle()

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        assert line, f"the app is gone, exit status {self._process.wait(10)}"
        answer: dict[str, Any] = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer

    def ask(self, op: str, **arguments: object) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"op": op, **arguments}) + "\n")
        return self._read()

    def settle(self, frames: int = 3) -> None:
        """Wait until nothing is being computed and the last picture is on screen."""
        self.ask("pass" if self.plays else "settle", n=frames)

    def wait_for(self, holds: Callable[[], bool], *, frames: int = 600) -> None:
        """Let frames pass until something holds: on a busy machine, keys arrive late."""
        for _ in range(frames // 5):
            if holds():
                return
            self.settle(5)
        raise AssertionError(f"it does not hold after {frames} frames; notices: {self.notices}")

    @property
    def notices(self) -> list[str]:
        """What the window says at the bottom of the picture, oldest first."""
        texts: list[str] = self.ask("notices")["texts"]
        return texts

    @property
    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = self.ask("state")["state"]
        return state

    @property
    def step(self) -> str:
        """The label of the newest step of the history."""
        return str(self.ask("state")["step"])

    def value(self, tag: str) -> Any:
        return self.ask("value", tag=tag)["value"]

    def enabled(self, tag: str) -> bool:
        return bool(self.ask("value", tag=tag)["enabled"])

    def frame(self, path: Path, op: str = "frame") -> npt.NDArray[np.uint8]:
        """The newest frame, or with ``card`` what the graphics card holds, ``[H, W, C]``."""
        shape = self.ask(op, path=str(path))["shape"]
        return np.frombuffer(path.read_bytes(), np.uint8).reshape(shape)

    def rect(self, tag: str | int) -> tuple[float, float, float, float]:
        left, top, width, height = self.ask("rect", tag=tag)["rect"]
        return left, top, width, height

    def screen(self) -> npt.NDArray[np.uint8]:
        """What a person sees, ``[H, W, 3]``."""
        png = subprocess.run(["import", "-window", "root", "png:-"], env=self.env, check=True, stdout=subprocess.PIPE)
        return np.asarray(Image.open(io.BytesIO(png.stdout)).convert("RGB"))

    def picture_on_screen(self) -> npt.NDArray[np.uint8]:
        """The part of the screen where the picture is, with no tooltip before it."""
        left, top, width, height = self.rect("status_fps")
        self.xdotool("mousemove", round(left + width + 200), round(top + height / 2))
        self.settle()
        left, top, width, height = (round(side) for side in self.ask("picture")["rect"])
        return self.screen()[top : top + height, left : left + width]

    @property
    def window_id(self) -> str:
        """The main window's number for X."""
        # The presentation window's name ends likewise, but belongs to another process.
        command = ["xdotool", "search", "--all", "--onlyvisible", "--pid", str(self._process.pid)]
        command += ["--name", "Latent Explorer$"]
        return subprocess.run(command, env=self.env, check=True, stdout=subprocess.PIPE, text=True).stdout.split()[0]

    def xdotool(self, *arguments: object) -> None:
        subprocess.run(["xdotool", *map(str, arguments)], env=self.env, check=True)
        # A question to the X server comes back only when it has sent out the events before.
        subprocess.run(["xdotool", "getmouselocation"], env=self.env, check=True, stdout=subprocess.DEVNULL)

    def front(self, place: int) -> None:
        self.ask("front", tag=place)
        self.settle()

    def _still(self, tag: str) -> tuple[float, float, float, float]:
        """Where an item has come to rest: what floats is measured, then placed, in the frames after it changed."""
        rect = self.rect(tag)
        for _ in range(20):
            self.ask("pass", n=1)
            last, rect = rect, self.rect(tag)
            if rect == last:
                return rect
        raise AssertionError(f"{tag} does not come to rest")

    def click(self, tag: str) -> None:
        left, top, width, height = self._still(tag)
        self.click_at((round(left + width / 2), round(top + height / 2)))

    def click_at(self, point: Point) -> None:
        self.xdotool("mousemove", *point)
        self.settle()
        self.xdotool("mousedown", 1)
        self.settle(2)
        self.xdotool("mouseup", 1)
        self.settle()

    def drag(self, start: Point, end: Point, steps: int = 6) -> None:
        self.xdotool("mousemove", *start)
        self.settle()
        self.xdotool("mousedown", 1)
        self.settle(2)
        for step in range(1, steps + 1):
            part = step / steps
            x, y = (round(a + (b - a) * part) for a, b in zip(start, end, strict=True))
            self.xdotool("mousemove", x, y)
            self.settle(2)
        self.xdotool("mouseup", 1)
        self.settle()

    def drag_slider(self, tag: str, start: float, end: float) -> None:
        """Drag across a slider, from and to a part of its width."""
        left, top, width, height = self.rect(tag)
        y = round(top + height / 2)
        self.drag((round(left + width * start), y), (round(left + width * end), y))

    def type_number(self, tag: str, text: str) -> None:
        """Type the value of a slider: a click with Ctrl held opens it."""
        self.xdotool("keydown", "ctrl")
        self.settle()
        self.click(tag)
        self.xdotool("keyup", "ctrl")
        self.settle()
        for press in (("keydown", "ctrl"), ("key", "a"), ("keyup", "ctrl")):
            self.xdotool(*press)
            self.settle()
        self.xdotool("type", "--delay", "1", text)
        self.settle(5 + 4 * len(text))
        self.keys("Return")

    def right_click(self, tag: str) -> None:
        left, top, width, height = self.rect(tag)
        self.xdotool("mousemove", round(left + width / 2), round(top + height / 2))
        self.settle()
        self.xdotool("click", 3)
        self.settle()

    def scroll_to(self, tag: str, within: str | int) -> None:
        """Turn the wheel over a list or a panel until the middle of an item in it, where clicks go, is seen well."""
        for _ in range(60):
            _, top, _, height = self.rect(tag)
            left, first, width, space = self.rect(within)
            above = _EDGE_PX if isinstance(within, str) else _TABS_PX
            if first + above <= top + height / 2 <= first + space - _EDGE_PX:
                return
            self.xdotool("mousemove", round(left + width / 2), round(first + space / 2))
            self.settle()
            self.xdotool("click", 5 if top + height / 2 > first + space / 2 else 4)
            # The list moves in the frame after the next, so a question right away would be answered too early.
            self.settle(5)
        raise AssertionError(f"{tag} does not come into sight")

    def keys(self, *keys: str) -> None:
        self.xdotool("key", *keys)
        self.settle()

    def type(self, tag: str, text: str) -> None:
        """Replace what a field holds, and press Enter."""
        self.click(tag)
        # Let go of Ctrl in a frame of its own: in the same one as the key, a busy window sees the key alone.
        for press in (("keydown", "ctrl"), ("key", "a"), ("keyup", "ctrl")):
            self.xdotool(*press)
            self.settle()
        self.xdotool("type", "--delay", "1", text)
        # Dear ImGui takes in about one key event a frame.
        self.settle(5 + 4 * len(text))
        self.keys("Return")

    def type_last(self, tag: str, text: str) -> None:
        """Type as `type` does what may end the app."""
        self.click(tag)
        for press in (("keydown", "ctrl"), ("key", "a"), ("keyup", "ctrl")):
            self.xdotool(*press)
            self.settle()
        self.xdotool("type", "--delay", "1", text)
        self.settle(5 + 4 * len(text))
        self.xdotool("key", "Return")

    def close_window(self) -> None:
        """Press the close button of the window's frame, as a window manager tells it."""
        close_window(self.env["DISPLAY"], self._process.pid)

    def close_second_window(self) -> None:
        """Close the presentation window, if it is open, by its frame's button."""
        for _ in range(300):
            pid = self.ask("presentation")["pid"]
            if pid is None:
                return
            # It may not be on screen yet.
            close_window(self.env["DISPLAY"], pid, missing_ok=True)
            self.ask("pass", n=5)
        raise AssertionError("the presentation window does not close")

    def drop(self, *paths: Path) -> None:
        """Drop files from another program on the window."""
        drop_files(self.env["DISPLAY"], self._process.pid, list(paths))

    def ended(self) -> int:
        """Wait for the app to end by itself; its exit status."""
        return self._process.wait(60)

    def quit(self) -> int:
        if self._process.poll() is None:
            self.ask("quit")
        self._close_streams()
        return self._process.wait(30)

    def kill(self) -> None:
        """End it as kill -9 does."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(30)
        self._close_streams()

    def _close_streams(self) -> None:
        for stream in (self._process.stdin, self._process.stdout):
            if stream is not None:
                stream.close()
            self._process.wait(10)
