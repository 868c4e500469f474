"""Stop and go on against never stopping, by the command line: ``python -m tests.benchmarks.training_resume``.

Two runs of the same settings on the sample set at 16 x 16, with ADA on: one never stopped; the other stopped at random
steps and gone on with from its snapshot by the same command, in one process (with ``--ranks 2`` in new ones, over
gloo). Then every tensor of the last snapshots is compared bit by bit: weights, averages, both moments of both
optimisers, path-length mean, counters. Results go to ``results/training_resume.json``, an entry a number of ranks.
"""

import argparse
import io
import json
import os
import random
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import torch
from PIL import Image

from tests.benchmarks.machine import about_machine
from training.command import main as train
from training.snapshot import load_snapshot, newest_snapshot
from training.state import TrainingState

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).resolve().parent / "results" / "training_resume.json"
SAMPLE = ROOT / "assets" / "datasets" / "toons-sample.zip"
BATCH = 4
OPTIONS = (
    "--threads=1", "--z-dim=8", "--w-dim=8", "--channel-base=128", "--channel-max=8", f"--batch={BATCH}",
    "--mbstd-group=2", "--holdout=20", "--metric-pictures=0", "--snapshot-kimg=1000", "--log-kimg=0.4",
    "--augment=ada", "--augment-p=0.2", "--ada-kimg=1", "--xflip",
)  # fmt: skip


def small_set(target: Path) -> Path:
    """The sample set at a quarter of its size."""
    with zipfile.ZipFile(SAMPLE) as given, zipfile.ZipFile(target, "w") as made:
        for name in sorted(name for name in given.namelist() if name.endswith(".png")):
            buffer = io.BytesIO()
            with Image.open(io.BytesIO(given.read(name))) as picture:
                picture.reduce(4).save(buffer, "PNG")
            made.writestr(name, buffer.getvalue())
    return target


def trained(folder: Path, steps: int, ranks: int) -> TrainingState:
    """What the command leaves that trains up to so many steps."""
    words = [str(folder), "--data", str(folder.with_name("toons16.zip")), *OPTIONS, f"--kimg={steps * BATCH / 1000}"]
    if ranks == 1:
        assert train(words) == 0, "the command says why on stderr"
    else:
        launcher = ("-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}", "-m", "training")
        subprocess.run([sys.executable, *launcher, *words], cwd=ROOT, capture_output=True, text=True, check=True)
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
        small_set(Path(name) / "toons16.zip")
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
