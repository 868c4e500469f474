"""Stop and go on against never stopping, by the command line: ``python -m tests.benchmarks.training_resume``.

Two runs of the same settings with ADA on: one in a single process; the other stopped at random steps, and its process
ended, each time gone on with by another. Then every tensor of the last snapshots is compared bit by bit: weights,
averages, both moments of both optimisers, path-length mean, and the counters. With ``--ranks 2`` both run over gloo.
Results go to ``results/training_resume.json``, one entry for each number of ranks.
"""

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import torch

from tests.benchmarks.machine import about_machine
from training.snapshot import load_snapshot, newest_snapshot
from training.state import TrainingState

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).resolve().parent / "results" / "training_resume.json"
SAMPLE = ROOT / "assets" / "datasets" / "toons-sample.zip"
BATCH = 8
OPTIONS = (
    "--threads=1", "--z-dim=16", "--w-dim=16", "--channel-base=256", "--channel-max=16", f"--batch={BATCH}",
    "--mbstd-group=2", "--holdout=20", "--metric-pictures=0", "--snapshot-kimg=1000", "--log-kimg=0.4",
    "--augment=ada", "--augment-p=0.2", "--ada-kimg=2", "--xflip",
)  # fmt: skip


def trained(folder: Path, steps: int, ranks: int) -> TrainingState:
    """What a process that trains up to so many steps leaves, and what it says of itself."""
    launcher: Sequence[str] = ("-m", "training")
    if ranks > 1:
        launcher = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}", *launcher)
    words = [sys.executable, *launcher, str(folder), "--data", str(SAMPLE), *OPTIONS]
    subprocess.run([*words, f"--kimg={steps * BATCH / 1000}"], cwd=ROOT, capture_output=True, text=True, check=True)
    newest = newest_snapshot(folder)
    assert newest is not None, "a run ends with a snapshot"
    return load_snapshot(newest)


def everything(state: TrainingState) -> dict[str, torch.Tensor]:
    """All that a later step depends on, by name."""
    tensors = {f"{name}.{key}": value for name, model in state.models() for key, value in model.state_dict().items()}
    for name, _, adam in state.optimizers():
        for i, moments in enumerate(adam.state.values()):
            tensors |= {f"adam.{name}.{i}.{key}": value for key, value in moments.items()}
    counters = (state.step, state.shown, state.sampler.position)
    numbers = torch.tensor([state.augment_p, state.ada_mean_sign], dtype=torch.float64)
    return tensors | {
        "pl_mean": state.pl_mean, "ada_signs": state.ada_signs, "ada": numbers, "counters": torch.tensor(counters),
    }  # fmt: skip


def compare(steps: int, stops: int, ranks: int) -> dict[str, object]:
    """Both runs, and what differs between them."""
    places = sorted(random.Random(0).sample(range(1, steps), stops))
    with tempfile.TemporaryDirectory() as name:
        at_once = trained(Path(name) / "whole", steps, ranks)
        for place in (*places, steps):
            in_parts = trained(Path(name) / "parts", place, ranks)
    one, other = everything(at_once), everything(in_parts)
    different = [key for key in one if key not in other or not torch.equal(one[key], other[key])]
    return {
        "ranks": ranks,
        "steps": at_once.step,
        "stopped_after": places,
        "ada_p": [at_once.augment_p, in_parts.augment_p],
        "tensors": len(one),
        "numbers": sum(value.numel() for value in one.values()),
        "different": different + sorted(other.keys() - one.keys()),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--stops", type=int, default=6)
    parser.add_argument("--ranks", type=int, default=1)
    options = parser.parse_args()
    found = compare(options.steps, options.stops, options.ranks)
    before = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    whole = {**before, "machine": about_machine(), f"ranks {options.ranks}": found}
    RESULTS.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=2))
    if found["different"]:
        sys.exit(1)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
