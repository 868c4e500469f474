"""The trainer's process: started so that it outlives the window and leaves the window its core."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import explorer

__all__ = ["MAIN", "TRAINER_LOG", "end_process", "start_program", "start_trainer", "why_it_ended"]

TRAINER_LOG = "trainer.log"
"""What the trainer says on stderr, in the folder of the run."""

_ROOT = Path(explorer.__file__).resolve().parents[1]
MAIN = _ROOT / "main.py"
"""The program."""
_NICENESS = 10
_SAYS = "training: "
_TAIL = 16_384


def start_trainer(
    arguments: Sequence[str], *, folder: Path | None = None, output: IO[bytes] | int, errors: IO[bytes] | int
) -> "subprocess.Popen[bytes]":
    """Start ``python -m training`` as `start_program` does, with a thread less than there are cores."""
    words = ("-m", "training", *arguments, "--threads", str(_threads()))
    return start_program(words, folder=folder, output=output, errors=errors)


def start_program(
    words: Sequence[str], *, folder: Path | None = None, output: IO[bytes] | int, errors: IO[bytes] | int
) -> "subprocess.Popen[bytes]":
    """Start Python on a part of this program, with low priority and one core left free.

    It belongs to no terminal and no window: whatever becomes of this process, it goes on.

    Args:
        words: Python's command line.
        folder: Where its relative paths start; as for this process when ``None``.
        output: Where its stdout goes.
        errors: Where its stderr goes.

    Raises:
        OSError: It cannot be started.
    """
    paths = [str(_ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "OMP_NUM_THREADS": str(_threads())}
    detached: dict[str, object] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        detached = {"creationflags": flags | subprocess.BELOW_NORMAL_PRIORITY_CLASS}
    process: subprocess.Popen[bytes] = subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=errors,
        **detached,  # type: ignore[call-overload]
    )
    if sys.platform != "win32":
        # Its threads, made later, inherit this.
        with contextlib.suppress(ProcessLookupError):
            os.setpriority(os.PRIO_PROCESS, process.pid, _NICENESS)
    return process


def _threads() -> int:
    return max(1, (os.cpu_count() or 1) - 1)


def end_process(pid: int, *, at_once: bool) -> None:
    """Ask a process to end, or end it; nothing when it is gone."""
    try:
        os.kill(pid, signal.SIGKILL if at_once and sys.platform != "win32" else signal.SIGTERM)
    except OSError:
        return


def why_it_ended(status: int, said: Path) -> str:
    """Why a trainer ended, in words for a person.

    Args:
        status: Its exit status, below 0 for a signal.
        said: Its stderr.
    """
    if status in (-9, 137):
        return "The trainer was killed from outside, as the system does when memory runs out."
    if status < 0:
        return f"The trainer was ended from outside ({signal.Signals(-status).name})."
    lines = _tail(said)
    for line in reversed(lines):
        if line.startswith(_SAYS):
            return line.removeprefix(_SAYS) + "."
        if ": error: " in line:
            return f"The trainer does not understand its options: {line.split(': error: ', 1)[1]}."
    last = lines[-1] if lines else f"exit status {status}"
    return f"The trainer failed: {last}."


def _tail(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return [line.strip() for line in text.splitlines() if line.strip()]
