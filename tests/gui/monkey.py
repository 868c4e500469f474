"""A hand that does anything: seeded random moves, clicks, drags, wheel turns, keys and typing over every panel.

    python -m tests.gui.monkey [--events 5000] [--seed 0] [--seed 1 ...] [--write FILE]

runs longer than the test suite has time for. Events go through the XTest extension in one connection: no process to
start for each.
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from Xlib import XK, X
from Xlib.display import Display
from Xlib.ext import xtest

from tests.benchmarks.latency import machine, virtual_display
from tests.gui.driver import REPOSITORY, App
from widgets.layout import Place

__all__ = ["Hand", "Monkey", "Resources"]

_LEFT, _MIDDLE, _RIGHT, _WHEEL_UP, _WHEEL_DOWN = range(1, 6)
_TEXT = "abcXYZ019 .,-+*/\\_:;'\"~%(){}[]<>=?!éß"
_KEYS = (
    *("Return", "Escape", "Tab", "BackSpace", "Delete", "Home", "End", "Prior", "Next", "space"),
    *("Left", "Right", "Up", "Down", "F1", "F2", "F5", "F11", "F12", "r", "plus", "minus"),
)
_COMBINATIONS = (
    *("z", "y", "Z", "z", "y", "c", "C", "o", "s", "S", "q", "a", "x", "v"),
    *("0", "1", "plus", "minus", "Tab", "Home", "End"),
)


class Hand:
    """Mouse and keyboard of a display."""

    def __init__(self, display: str) -> None:
        self._display = Display(display)
        self._codes: dict[int, tuple[int, bool]] = {}
        for code in range(8, 256):
            for place in (1, 0):
                keysym = self._display.keycode_to_keysym(code, place)
                if keysym:
                    self._codes[keysym] = (code, place == 1)

    def move(self, x: int, y: int) -> None:
        xtest.fake_input(self._display, X.MotionNotify, x=x, y=y)

    def button(self, button: int, down: bool) -> None:
        xtest.fake_input(self._display, X.ButtonPress if down else X.ButtonRelease, button)

    def control(self, down: bool) -> None:
        xtest.fake_input(self._display, X.KeyPress if down else X.KeyRelease, self._codes[XK.XK_Control_L][0])

    def press(self, name: str, *, control: bool = False) -> None:
        """Press and let go of a key, by its name in X or the letter that it writes."""
        found = self._codes.get(XK.string_to_keysym(name) or ord(name))
        if found is None:
            return
        code, shift = found
        held = [self._codes[XK.XK_Control_L][0]] * control + [self._codes[XK.XK_Shift_L][0]] * shift
        for key in (*held, code):
            xtest.fake_input(self._display, X.KeyPress, key)
        for key in (code, *reversed(held)):
            xtest.fake_input(self._display, X.KeyRelease, key)

    def flush(self) -> None:
        """Return when the server has sent out all of it."""
        self._display.sync()

    def close(self) -> None:
        self._display.close()


@dataclass(frozen=True)
class Resources:
    """What the app holds, as the testing channel counts it."""

    rss_bytes: int
    heap_bytes: int
    objects: int
    gl: dict[str, int]
    items: int
    threads: int
    files: int

    @classmethod
    def of(cls, app: App) -> "Resources":
        answer = app.ask("resources")
        return cls(**answer)


@dataclass
class Monkey:
    """Does one random thing after the other to an app.

    Args:
        app: What it plays with; in `tests.gui.confined`, since it would quit and write anywhere.
        display: Where.
        seed: Of everything it does.
        models: Dropped on the window by turns, so that models switch.
        every: After how many events another model is dropped.
    """

    app: App
    display: str
    seed: int
    models: Sequence[Path]
    every: int = 150
    events: int = 0
    """How many it did."""
    size: tuple[int, int] = (1280, 800)
    """Of the window."""
    rect: tuple[float, float, float, float] = (0, 0, 1, 1)
    """Where most happens now: the panel in front."""
    last: list[str] = field(default_factory=list)
    """What it did last, to be read when something broke."""

    def __post_init__(self) -> None:
        # Random hands start animations, and while one plays nothing settles.
        self.app.plays = True
        self._random = random.Random(self.seed)
        self._hand = Hand(self.display)
        actions: tuple[tuple[int, Callable[[], int]], ...] = (
            (22, self._move),
            (30, self._click),
            (4, self._double_click),
            (6, self._click_with_control),
            (16, self._drag),
            (8, self._wheel),
            (5, self._right_click),
            (3, self._middle_drag),
            (10, self._key),
            (6, self._combination),
            (4, self._type),
        )
        self._weights, self._actions = zip(*actions, strict=True)

    def play(self, events: int) -> None:
        """Do that many things."""
        for _ in range(events):
            if self.events % 40 == 0:
                self._look_elsewhere()
            if self.events % self.every == 0:
                turn = self.events // self.every % len(self.models)
                self._note(f"drop {self.models[turn].name}")
                self.app.drop(self.models[turn])
            (action,) = self._random.choices(self._actions, self._weights)
            frames = action()
            self._hand.flush()
            if frames:
                self.app.ask("pass", n=frames)
            self.events += 1

    def rest(self) -> None:
        """Leave everything alone: no dialog, no second window, nothing plays, the first model open."""
        app = self.app
        for _ in range(4):
            self._hand.press("Escape")
            self._hand.flush()
            app.ask("pass", n=3)
        self._leave_second_window()
        # Another model ends what plays, and the first has no transform to go on playing.
        for model in (*self.models[1:], self.models[0]):
            app.drop(model)
            app.wait_for(lambda wanted=model.stem: app.ask("state")["model"] == wanted)
        app.plays = False
        app.settle(20)
        app.plays = True

    def close(self) -> None:
        self._hand.close()

    def _look_elsewhere(self) -> None:
        """Close what is in the way, and bring a random panel to the front; most that follows happens there."""
        self._leave_second_window()
        for _ in range(2):
            self._hand.press("Escape")
            self._hand.flush()
            self.app.ask("pass", n=3)
        place = self._random.choice([place for place in Place if place is not Place.STATUS])
        if self.app.ask("exists", tag=place)["exists"]:
            self.app.ask("front", tag=place)
            self.app.ask("pass", n=2)
            self.rect = self.app.rect(place)
            self._note(f"front {place.name}")

    def _leave_second_window(self) -> None:
        # It lies over the main window and would take all that follows.
        if self.app.ask("presentation")["pid"] is not None:
            self._note("leave the second window")
            self.app.close_second_window()

    def _point(self) -> tuple[int, int]:
        width, height = self.size
        if self._random.random() < 0.25:
            return self._random.randrange(width), self._random.randrange(height)
        left, top, across, down = self.rect
        x, y = left + self._random.random() * across, top + self._random.random() * down
        return min(max(round(x), 0), width - 1), min(max(round(y), 0), height - 1)

    def _note(self, what: str) -> None:
        self.last = [*self.last[-59:], f"{self.events}: {what}"]

    def _go(self, what: str) -> tuple[int, int]:
        point = self._point()
        self._hand.move(*point)
        self._note(f"{what} {point}")
        return point

    def _move(self) -> int:
        self._go("move")
        # The next event brings frames with it.
        return 0

    def _press(self, button: int = _LEFT) -> None:
        self._hand.button(button, True)
        self._hand.button(button, False)

    def _click(self) -> int:
        self._go("click")
        self._press()
        return 1

    def _double_click(self) -> int:
        self._go("double click")
        self._press()
        self._press()
        return 3

    def _click_with_control(self) -> int:
        self._go("ctrl+click")
        self._hand.control(True)
        self._press()
        self._hand.control(False)
        return 2

    def _right_click(self) -> int:
        self._go("right click")
        self._press(_RIGHT)
        return 1

    def _wheel(self) -> int:
        self._go("wheel")
        for _ in range(self._random.randint(1, 6)):
            self._press(self._random.choice((_WHEEL_UP, _WHEEL_DOWN)))
        return 1

    def _drag(self, button: int = _LEFT) -> int:
        start = self._go("drag")
        self._hand.button(button, True)
        self._hand.flush()
        self.app.ask("pass", n=1)
        end = self._point() if self._random.random() < 0.3 else None
        reach = self._random.choice((4, 40, 200))
        for step in range(1, 4):
            if end is None:
                x, y = (value + self._random.randint(-reach, reach) for value in start)
            else:
                x, y = (round(a + (b - a) * step / 3) for a, b in zip(start, end, strict=True))
            self._hand.move(max(x, 0), max(y, 0))
            self._hand.flush()
            self.app.ask("pass", n=1)
        self._hand.button(button, False)
        return 1

    def _middle_drag(self) -> int:
        return self._drag(_MIDDLE)

    def _key(self) -> int:
        key = self._random.choice(_KEYS)
        self._note(f"key {key}")
        self._hand.press(key)
        return 1

    def _combination(self) -> int:
        key = self._random.choice(_COMBINATIONS)
        self._note(f"ctrl+{key}")
        self._hand.press(key, control=True)
        return 2

    def _type(self) -> int:
        text = "".join(self._random.choices(_TEXT, k=self._random.randint(1, 8)))
        self._note(f"type {text!r}")
        for letter in text:
            self._hand.press(letter)
        return len(text)


MODELS = tuple(
    Path(__file__).resolve().parents[1] / "golden" / "nets" / name for name in ("sg2_64_rgb.pkl", "sg3t_32_cond4.pkl")
)


@dataclass(frozen=True)
class Played:
    """What came of a game."""

    counts: tuple[Resources, ...]
    """After each part, at rest."""
    status: int
    """Of the app, at its end."""
    log: str
    """What it said on standard error."""


def play(display: str, folder: Path, *, seed: int, events: int, parts: int) -> Played:
    """Let a monkey play with an app that can harm nothing.

    Args:
        display: Where.
        folder: An empty one, the only one that is written to.
        seed: Of what it does.
        events: How many in all.
        parts: How often it is counted what the app holds, after equally many of them.
    """
    models = [folder / model.name for model in MODELS]
    for model, copy in zip(MODELS, models, strict=True):
        copy.write_bytes(model.read_bytes())
    log = folder / "stderr.txt"
    app = App(
        display,
        folder / "settings",
        models[0],
        program=("-m", "tests.gui.confined", folder),
        folder=folder,
        log=log,
        PYTHONPATH=str(REPOSITORY),
        HOME=str(folder),
        TMPDIR=str(folder),
        PYTHONDONTWRITEBYTECODE="1",
    )
    monkey = Monkey(app, display, seed, models)
    try:
        counts = []
        for _ in range(parts):
            monkey.play(events // parts)
            monkey.rest()
            counts.append(Resources.of(app))
            print(f"seed {seed}, {monkey.events} events: {counts[-1]}", flush=True)
        return Played(tuple(counts), app.quit(), log.read_text())
    except BaseException:
        print(f"seed {seed}, the last of {monkey.events} events:", *monkey.last, log.read_text(), sep="\n")
        raise
    finally:
        monkey.close()
        app.kill()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--events", type=int, default=5000)
    parser.add_argument("--seed", type=int, action="append")
    parser.add_argument("--parts", type=int, default=10, help="how often it is counted what the app holds")
    parser.add_argument("--write", type=Path, metavar="FILE", help="keep what came of it, under the seed, as JSON")
    options = parser.parse_args()
    for seed in options.seed or [0]:
        with virtual_display() as display, tempfile.TemporaryDirectory() as folder:
            begin_s = time.perf_counter()
            played = play(display, Path(folder), seed=seed, events=options.events, parts=options.parts)
            taken_s = time.perf_counter() - begin_s
            print(f"seed {seed}: {taken_s:.0f} s, exit status {played.status}")
            print(played.log, flush=True)
        if options.write is not None:
            kept = json.loads(options.write.read_text()) if options.write.exists() else {"machine": machine()}
            kept[f"seed {seed}"] = {
                "events": options.events,
                "seconds": round(taken_s),
                "exit_status": played.status,
                "standard_error": played.log.splitlines(),
                "held": [asdict(counts) for counts in played.counts],
            }
            options.write.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
