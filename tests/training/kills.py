"""Kill a run again and again at random moments, and go on; `tests.benchmarks.training_kills` does it 20 times."""

import random
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import explorer
from training.snapshot import load_snapshot, newest_snapshot, snapshots

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "assets" / "datasets" / "toons-sample.zip"
# A snapshot after every step: most of a run's time is spent writing one.
OPTIONS = (
    "--threads=1", "--z-dim=8", "--w-dim=8", "--channel-base=128", "--channel-max=8", "--batch=4", "--holdout=20",
    "--kimg=1000", "--snapshot-kimg=0.004", "--log-kimg=0.004", "--metric-pictures=0", "--augment=ada",
    "--augment-p=0.2",
)  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What one kill left."""

    shown: int
    snapshots: int
    partial: int
    """Files that were being written."""


def command(folder: Path) -> list[str]:
    """What starts the run, and goes on with it."""
    return [sys.executable, "-m", "training", str(folder), "--data", str(SAMPLE), *OPTIONS]


def kill_at_random(folder: Path, *, kills: int, seed: int) -> list[Outcome]:
    """Start or resume the run, kill it after its next snapshot and a random while, and open all that is left.

    Raises:
        AssertionError: A run did not go on.
        CheckpointError: A snapshot is not whole.
    """
    chance = random.Random(seed)
    outcomes: list[Outcome] = []
    for _ in range(kills):
        before = newest_snapshot(folder)
        process = subprocess.Popen(
            command(folder),
            cwd=ROOT,
            stderr=subprocess.PIPE,
            text=True,
        )
        while newest_snapshot(folder) == before:
            if process.poll() is not None:
                raise AssertionError(f"the run did not go on: {process.communicate()[1]}")
            time.sleep(0.02)
        # The moment is the point: any within a few steps.
        time.sleep(chance.random())
        process.kill()
        process.communicate()
        outcomes.append(_inspect(folder))
    return outcomes


def _inspect(folder: Path) -> Outcome:
    found = snapshots(folder)
    for path in found:
        explorer.open_checkpoint(path)
    newest = load_snapshot(found[-1])
    return Outcome(newest.shown, len(found), len(list(folder.glob(".*.part"))))
