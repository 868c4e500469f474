"""What is seen of a run at one moment: a value that the window draws and compares by ``is``."""

import statistics
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from explorer.session.training.log import Curve, LogReader, Told

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

__all__ = ["LIVE", "Grids", "RunView", "Status", "status_of"]

Status = Literal["starting", "running", "stopping", "stopped", "finished", "interrupted", "failed"]
LIVE: frozenset[Status] = frozenset({"starting", "running", "stopping"})
"""While the trainer's process lives."""

_RECENT = 9


@dataclass(frozen=True, slots=True, eq=False)
class Grids:
    """The sheets of pictures that a run writes."""

    count: int = 0
    """How many sheets of generated pictures there are."""
    index: int = -1
    """Which one is here, from 0 in the order they were written; -1 for none."""
    kimg: float = 0.0
    """When it was made, in thousands of pictures shown."""
    fakes: "npt.NDArray[np.uint8] | None" = None
    """Generated pictures, ``[H, W, C]``."""
    reals: "npt.NDArray[np.uint8] | None" = None
    """Real ones."""


@dataclass(frozen=True, slots=True, eq=False)
class RunView:
    """A run as it is."""

    folder: Path
    """Where it lies."""
    status: Status
    """What it does."""
    error: str = ""
    """Why it ended, where it did not end well."""
    data: str = ""
    """The data set, an absolute path; empty where it is not known."""
    name: str = ""
    """What the data set calls itself."""
    kimg: float = 0.0
    """How far it is, in thousands of pictures shown."""
    goal_kimg: float = 0.0
    """How far it is to come."""
    settings: Mapping[str, object] = field(default_factory=lambda: MappingProxyType({}))
    """Of the trainer."""
    notes: tuple[str, ...] = ()
    """How they came about."""
    metric: str = ""
    """The name of the metric that chooses the best snapshot; empty where there is none."""
    curves: Mapping[str, Curve] = field(default_factory=lambda: MappingProxyType({}))
    """Everything that the log has a number for."""
    told: tuple[Told, ...] = ()
    """What the trainer said."""
    snapshot: Path | None = None
    """The newest one."""
    snapshot_kimg: float = 0.0
    """When it was taken."""
    grids: Grids = Grids()
    """Pictures."""

    @property
    def is_live(self) -> bool:
        """Whether the trainer's process lives."""
        return self.status in LIVE

    @property
    def share(self) -> float:
        """How far it is, 0 to 1."""
        return min(self.kimg / self.goal_kimg, 1.0) if self.goal_kimg > 0 else 0.0

    @property
    def s_per_kimg(self) -> float | None:
        """Seconds for a thousand pictures, of late; ``None`` before the first line of the log."""
        speed = self.curves.get("s_per_kimg")
        return None if speed is None else statistics.median(speed.values[-_RECENT:].tolist())

    @property
    def left_s(self) -> float | None:
        """Seconds to its end, if it goes on like that."""
        speed = self.s_per_kimg
        return None if speed is None else max(self.goal_kimg - self.kimg, 0.0) * speed


def status_of(log: LogReader, *, alive: bool, begun: bool, asked_to_stop: bool, failed: bool) -> Status:
    """What a run does.

    Args:
        log: All of it.
        alive: Whether its process lives.
        begun: Whether that process has written its first line.
        asked_to_stop: Whether it was asked to end.
        failed: Whether its process is known to have ended in an error.
    """
    if alive:
        return "stopping" if asked_to_stop else "running" if begun else "starting"
    if failed:
        return "failed"
    if not log.stopped:
        return "stopped" if asked_to_stop else "interrupted"
    goal = log.settings.get("kimg")
    done = isinstance(goal, int | float) and round(log.kimg * 1000) >= round(goal * 1000)
    return "finished" if done else "stopped"
