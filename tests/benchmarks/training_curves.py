"""Keeps what runs measured: ``python -m tests.benchmarks.training_curves NAME RUN... --note TEXT``.

Settings in which the runs differ, settings that they share, and each run's metrics over the pictures shown go to
``results/training_curves.json`` under a name, and ADA's p as often as every ``--every-kimg``. The numbers are those of
the runs' logs. With ``--network FILE --data ZIP`` each run's kept snapshots are measured by another network, too.
"""

import argparse
import json
import subprocess
import sys
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


def probabilities(run: Path, every_kimg: float) -> dict[str, list[object]]:
    """ADA's p along a run: averages of what a line of the log tells, one in ``every_kimg``."""
    kept: list[dict[str, object]] = []
    for row in events(run, "step"):
        if not kept or int(str(row["shown"])) - int(str(kept[-1]["shown"])) >= every_kimg * 1000:
            kept.append(row)
    return {key: [row[key] for row in kept] for key in ("shown", "augment_p", "sign_real", "sign_fake")}


def measured(run: Path, network: Path, data: Path, pictures: int) -> dict[str, list[object]]:
    """KID of a run's kept snapshots by another network, against the last pictures, which the run held out."""
    found: dict[str, list[object]] = {"shown": []}
    for snapshot in sorted(run.glob("snapshot-*.safetensors")):
        command = [sys.executable, "main.py", "metrics", snapshot, data, "--network", network, "--metrics", "kid"]
        counts = ["--last", pictures, "--pictures", pictures, "--json"]
        ran = subprocess.run([*map(str, command + counts)], check=True, capture_output=True, text=True)
        found["shown"].append(int(snapshot.stem.split("-")[1]))
        for key, value in json.loads(ran.stdout).items():
            if key.startswith("kid_"):
                found.setdefault(key, []).append(value)
        print(run.name, {key: values[-1] for key, values in found.items()}, flush=True)
    return found


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
    parser.add_argument("--every-kimg", type=float, default=5.0, help="of p")
    parser.add_argument("--network", type=Path, help="a feature network's file, to measure kept snapshots with")
    parser.add_argument("--data", type=Path, help="their pictures")
    parser.add_argument("--pictures", type=int, default=300, help="how many of each")
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
                "ada": probabilities(run, given.every_kimg),
                **({"measured": measured(run, given.network, given.data, given.pictures)} if given.network else {}),
            }
            for run in given.runs
        },
    }
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(kept[given.name], indent=2))


if __name__ == "__main__":
    main()
