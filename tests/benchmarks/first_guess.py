"""How long a person waits for the first guess: from a photo's file to a picture in the session that the window shows.

    python -m tests.benchmarks.first_guess PHOTO --net NAME [--learned] [--write NAME]

The model is open and its kernels are compiled, as when a person chooses a photo; nothing of projection was loaded
before: reading the photo, the feature network, the bank and the guess are all in the time. With ``--learned`` the
model's bank is on the disk; without, a small one is made while the person waits. Seconds on the wall, with the threads
that the window leaves to computing, so the machine must be quiet.
"""

import argparse
import json
import platform
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from explorer.project import find_bundled
from explorer.projection import cache
from explorer.projection.plan import Plan
from explorer.session import Session
from tests.benchmarks.projection import RESULTS


def learn(net: str) -> None:
    """Make the model's bank."""
    from explorer.checkpoints import open_checkpoint

    checkpoint = open_checkpoint(find_bundled(net).path)
    for _ in cache.cached_bank_steps(checkpoint.generator, model=checkpoint.info.sha256):
        pass


def waited(photo: Path, net: str) -> dict[str, float]:
    """Seconds to the first picture, and to the end of the first guess; the losses of both."""
    session = Session()
    session.open(find_bundled(net).path)
    assert session.wait(600)
    before = session.state
    began_s = time.perf_counter()

    from explorer.projection.photo import read_photo

    found = session.project(read_photo(photo), Plan(time_s=20))
    times: dict[str, float] = {}
    while "guess s" not in times:
        frame = session.newest_frame()
        if frame is not None and session.state is not before:
            times.setdefault("first picture s", time.perf_counter() - began_s)
        if found.progress is not None and found.progress.stage != "first guess":
            times["guess s"] = time.perf_counter() - began_s
        session.wait_for_frame(0.005)
    session.projections.stop()
    assert session.wait(60)
    session.close()
    return {**times, "first loss": found.losses[0], "loss after the guess": found.losses[min(8, len(found.losses) - 1)]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photo", type=Path)
    parser.add_argument("--net", required=True)
    parser.add_argument("--learned", action="store_true")
    parser.add_argument("--write")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as empty:
        if not arguments.learned:
            cache.cache_folder = lambda: Path(empty)
        else:
            learn(arguments.net)
        numbers = {key: round(value, 3) for key, value in waited(arguments.photo, arguments.net).items()}
    print(json.dumps(numbers))
    if arguments.write:
        kept = json.loads(RESULTS.read_text())
        told = {"machine": platform.machine(), "python": platform.python_version(), "torch": version("torch")}
        kept[arguments.write] = {**told, **numbers}
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
