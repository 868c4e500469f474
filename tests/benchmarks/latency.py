"""From the hand to the pixels: the real app on a virtual display, dragged by events of the X server.

    python -m tests.benchmarks.latency [--checkpoint FILE] [--seconds 5] [--write NAME]

A drag sends 60 mouse moves a second to one control at a time. The latency of a move is the time from sending the
event to the end of the window frame that shows a picture asked for after it, so waiting for the window, mapping,
synthesis, upload and drawing are all in it. Frames a second are those of the window while the drag goes on. Needs
Xvfb and the library of the XTest extension, which xdotool brings. With ``--write`` the results go to
``results/latency.json`` under a name, with the machine and the versions. Where other work cannot be stopped,
``chrt -r 5 python -m ...`` (as root) puts the run before it.
"""

import argparse
import ctypes
import json
import os
import platform
import subprocess
import tempfile
import time
from bisect import bisect_left
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path

from tests.gui.driver import App

RESULTS = Path(__file__).resolve().parent / "results" / "latency.json"
MOVES_A_SECOND = 60
WARM_UP_S = 1.0
LEFT_BUTTON = 1


@dataclass(frozen=True)
class Control:
    """What is dragged, and the path of the hand over it, in parts of its width and height."""

    name: str
    tag: str
    start: tuple[float, float]
    end: tuple[float, float]


CONTROLS = [
    Control("seed pad", "seed_pad", (0.2, 0.3), (0.8, 0.7)),
    Control("picture", "picture", (0.3, 0.5), (0.7, 0.5)),
    Control("psi", "psi", (0.3, 0.5), (0.8, 0.5)),
    Control("W slider", "w0", (0.3, 0.5), (0.7, 0.5)),
]


class Hand:
    """Sends mouse events through the XTest extension: no process to start for each."""

    def __init__(self, display: str) -> None:
        self._x11 = ctypes.CDLL("libX11.so.6")
        self._xtest = ctypes.CDLL("libXtst.so.6")
        self._x11.XOpenDisplay.restype = ctypes.c_void_p
        self._x11.XOpenDisplay.argtypes = [ctypes.c_char_p]
        self._x11.XFlush.argtypes = [ctypes.c_void_p]
        self._xtest.XTestFakeMotionEvent.argtypes = [ctypes.c_void_p, *[ctypes.c_int] * 3, ctypes.c_ulong]
        self._xtest.XTestFakeButtonEvent.argtypes = [ctypes.c_void_p, ctypes.c_uint, ctypes.c_int, ctypes.c_ulong]
        self._connection = self._x11.XOpenDisplay(display.encode())

    def move(self, x: int, y: int) -> float:
        """Move the mouse; when that was, in seconds of `time.perf_counter`."""
        now_s = time.perf_counter()
        self._xtest.XTestFakeMotionEvent(self._connection, -1, x, y, 0)
        self._x11.XFlush(self._connection)
        return now_s

    def button(self, down: bool) -> None:
        self._xtest.XTestFakeButtonEvent(self._connection, LEFT_BUTTON, int(down), 0)
        self._x11.XFlush(self._connection)


@contextmanager
def virtual_display(width: int = 1280, height: int = 800) -> Iterator[str]:
    """A display without a screen; its name for X."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    with os.fdopen(reading) as numbers:
        number = numbers.readline().strip()
    try:
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(10)


def drag(app: App, hand: Hand, control: Control, seconds: float) -> dict[str, object]:
    """Drag to and fro, and measure."""
    left, top, width, height = app.rect(control.tag)

    def at(part: float) -> tuple[int, int]:
        x, y = (a + (b - a) * part for a, b in zip(control.start, control.end, strict=True))
        return round(left + width * x), round(top + height * y)

    hand.move(*at(0))
    app.settle(5)
    hand.button(down=True)
    moves = []
    begin_s = time.perf_counter()
    # Two seconds a turn, so that neighbouring moves differ by some pixels.
    while (elapsed_s := time.perf_counter() - begin_s) < WARM_UP_S + seconds:
        moves.append(hand.move(*at(abs((elapsed_s / 2) % 2 - 1))))
        time.sleep(max(0.0, begin_s + len(moves) / MOVES_A_SECOND - time.perf_counter()))
    hand.button(down=False)
    app.settle(5)
    log = app.ask("log")
    since_s, until_s = begin_s + WARM_UP_S, moves[-1]
    return summary(
        [move for move in moves if move >= since_s],
        [(requested, finished, shown) for requested, finished, shown in log["shown"] if requested >= begin_s],
        [tick for tick in log["ticks"] if since_s <= tick <= until_s],
    )


def summary(moves: list[float], shown: list[tuple[float, float, float]], ticks: list[float]) -> dict[str, object]:
    """Latencies of moves and intervals of frames, in milliseconds."""
    requested = [request for request, _, _ in shown]
    latencies = []
    for move in moves:
        place = bisect_left(requested, move)
        if place < len(shown):
            latencies.append((shown[place][2] - move) * 1000)
    intervals = [(b - a) * 1000 for a, b in pairwise(ticks)]
    halves = [sum(start <= tick < start + 0.5 for tick in ticks) * 2 for start in ticks if start + 0.5 <= ticks[-1]]
    return {
        "moves": len(moves),
        "pictures_a_second": round(
            sum(moves[0] <= at_s <= moves[-1] for _, _, at_s in shown) / (moves[-1] - moves[0]), 1
        ),
        "latency_ms": spread(latencies),
        "request_to_pixels_ms": spread([(finished - request) * 1000 for request, finished, _ in shown]),
        "frame_interval_ms": spread(intervals),
        "fps_mean": round(len(ticks) / (ticks[-1] - ticks[0]), 1),
        "fps_lowest_half_second": min(halves),
    }


def spread(values: list[float]) -> dict[str, float]:
    ordered = sorted(values)
    return {
        name: round(ordered[min(len(ordered) - 1, int(len(ordered) * part))], 1)
        for name, part in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99), ("max", 1.0))
    }


def machine() -> dict[str, object]:
    names = [
        line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    return {
        "cpu": names[0] if names else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "scheduling": "real-time" if os.sched_getscheduler(0) in (os.SCHED_RR, os.SCHED_FIFO) else "ordinary",
        "load_before": round(os.getloadavg()[0], 2),
        "system": platform.platform(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("torch", "numba", "numpy", "dearpygui")},
        "graphics": "Xvfb 1280x800, Mesa llvmpipe",
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--checkpoint", default=None, help="the bundled model without one")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--write", metavar="NAME", help=f"keep the results in {RESULTS.name} under this name")
    options = parser.parse_args()
    about = machine()
    with virtual_display() as display, tempfile.TemporaryDirectory() as settings:
        app = App(display, Path(settings), *([options.checkpoint] if options.checkpoint else []))
        hand = Hand(display)
        answer = app.ask("state")
        results = {control.name: drag(app, hand, control, options.seconds) for control in CONTROLS}
        app.quit()
    report = {"machine": about, "model": answer["model"], "drags": results}
    print(json.dumps(report, indent=2))
    if options.write:
        kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        RESULTS.write_text(json.dumps({**kept, options.write: report}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
