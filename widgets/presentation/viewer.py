"""The process of the second window: waits for a hand or a picture, draws, and is otherwise asleep.

``python -m widgets.presentation.viewer LEFT TOP WIDTH HEIGHT`` with the place of the main window, which talks to it
through standard input and output, a line of JSON each. It ends when its input does.
"""

import json
import os
import queue
import sys
import threading
import time
from typing import Any

__all__ = ["main"]

_GRACE_S = 5.0


def main(arguments: list[str]) -> int:
    """Show what standard input tells of until it ends or the window is closed."""
    if sys.platform.startswith("linux"):
        # The same way to OpenGL for the window and for the calls, under Wayland too.
        os.environ["PYGLFW_LIBRARY_VARIANT"] = "x11"
        os.environ["PYOPENGL_PLATFORM"] = "glx"

    from widgets.presentation.blocks import BlockReader, Picture
    from widgets.presentation.placement import Rect
    from widgets.presentation.screen import Screen, ScreenError

    try:
        screen = Screen(Rect(*map(float, arguments)))
    except ScreenError as error:
        _say({"event": "failed", "reason": str(error)})
        return 1
    commands: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(commands, screen), daemon=True).start()
    blocks = BlockReader()
    try:
        while not screen.is_closed:
            while not commands.empty():
                command = commands.get()
                if command is None:
                    return 0
                place = command["picture"]
                with blocks.view(Picture(place["block"], tuple(place["shape"]))) as pixels:
                    screen.upload(pixels, smooth=command["smooth"])
                    # A view that outlives its block would keep the memory from being given back.
                    del pixels
                _say({"event": "took"})
            screen.draw()
            if commands.empty():
                screen.wait()
        return 0
    finally:
        blocks.close()
        screen.close()


def _say(message: dict[str, object]) -> None:
    try:
        print(json.dumps(message), flush=True)
    except BrokenPipeError:
        # The main window is gone, which the end of standard input tells too.
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115


def _listen(commands: "queue.SimpleQueue[dict[str, Any] | None]", screen: Any) -> None:
    # Not `sys.stdin` itself: Python cannot end in good order while a thread waits for that.
    with os.fdopen(os.dup(sys.stdin.fileno()), encoding="utf-8") as lines:
        for line in lines:
            commands.put(json.loads(line))
            screen.wake()
    commands.put(None)
    screen.wake()
    # A driver may hold the drawing thread for as long as the window cannot be seen.
    time.sleep(_GRACE_S)
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
