"""Performance: how long a picture takes, where the time and the memory go, and which kernels serve."""

from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec
from widgets.controls import Kit, caption_row, heading, show_value, tooltip
from widgets.panels.latency_plot import LatencyPlot
from widgets.performance_words import (
    Latencies,
    compute_words,
    kernel_lines,
    latency_words,
    memory_lines,
    stage_lines,
)
from widgets.status import FrameRate

if TYPE_CHECKING:
    from explorer.session import Frame

__all__ = ["PerformancePanel"]

_EVERY_S = 0.25
_CAPTION_PX = 86
_FIRST = (
    "From the moment that the window sees a hand to the first pixels on screen that answer it, which may be coarse. "
    "The newest, the median and the 95th percentile of the last 120 pictures."
)
_FULL = "The same, to the full picture."
_KERNELS = (
    "Which code computed what, counted in the newest picture of which something was computed: compiled loops (numba), "
    "CUDA kernels, or torch. Plain convolutions are always torch's."
)


class PerformancePanel:
    """A curve of latencies, and lines of numbers; looked at only while it is in front."""

    title = "Performance"

    def __init__(self, kit: Kit, rate: FrameRate) -> None:
        self._kit = kit
        self._rate = rate
        self._latencies = Latencies()
        self._plot = LatencyPlot(kit.look)
        self._frame: Frame | None = None
        self._computed: Frame | None = None
        self._waiting: list[Frame] = []
        self._shown_s = 0.0
        self._due_s = 0.0

    def build(self) -> None:
        """Make the curve and the lines."""
        look = self._kit.look
        self._plot.build()
        for name, caption, tip in (
            ("window", "Window", "Frames that the window draws in a second; none while nothing moves."),
            ("first", "First pixels", _FIRST),
            ("full", "Full picture", _FULL),
            ("layers", "Layers", "How many were computed for it; the others came from the picture before."),
            ("compute", "Computes on", "Chosen in the Model panel."),
        ):
            with caption_row(look, caption, tip, width_px=_CAPTION_PX):
                dpg.add_text("–", tag=f"perf_{name}")
        for name, caption in (("stage", "Time of the newest picture"), ("memory", "Memory")):
            heading(look, caption)
            with dpg.group(horizontal=True, xoffset=look.px(190)):
                dpg.add_text("", tag=f"perf_{name}_names", color=(*look.palette.quiet, 255))
                dpg.add_text("", tag=f"perf_{name}_values")
        tooltip(look, heading(look, "Kernels"), _KERNELS)
        dpg.add_text("", tag="perf_why", wrap=0)
        dpg.add_text("", tag="perf_kernels", wrap=0, color=(*look.palette.quiet, 255))

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Forget the pictures of a model that was unloaded."""
        if spec is None:
            self._frame = self._computed = None
            self._latencies = Latencies()
        self._due_s = 0.0

    def see(self, frame: "Frame") -> None:
        """Take in a picture; it is on screen when the window has drawn its next frame."""
        self._waiting.append(frame)

    def poll(self, now_s: float) -> bool:
        """Take in when pictures were shown, and bring the numbers up to date a few times a second."""
        for frame in self._waiting:
            self._shown_s = self._rate.drawn_s
            self._latencies.add(frame.request, self._shown_s - frame.timings.requested_s, preview=frame.preview)
            self._frame = frame
            if frame.timings.kernels and not frame.preview:
                self._computed = frame
        self._waiting = []
        if now_s >= self._due_s and dpg.is_item_visible("perf_plot"):
            self._due_s = now_s + _EVERY_S
            self._show()
        # Numbers alone are no reason to stay awake.
        return False

    def _show(self) -> None:
        reading = self._kit.session.performance()
        self._plot.show(self._latencies)
        show_value("perf_window", "at rest" if self._rate.resting else f"{self._rate.fps:.0f} frames a second")
        show_value("perf_first", latency_words(self._latencies.first))
        show_value("perf_full", latency_words(self._latencies.full))
        show_value("perf_compute", compute_words(reading))
        spec, frame = self._kit.session.spec, self._frame
        layers = f"{frame.timings.layers_run} of {len(spec.layers)} computed" if frame and spec else "–"
        show_value("perf_layers", layers)
        stages = stage_lines(frame.timings, self._shown_s) if frame else ()
        show_value("perf_stage_names", "\n".join(name for name, _ in stages) or "no picture yet")
        show_value("perf_stage_values", "\n".join(f"{took_ms:.1f} ms" for _, took_ms in stages))
        memory = memory_lines(reading, frame.timings.kept_bytes if frame else 0)
        show_value("perf_memory_names", "\n".join(name for name, _ in memory))
        show_value("perf_memory_values", "\n".join(size for _, size in memory))
        show_value("perf_why", f"{reading.kernels[:1].upper()}{reading.kernels[1:]}.")
        show_value("perf_kernels", "\n".join(kernel_lines(self._computed.timings.kernels if self._computed else ())))
