"""How evenly the window draws while the explorer works: the real app on a virtual display, two cores or more.

    python -m tests.benchmarks.frames [--work NAME ...] [--write NAME]

The interval between the ends of two window frames, which is what a person sees as smooth or not, while models of
random weights in the published standard configurations load, while their directions are found, while full pictures
are made back to back by a hand that drags, and while small pictures and sheets are made. A drag also gives the latency
from a move to new pixels, as `tests.benchmarks.latency` measures it. With ``--write`` the results go to
``results/frames.json`` under a name, with the machine and the versions.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from PIL import Image

from explorer.checkpoints import CheckpointParts, save_checkpoint
from tests.benchmarks.latency import CONTROLS, Hand, drag, machine, spread, virtual_display
from tests.benchmarks.networks import Shape, our_generator
from tests.gui.driver import App
from widgets.layout import Place

RESULTS = Path(__file__).resolve().parent / "results" / "frames.json"
GOAL_MS = 25.0
BEGIN = "nothing yet"
BUNDLED = "what the app opens by itself"


@dataclass(frozen=True)
class Scene:
    """The app, and what there is to do with it."""

    app: App
    hand: Hand
    models: dict[str, Path]
    """Files by the names of their networks."""
    seconds: float
    """How long a drag is measured."""

    def open(self, name: str) -> None:
        """Drop a model on the window, and wait for it and all that its opening sets off."""
        self.app.drop(self.models[name])
        self.app.wait_for(lambda: bool(self.app.ask("state")["model"] == self.models[name].stem))
        self.app.settle(10)

    def log(self) -> "Log":
        return Log(**{name: value for name, value in self.app.ask("log").items() if name != "shown"})


@dataclass(frozen=True)
class Log:
    """What the window noted."""

    ticks: list[float]
    """When its frames ended, in seconds."""
    work: list[tuple[float, list[str]]]
    """Since when which jobs went on."""

    def during(self, job: str) -> list[float]:
        """Intervals in milliseconds of the frames that ended while a job went on whose name begins so."""
        spans = [
            (since, until)
            for (since, jobs), (until, _) in pairwise([*self.work, (self.ticks[-1], [])])
            if _is(job, jobs)
        ]
        pairs = list(pairwise(self.ticks))
        # The frame in which a job is first seen to be gone may be late because of it, so it counts.
        return [(b - a) * 1000 for a, b in pairs if any(since < b <= until for since, until in spans)]


def _is(job: str, jobs: list[str]) -> bool:
    return any(name.startswith(job) for name in jobs)


def told(intervals: list[float]) -> dict[str, object]:
    return {
        "frames": len(intervals),
        "interval_ms": spread(intervals),
        "above_goal": sum(interval > GOAL_MS for interval in intervals),
    }


def loading(scene: Scene, name: str) -> dict[str, object]:
    """The file is read, directions are found, kernels are compiled or loaded: whatever opening a model sets off."""
    scene.log()
    scene.open(name)
    log = scene.log()
    parts = {"load": "Open ", "directions": "Find directions", "kernels": "Compile kernels"}
    return {part: told(found) for part, job in parts.items() if (found := log.during(job))}


def dragging(scene: Scene, name: str) -> dict[str, object]:
    """A hand on the seed pad, so that every picture is made from its first layer."""
    scene.open(name)
    found = drag(scene.app, scene.hand, CONTROLS[0], scene.seconds)
    return {key: found[key] for key in ("pictures_a_second", "latency_ms", "frame_interval_ms")}


def small_pictures(scene: Scene, name: str) -> dict[str, object]:
    """Sixteen seeds to pick from, twice."""
    scene.open(name)
    scene.log()
    scene.app.click("seed_grid_open")
    scene.app.settle(10)
    scene.app.click("seed_grid_new")
    scene.app.settle(10)
    found = told(scene.log().during(""))
    scene.app.click("seed_grid_open")
    return found


def sheet(scene: Scene, name: str) -> dict[str, object]:
    """Five rows by five columns of full pictures."""
    scene.open(name)
    scene.app.front(Place.SHEET)
    scene.log()
    scene.app.click("sheet_make")
    scene.app.settle(10)
    return told(scene.log().during("Make the mixing sheet"))


def projecting(scene: Scene, name: str) -> dict[str, object]:
    """A photo, which is the first picture, is looked for in W, and the picture follows the search."""
    app, photo = scene.app, Path(tempfile.mkdtemp()) / "photo.png"
    if name in scene.models:
        scene.open(name)
    Image.fromarray(app.frame(photo.with_suffix(".raw"))).save(photo)
    app.front(Place.PROJECTION)
    app.drop(photo)
    app.wait_for(lambda: bool(app.value("photo_note")))
    app.scroll_to("photo_stop", Place.PROJECTION)
    app.type_number("photo_time", "300")
    app.plays = True
    app.click("photo_project")
    app.wait_for(lambda: str(app.value("photo_status")).startswith("photo.png: W, "), frames=3000)
    scene.log()
    time.sleep(scene.seconds)
    log = scene.log()
    app.click("photo_stop")
    app.plays = False
    return told(log.during("Project"))


WORK: dict[str, tuple[Callable[[Scene, str], dict[str, object]], str]] = {
    "opening StyleGAN2 256²": (loading, "stylegan2-256"),
    "opening StyleGAN2 1024²": (loading, "stylegan2-1024"),
    "opening StyleGAN3-T 256²": (loading, "stylegan3-t-256"),
    "dragging StyleGAN2 256²": (dragging, "stylegan2-256"),
    "dragging StyleGAN2 1024²": (dragging, "stylegan2-1024"),
    "dragging StyleGAN3-T 256²": (dragging, "stylegan3-t-256"),
    "16 seeds of StyleGAN2 256²": (small_pictures, "stylegan2-256"),
    "sheet of StyleGAN2 256²": (sheet, "stylegan2-256"),
    "projecting on the bundled model": (projecting, BUNDLED),
}


def write_model(name: str, folder: Path) -> Path:
    """A file of random weights in a published standard configuration."""
    path = folder / f"{name}.safetensors"
    if not path.exists():
        torch.manual_seed(0)
        save_checkpoint(CheckpointParts(our_generator(Shape.of(name))), path)
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--work", action="append", choices=list(WORK), help="all without one")
    parser.add_argument("--models", type=Path, help="folder that keeps the random models from one run to the next")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each drag")
    parser.add_argument("--write", metavar="NAME", help=f"keep the results in {RESULTS.name} under this name")
    options = parser.parse_args()
    wanted = {name: WORK[name] for name in options.work or WORK}
    about = machine()
    with virtual_display() as display, tempfile.TemporaryDirectory() as folder:
        kept = options.models or Path(folder)
        models = {name: write_model(name, kept) for name in sorted({model for _, model in wanted.values()} - {BUNDLED})}
        results: dict[str, object] = {}
        for name, (do, model) in wanted.items():
            # A new process each time: nothing is loaded, compiled or cached by what came before.
            app = App(display, Path(tempfile.mkdtemp(dir=folder)))
            app.settle(30)
            scene = Scene(app, Hand(display), models, options.seconds)
            results[name] = do(scene, model)
            app.quit()
            print(name, json.dumps(results[name]), flush=True)
            time.sleep(0.2)
    if options.write:
        report = {"machine": about, "work": results}
        kept_results = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
        RESULTS.write_text(json.dumps({**kept_results, options.write: report}, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
