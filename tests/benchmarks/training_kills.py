"""Kill a run with SIGKILL at random moments, again and again: ``python -m tests.benchmarks.training_kills``.

The run writes a snapshot after every step, so that most moments fall into the writing of one. After every kill all
snapshots are opened and the newest is loaded with its optimisers; the next process has to go on from it. After the last
kill the run goes on to its end. Results go to ``results/training_kills.json``.
"""

import argparse
import json
import subprocess
import tempfile
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks.machine import about_machine
from tests.training.kills import ROOT, Outcome, command, kill_at_random
from training.snapshot import load_snapshot, newest_snapshot

RESULTS = Path(__file__).resolve().parent / "results" / "training_kills.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    outcomes: list[Outcome] = []
    with tempfile.TemporaryDirectory() as name:
        for turn in range(options.kills):
            outcomes += kill_at_random(Path(name), kills=1, seed=options.seed + turn)
            print(json.dumps(asdict(outcomes[-1])), flush=True)
        end = outcomes[-1].shown + 4
        # The later setting stands.
        subprocess.run([*command(Path(name)), f"--kimg={end / 1000}"], cwd=ROOT, capture_output=True, check=True)
        newest = newest_snapshot(Path(name))
        assert newest is not None, "a run ends with a snapshot"
        ended = load_snapshot(newest).shown
    result = {
        "machine": about_machine(),
        "kills": len(outcomes),
        # A damaged snapshot, or a run that does not go on, ends this program before it writes.
        "every_snapshot_opened_and_every_run_went_on": True,
        "interrupted_while_writing": sum(outcome.partial > 0 for outcome in outcomes),
        "meant_to_end_at": end,
        "ended_at": ended,
        "after_each_kill": [asdict(outcome) for outcome in outcomes],
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
