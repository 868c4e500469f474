"""The status line: what is open, how it is shown, how fast, and what is under way."""

import time
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from widgets.controls import Kit, show_value
from widgets.status_jobs import JobsInStatus

if TYPE_CHECKING:
    from explorer.session import Frame

__all__ = ["FrameRate", "StatusLine"]


class FrameRate:
    """Frames a second, over the last half second."""

    def __init__(self) -> None:
        self.fps = 0.0
        """The newest reading."""
        self.drawn_s = time.perf_counter()
        """When the newest frame was drawn, in seconds of `time.perf_counter`."""
        self.resting = False
        """Whether the window sleeps because nothing happens."""
        self._since_s = self.drawn_s
        self._frames = 0

    def tick(self) -> None:
        """Count a frame."""
        self._frames += 1
        self.drawn_s = time.perf_counter()
        elapsed_s = self.drawn_s - self._since_s
        if elapsed_s >= 0.5:
            self.fps = self._frames / elapsed_s
            self.rest()

    def rest(self) -> None:
        """Start counting anew: the window slept because nothing happened."""
        self._frames = 0
        self._since_s = time.perf_counter()


class StatusLine:
    """One line at the bottom."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        quiet = (*kit.look.palette.quiet, 255)
        with dpg.group(horizontal=True, horizontal_spacing=kit.look.px(18)):
            dpg.add_text("", tag="status_model")
            for name in ("size", "zoom", "render", "fps"):
                dpg.add_text("", tag=f"status_{name}", color=quiet)
            self._jobs = JobsInStatus(kit)

    def refresh(self, frame: "Frame | None", zoom: float, fps: float | None) -> None:
        """Show the newest numbers; ``fps`` is ``None`` while the window rests."""
        session = self._kit.session
        spec = session.spec
        name = session.model_name or "No model open"
        show_value("status_model", f"{name} *" if spec and session.is_dirty else name)
        show_value("status_size", f"{spec.resolution[1]} × {spec.resolution[0]}" if spec else "")
        show_value("status_zoom", f"{zoom:.3g}×" if spec and zoom else "")
        timings = frame.timings if frame else None
        render = f"render {(timings.finished_s - timings.started_s) * 1000:.0f} ms" if timings else ""
        show_value("status_render", render if spec else "")
        show_value("status_fps", "idle" if fps is None else f"{fps:.0f} fps")
        self._jobs.refresh(session.jobs)
