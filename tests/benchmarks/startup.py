"""From the command to the first picture on screen, warm and cold: the real app on a virtual display.

    python -m tests.benchmarks.startup [--repeats 5]

Cold is a start without compiled Python files and without compiled kernels, as after an installation; files of the
packages may still be in the system's memory. Results go to ``results/startup.json``.
"""

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from tests.benchmarks.latency import machine, virtual_display
from tests.gui.driver import App

RESULTS = Path(__file__).resolve().parent / "results" / "startup.json"


def first_picture_s(display: str, *, cold: bool) -> float:
    """Seconds from starting the process to the end of the window frame that shows the first picture."""
    with tempfile.TemporaryDirectory() as folder:
        places = {"PYTHONPYCACHEPREFIX": f"{folder}/python", "NUMBA_CACHE_DIR": f"{folder}/numba"}
        if cold:
            os.environ.update(places)
        begin_s = time.perf_counter()
        app = App(display, Path(folder))
        shown = app.ask("log")["shown"]
        app.quit()
        for name in places if cold else ():
            del os.environ[name]
    return float(shown[0][2]) - begin_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    report: dict[str, object] = {"machine": machine()}
    with virtual_display() as display:
        first_picture_s(display, cold=False)
        for name, cold in (("warm", False), ("cold", True)):
            taken = sorted(first_picture_s(display, cold=cold) for _ in range(options.repeats))
            middle = statistics.median(taken)
            report[name] = {"median_s": round(middle, 2), "best_s": round(taken[0], 2), "worst_s": round(taken[-1], 2)}
            print(name, report[name], flush=True)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
