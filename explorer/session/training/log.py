"""Reading a run's ``log.jsonl`` while it grows: curves, messages, settings. Each line is read once."""

import json
import math
from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt

__all__ = ["LOG", "Curve", "LogReader", "Told", "decimated"]

LOG = "log.jsonl"
"""The file's name in the folder of a run."""
_NO_VALUES = frozenset({"event", "step", "shown", "file", "text", "kind", "config", "data", "notes"})
_AT_ONCE = 4 * 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One value over the run."""

    kimg: npt.NDArray[np.float64]
    """Thousands of pictures shown, rising, ``[N]``."""
    values: npt.NDArray[np.float64]
    """``[N]``."""


@dataclass(frozen=True, slots=True)
class Told:
    """Something that the trainer said."""

    kimg: float
    """When, in thousands of pictures shown."""
    kind: str
    """``nan``, ``collapse``, ``ada``, ``discriminator``, ``disk``, ``snapshot``, ``memory``."""
    text: str
    """What is wrong, and what to do."""


@dataclass(slots=True)
class LogReader:
    """What the log says so far; `read` takes in what is new. For one thread."""

    path: Path
    """Of the log, which need not exist yet."""
    starts: int = 0
    """How often the run was begun or resumed."""
    settings: Mapping[str, object] = field(default_factory=dict)
    """Of its newest part."""
    notes: tuple[str, ...] = ()
    """How they came about."""
    data: str = ""
    """What the data set calls itself."""
    kimg: float = 0.0
    """How far it came, in thousands of pictures."""
    stopped: bool = False
    """Whether the newest part ended by itself, with a snapshot."""
    told: tuple[Told, ...] = ()
    """Messages of the newest part."""
    metric: str = ""
    """The name of the first metric; empty before there is one."""
    _series: "dict[str, tuple[array[float], array[float]]]" = field(default_factory=dict)
    _offset: int = 0
    _rest: bytes = b""

    def read(self) -> bool:
        """Take in the lines that were added; true when there were any. A file that cannot be read has none."""
        try:
            with self.path.open("rb") as file:
                if file.seek(0, 2) < self._offset:
                    # Another run took the folder.
                    self._forget()
                file.seek(self._offset)
                came = False
                while block := file.read(_AT_ONCE):
                    self._offset += len(block)
                    *lines, self._rest = (self._rest + block).split(b"\n")
                    for line in lines:
                        self._take(line)
                        came = True
        except OSError:
            return False
        return came

    def curve(self, name: str, limit: int) -> Curve | None:
        """A value over the run in at most ``limit`` points; ``None`` where the log has none of that name."""
        series = self._series.get(name)
        if series is None or not len(series[0]):
            return None
        return decimated(Curve(np.array(series[0]), np.array(series[1])), limit)

    @property
    def position(self) -> int:
        """How many bytes of the log were read."""
        return self._offset

    @property
    def names(self) -> tuple[str, ...]:
        """Of all values that have a curve."""
        return tuple(name for name, (kimg, _) in self._series.items() if len(kimg))

    def _forget(self) -> None:
        self.starts, self.settings, self.notes, self.data, self.kimg = 0, {}, (), "", 0.0
        self.stopped, self.told, self.metric = False, (), ""
        self._series, self._offset, self._rest = {}, 0, b""

    def _take(self, line: bytes) -> None:
        try:
            said = json.loads(line)
        except (ValueError, RecursionError):
            # Half a line of a trainer that was killed, with the next one behind it.
            return
        if not isinstance(said, dict):
            return
        event = said.get("event")
        kimg = _number(said.get("shown")) / 1000
        if event == "start":
            self._begin(said)
        elif event == "message":
            self.told = (*self.told, Told(kimg, str(said.get("kind", "")), str(said.get("text", ""))))
        elif event in ("begin", "step", "snapshot"):
            self._add(said, kimg, is_metric=event != "step")
        elif event == "stop":
            self.stopped = True
        if not math.isnan(kimg):
            self.kimg = kimg

    def _begin(self, said: Mapping[str, object]) -> None:
        config, notes = said.get("config"), said.get("notes")
        self.starts += 1
        self.stopped = False
        self.settings = config if isinstance(config, dict) else {}
        if isinstance(notes, list) and notes:
            self.notes = tuple(map(str, notes))
        self.data = str(said.get("data", ""))
        self.told = ()

    def _add(self, said: Mapping[str, object], kimg: float, *, is_metric: bool) -> None:
        if math.isnan(kimg):
            return
        for name, value in said.items():
            if name in _NO_VALUES or not isinstance(value, int | float) or isinstance(value, bool):
                continue
            if is_metric and not self.metric:
                self.metric = name
            over, values = self._series.setdefault(name, (array("d"), array("d")))
            # A killed run goes on from its last snapshot: what came after that is trained, and told, again.
            while over and over[-1] >= kimg:
                over.pop()
                values.pop()
            over.append(kimg)
            values.append(float(value))


def decimated(curve: Curve, limit: int) -> Curve:
    """A curve in at most ``limit`` points that keeps its peaks: the lowest and the highest of every stretch.

    Args:
        curve: Of any length.
        limit: 5 or more.
    """
    count = len(curve.kimg)
    if count <= limit:
        return curve
    length = -(-count // ((limit - 3) // 2))
    stretches = count // length
    parts = curve.values[: stretches * length].reshape(stretches, length)
    starts = np.arange(stretches) * length
    kept = [*(starts + parts.argmin(axis=1)), *(starts + parts.argmax(axis=1)), count - 1]
    rest = curve.values[stretches * length :]
    if len(rest):
        kept += [stretches * length + rest.argmin(), stretches * length + rest.argmax()]
    chosen = np.unique(kept)
    return Curve(curve.kimg[chosen], curve.values[chosen])


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
