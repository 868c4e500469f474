"""Keeps what runs measured: ``python -m tests.benchmarks.training_curves NAME RUN... --note TEXT``.

Settings in which the runs differ, settings that they share, and each run's metrics over the pictures shown go to
``results/training_curves.json`` under a name. Nothing is computed: the numbers are those of the runs' logs.
"""

import argparse
import json
from pathlib import Path

from tests.benchmarks.machine import about_machine

RESULTS = Path(__file__).resolve().parent / "results" / "training_curves.json"
_MEASURED = ("kid_", "fid_", "augment_p")


def events(run: Path, *kinds: str) -> list[dict[str, object]]:
    """Lines of a run's log of these kinds, as they were written."""
    lines = map(json.loads, (run / "log.jsonl").read_text(encoding="utf-8").splitlines())
    return [line for line in lines if line["event"] in kinds]


def curve(run: Path) -> dict[str, list[object]]:
    """Pictures shown and every metric that was measured there, of the beginning and of each snapshot."""
    rows = events(run, "begin", "snapshot")
    keys = ["shown", *(key for key in rows[0] if key.startswith(_MEASURED))]
    return {key: [row.get(key) for row in rows] for key in keys}


def settings(run: Path) -> dict[str, object]:
    """What the run was started with."""
    start = events(run, "start")[0]
    config = start["config"]
    assert isinstance(config, dict)
    return {**config, "data": start["data"], "notes": start["notes"]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name")
    parser.add_argument("runs", type=Path, nargs="+")
    parser.add_argument("--note", default="", help="what the logs do not tell")
    given = parser.parse_args()
    told = {run.name: settings(run) for run in given.runs}
    first = next(iter(told.values()))
    shared = {key: value for key, value in first.items() if all(one.get(key) == value for one in told.values())}
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    kept[given.name] = {
        "machine": about_machine(),
        "note": given.note,
        "settings": shared,
        "runs": {
            run.name: {
                "own_settings": {key: value for key, value in told[run.name].items() if key not in shared},
                "curve": curve(run),
            }
            for run in given.runs
        },
    }
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(kept[given.name], indent=2))


if __name__ == "__main__":
    main()
