"""What a run will cost, as the trainer measures it in a few seconds."""

import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from explorer.errors import StateError
from explorer.session.job import Job
from explorer.session.training.plan import TrainingPlan
from explorer.session.training.process import end_process, start_trainer, why_it_ended

__all__ = ["Cost", "measure_cost"]

_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class Cost:
    """What a trial of ten seconds showed."""

    plan: TrainingPlan
    """Of which run."""
    memory_bytes: int
    """At most, of the process or of the GPU."""
    s_per_kimg: float
    """Seconds for a thousand pictures."""
    parameters: int
    """Weights of both networks that learn."""
    total_s: float
    """Seconds for the whole run."""
    notes: tuple[str, ...]
    """What ``auto`` chose, and why."""


def measure_cost(plan: TrainingPlan, job: Job, *, seconds: float = 10.0) -> Cost | None:
    """Have the trainer try; ``None`` when the job was cancelled. Blocks, for longer than it tries.

    Args:
        plan: Of the run.
        job: Cancel it to stop.
        seconds: How long it tries, once it has begun.

    Raises:
        StateError: The trainer cannot do this, and says why.
        OSError: It cannot be started.
    """
    _, *rest = plan.arguments()
    with tempfile.TemporaryDirectory() as place:
        # The folder's own run would bring its own settings.
        arguments = (str(Path(place) / "trial"), *rest, "--probe", f"{seconds:g}")
        said, found = Path(place) / "said", Path(place) / "found"
        with said.open("wb") as errors, found.open("wb") as output:
            process = start_trainer(arguments, output=output, errors=errors)
        status: int | None = None
        while status is None:
            try:
                status = process.wait(_LOOK_S)
            except subprocess.TimeoutExpired:
                if job.cancelled:
                    end_process(process.pid, at_once=True)
        if job.cancelled:
            return None
        if status != 0:
            raise StateError(why_it_ended(status, said))
        return _read(found, plan)


def _read(path: Path, plan: TrainingPlan) -> Cost:
    try:
        found = json.loads(path.read_text("utf-8"))
        return Cost(
            plan=plan,
            memory_bytes=int(found["memory_bytes"]),
            s_per_kimg=float(found["s_per_kimg"]),
            parameters=int(found["parameters"]),
            total_s=float(found["total_s"]),
            notes=tuple(map(str, found["notes"])),
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StateError(f"The trainer's answer cannot be read: {error}") from error
