"""What the Training tab says, as pure functions."""

import time
from collections.abc import Mapping

from explorer.session.training import Cost, DatasetReport, Health, RunView, Status

__all__ = [
    "classes_in_words",
    "cost_in_words",
    "duration",
    "facts_of",
    "health_in_words",
    "metric_in_words",
    "pace_in_words",
    "progress_in_words",
    "size_in_words",
    "status_in_words",
]

_CLASSES = 6
_STATUS: Mapping[Status, str] = {
    "starting": "Starting…",
    "running": "Running",
    "stopping": "Saving…",
    "stopped": "Stopped",
    "finished": "Finished",
    "interrupted": "Interrupted",
    "failed": "Failed",
}


def duration(seconds: float) -> str:
    """A length of time that a person can take in."""
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit}" if seconds >= 20 * length else f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"


def size_in_words(size_bytes: float) -> str:
    """A number of bytes."""
    for unit, length in (("GB", 1e9), ("MB", 1e6)):
        if size_bytes >= length:
            return f"{size_bytes / length:.1f} {unit}"
    return f"{size_bytes / 1e3:.0f} kB"


def clock(now_s: float, seconds: float) -> str:
    """The time of day when so many seconds have passed, with the date where it is another day."""
    now, then = time.localtime(now_s), time.localtime(now_s + min(seconds, 3e9))
    return time.strftime("%H:%M" if now[:3] == then[:3] else "%d %B %Y" if seconds > 2e6 else "%d %B, %H:%M", then)


def facts_of(report: DatasetReport) -> str:
    """A data set in a line."""
    width, height = report.size
    parts = [f"{report.pictures:,} pictures", f"{width} × {height}", report.mode, size_in_words(report.size_bytes)]
    if report.pictures == 1:
        parts[0] = "1 picture"
    return " · ".join([*parts, *([report.licence] if report.licence else [])])


def classes_in_words(report: DatasetReport) -> str:
    """The classes of a data set with their numbers, the largest first; empty where there are none."""
    if not report.classes:
        return ""
    largest = sorted(report.classes, key=lambda one: -one[1])
    named = ", ".join(f"{name} {count:,}" for name, count in largest[:_CLASSES])
    more = len(largest) - _CLASSES
    return f"{len(largest)} classes: {named}{f' and {more} more' if more > 0 else ''}"


def health_in_words(health: Health | None) -> tuple[str, ...]:
    """What a close look found that a person should know, in lines."""
    if health is None:
        return ()
    lines = []
    if health.skipped:
        name, why = health.skipped[0]
        more = len(health.skipped) - 1
        lines.append(f"Left out: {name} ({why}){f' and {more:,} more' if more else ''}.")
    if health.duplicates:
        count, first = sum(len(group) - 1 for group in health.duplicates), health.duplicates[0]
        lines.append(
            f"{_counted(count, 'picture looks', 'pictures look')} like another one: {first[0]} like {first[1]}."
        )
    if health.grey:
        lines.append(f"{_counted(len(health.grey), 'picture is', 'pictures are')} grey among coloured ones.")
    return tuple(lines)


def cost_in_words(cost: Cost, now_s: float) -> str:
    """What a trial showed, in a line."""
    return (
        f"{size_in_words(cost.memory_bytes)} of memory · {_pace(cost.s_per_kimg)} · "
        f"{cost.parameters / 1e6:.1f} million weights · {cost.plan.kimg:g} kimg take {duration(cost.total_s)}, "
        f"until {clock(now_s, cost.total_s)}"
    )


def status_in_words(view: RunView, *, paused: bool) -> str:
    """What a run does."""
    return "Paused" if paused and view.status == "stopped" else _STATUS[view.status]


def progress_in_words(view: RunView) -> str:
    """How far a run is."""
    return f"{view.kimg:,.4g} of {view.goal_kimg:,.6g} kimg" if view.goal_kimg else ""


def pace_in_words(view: RunView, now_s: float) -> str:
    """How fast a run is, and when it will end."""
    parts = []
    if view.s_per_kimg is not None:
        parts.append(_pace(view.s_per_kimg))
    if view.status == "running" and view.left_s:
        parts.append(f"{duration(view.left_s)} left, until {clock(now_s, view.left_s)}")
    best = view.curves.get(view.metric)
    if best is not None:
        parts.append(f"best {metric_in_words(view.metric)} {best.values.min():.4g}")
    if view.snapshot is not None:
        parts.append(f"saved at {view.snapshot_kimg:,.4g} kimg")
    return " · ".join(parts)


def metric_in_words(name: str) -> str:
    """A metric's name as a title: ``kid_x1000_pixels16`` becomes KID × 1000 (pixels16)."""
    if not name:
        return "Metric"
    first, *rest = name.split("_")
    times = [part for part in rest if part.startswith("x") and part[1:].isdigit()]
    network = " ".join(part for part in rest if part not in times)
    return first.upper() + (f" × {times[0][1:]}" if times else "") + (f" ({network})" if network else "")


def _pace(s_per_kimg: float) -> str:
    return f"{s_per_kimg:.3g} s per kimg" if s_per_kimg < 600 else f"{duration(s_per_kimg)} per kimg"


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"
