"""How fast and how large everything is, in words. No screen."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from widgets.model_facts import size_words

if TYPE_CHECKING:
    from explorer.rendering.frame import Timings
    from explorer.served import Served
    from explorer.session import Performance

__all__ = ["Latencies", "compute_words", "kernel_lines", "latency_words", "memory_lines", "stage_lines"]

_KEPT = 120
_PRECISIONS = {"float32": "fp32", "bfloat16": "bf16", "float16": "fp16"}
_DEVICES = {"cpu": "processor", "cuda": "GPU"}


@dataclass(slots=True)
class Latencies:
    """How long the last pictures took from a hand to the screen, in milliseconds, the newest last."""

    first: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    """To the first pixels that answer a hand: an early, coarse picture where there is one."""
    full: deque[float] = field(default_factory=lambda: deque(maxlen=_KEPT))
    """To the full picture."""
    _answered: int = -1

    def add(self, request: int, latency_s: float, *, preview: bool) -> None:
        """Take in a picture that is on screen.

        Args:
            request: Which request it answers.
            latency_s: Since a hand asked for it, in seconds.
            preview: Whether the full one is still to come.
        """
        if request != self._answered:
            self._answered = request
            self.first.append(latency_s * 1000)
        if not preview:
            self.full.append(latency_s * 1000)


def latency_words(latencies_ms: Iterable[float]) -> str:
    """The newest, the middle one and one that 19 of 20 stay below."""
    kept = list(latencies_ms)
    if not kept:
        return "–"
    high = sorted(kept)[min(len(kept) - 1, round(0.95 * (len(kept) - 1)))]
    return f"{kept[-1]:.0f} ms, median {median(kept):.0f}, p95 {high:.0f}"


def stage_lines(timings: "Timings", shown_s: float) -> tuple[tuple[str, float], ...]:
    """Each stage of a picture and how long it took, in milliseconds; together they are its latency.

    Args:
        timings: Of the picture.
        shown_s: When it was on screen, in seconds of `time.perf_counter`.
    """
    inside_s = sum(took_s for _, took_s in timings.stages)
    rest_s = timings.finished_s - timings.started_s - inside_s
    stages = (
        ("waiting for its turn", timings.started_s - timings.requested_s),
        *timings.stages,
        ("in between", rest_s),
        ("to the screen", shown_s - timings.finished_s),
    )
    return tuple((name, took_s * 1000) for name, took_s in stages)


def kernel_lines(uses: "Iterable[Served]") -> tuple[str, ...]:
    """Which path served each operation of a picture, how often, and why not a compiled one."""
    return tuple(f"{use.operation}: {use.path} {use.calls}×{f', {use.why}' if use.why else ''}" for use in uses)


def memory_lines(reading: "Performance", kept_bytes: int) -> tuple[tuple[str, str], ...]:
    """What takes memory, and how much."""
    count = "1 model" if reading.models == 1 else f"{reading.models} models"
    lines = [
        ("this process", size_words(reading.process_bytes)),
        (f"weights of {count}", size_words(reading.model_bytes)),
        ("kept for the next picture", size_words(kept_bytes)),
    ]
    if reading.gpu_bytes is not None:
        lines.append(("held on the GPU", size_words(reading.gpu_bytes)))
    return tuple(lines)


def compute_words(reading: "Performance") -> str:
    """Device, precision and threads."""
    compute = reading.compute
    threads = "1 thread" if reading.threads == 1 else f"{reading.threads} threads"
    on = _DEVICES.get(compute.device, compute.device)
    beside = f", {threads}" if compute.device == "cpu" and reading.threads else ""
    return f"{on}, {_PRECISIONS[compute.precision]}{beside}"
