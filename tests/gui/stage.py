"""What a scene is, and what it plays on: `scenes` has all of them, `screenshot` takes their pictures.

A scene is a generator: it brings the app somewhere, yields what there is to see, and leaves the app as it found it
wherever another scene would mind.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.gui.driver import REPOSITORY, App
from widgets.history_rows import ROW_PX

__all__ = ["NETS", "SAMPLE", "Scene", "Shot", "Stage"]

NETS = REPOSITORY / "tests" / "golden" / "nets"
SAMPLE = REPOSITORY / "assets" / "datasets" / "toons-sample.zip"
_THUMBNAILS = 20


@dataclass(frozen=True)
class Shot:
    """One picture."""

    name: str
    """Of its file."""
    area: int | str | None = None
    """The item that the guide shows; the whole window when ``None``."""
    guide: bool = False
    """Whether it is one of the guide's."""
    height_px: int | None = None
    """How much of the area, in pixels of the design; all of it when ``None``."""


@dataclass(frozen=True)
class Stage:
    """What a scene plays on."""

    app: App
    """The window."""
    folder: Path
    """For files of its own."""
    scale: float
    """Pixels on screen for one of the design."""

    def px(self, design_px: float) -> int:
        """Pixels on screen."""
        return round(design_px * self.scale)

    def away(self) -> None:
        """Take the mouse where it explains nothing, and wait for small pictures."""
        left, top, width, height = self.app.rect("status_fps")
        self.app.xdotool("mousemove", round(left + width + self.px(300)), round(top + height / 2))
        self.app.settle(_THUMBNAILS)

    def leave_alone_until(self, holds: Callable[[], bool]) -> None:
        """Wait for what takes minutes: asking all the time would take the processor from it."""
        while not holds():
            time.sleep(0.5)
            self.app.settle(2)

    def click_row(self, row: int, from_right: float = 0.0) -> None:
        """Click a step of the history, from the top, in its middle or at a button at its end."""
        left, top, width, _ = self.app.rect("history_rows")
        x = left + (width - self.px(from_right) if from_right else width / 2)
        self.app.click_at((round(x), round(top + self.px((row + 0.5) * ROW_PX))))

    def shot(
        self, name: str, area: int | str | None = None, *, guide: bool = False, height_px: int | None = None
    ) -> Shot:
        """What there is to see now, with the mouse away."""
        self.away()
        return Shot(name, area, guide, height_px)


Play = Callable[[Stage], Iterator[Shot]]


@dataclass(frozen=True)
class Scene:
    """A play, and what it needs."""

    play: Play
    """Yields shots."""
    model: str = ""
    """Of the golden nets; the bundled model when empty."""
    first_start: bool = False
    """Whether the tour is to be shown."""
    after_crash: bool = False
    """Whether the app is killed in the middle of an edit first, and started again."""

    @property
    def name(self) -> str:
        """That of its play."""
        return self.play.__name__
