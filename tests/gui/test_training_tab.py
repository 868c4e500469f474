"""The Training tab, by hand: a tiny run on the sample, from choosing it to the picture of its model."""

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from explorer.checkpoints import open_checkpoint
from explorer.project.claim import read_claim
from tests.gui.conftest import NETS
from tests.gui.driver import App
from widgets.layout import Place

# The space keeps the typing tool from reading the words as its own options.
OPTIONS = " --config tests/gui/tiny_run.json"
PATIENCE = 60_000
MODEL = NETS / "sg2_64_rgb.pkl"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Settings of a person whose runs lie beside them."""
    folder = tmp_path / "settings"
    kept = {"version": 1, "tour_seen": True, "runs_folder": str(tmp_path)}
    (folder / "latent-explorer").mkdir(parents=True)
    (folder / "latent-explorer" / "settings.json").write_text(json.dumps(kept))
    return folder


@pytest.fixture
def run_folder(tmp_path: Path) -> Iterator[Path]:
    """Where the run will lie; whatever still trains there ends with the test."""
    folder = tmp_path / "toons-sample"
    yield folder
    claimed = read_claim(folder)
    if claimed is not None and claimed.alive:
        os.kill(claimed.pid, signal.SIGKILL)


def status(app: App) -> str:
    return str(app.value("training_status"))


def points(app: App, name: str) -> int:
    return len(app.value(f"training_line_{name}_0")[0])


def model(app: App) -> str:
    return str(app.ask("state")["model"])


def start(app: App, folder: Path) -> None:
    app.front(int(Place.TRAINING))
    app.click("training_sample")
    app.wait_for(lambda: app.value("training_facts").startswith("200 pictures"), frames=PATIENCE)
    app.wait_for(lambda: app.value("training_folder") == str(folder))
    app.type("training_options", OPTIONS)
    app.plays = True
    app.click("training_start")
    app.wait_for(lambda: status(app) == "Running", frames=PATIENCE)


def board(app: App) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Generated pictures and real ones, as they are on screen."""
    left, top, width, height = (round(side) for side in app.rect("training_board"))
    whole = app.screen()[top + 24 : top + height, left : left + width]
    return whole[:, : width // 2 - 12], whole[:, width // 2 + 12 :]


def watch(app: App) -> None:
    """Plots move, and pictures are on screen."""
    app.wait_for(lambda: points(app, "loss") > 2, frames=PATIENCE)
    before = points(app, "loss")
    app.wait_for(lambda: points(app, "loss") > before and points(app, "metric") > 1, frames=PATIENCE)
    app.wait_for(lambda: all(half.std() > 10 for half in board(app)), frames=PATIENCE)


def follow(app: App) -> None:
    """Its model opens, and what a person does to it stays when it moves on."""
    app.click("training_open")
    app.wait_for(lambda: model(app).startswith("snapshot-"), frames=PATIENCE)
    app.drag_slider("psi", 0.57, 0.75)
    first, state, steps = model(app), app.state, app.ask("state")["steps"]
    assert state["truncation"]["psi"] > 0.8
    app.click("training_follow")
    app.wait_for(lambda: model(app) > first, frames=PATIENCE)
    followed = app.state
    assert followed["checkpoint"] != state["checkpoint"]
    assert {**followed, "checkpoint": state["checkpoint"]} == state
    assert app.ask("state")["steps"] == steps


def test_a_run_is_started_watched_followed_outlives_its_window_and_is_stopped_by_the_next(
    display: str, settings: Path, run_folder: Path
) -> None:
    app = App(display, settings, MODEL)
    try:
        start(app, run_folder)
        watch(app)
        follow(app)
    finally:
        app.kill()
    claimed = read_claim(run_folder)
    assert claimed is not None
    assert claimed.alive, "the trainer outlives a window that is killed"
    before = len((run_folder / "log.jsonl").read_bytes())

    app = App(display, settings, MODEL)
    try:
        app.front(int(Place.TRAINING))
        app.plays = True
        app.wait_for(lambda: status(app) == "Running", frames=PATIENCE)
        app.wait_for(lambda: len((run_folder / "log.jsonl").read_bytes()) > before, frames=PATIENCE)
        app.keys("ctrl+q")
        app.wait_for(lambda: bool(app.ask("exists", tag="quit_stay")["exists"]))
        app.settle(5)
        app.click("quit_stay")
        app.click("training_stop")
        app.wait_for(lambda: status(app) == "Stopped", frames=PATIENCE)
        newest = max(run_folder.glob("snapshot-*.safetensors"))
        last = json.loads((run_folder / "log.jsonl").read_text().splitlines()[-1])
        assert (last["event"], last["shown"]) == ("stop", int(newest.stem.removeprefix("snapshot-")))
        app.click("training_open")
        app.wait_for(lambda: model(app) == newest.stem, frames=PATIENCE)
        app.plays = False
        app.front(int(Place.PICTURE))
        assert app.frame(run_folder / "frame").shape == (64, 64, 3)
        shown = app.picture_on_screen()
        assert np.unique(shown.reshape(-1, 3), axis=0).shape[0] > 50
        for snapshot in run_folder.glob("snapshot-*.safetensors"):
            assert open_checkpoint(snapshot).spec.resolution == (64, 64)
        assert app.quit() == 0
    finally:
        app.kill()


def test_what_is_no_data_set_says_so_and_what_is_dropped_is_looked_at(
    display: str, settings: Path, tmp_path: Path
) -> None:
    app = App(display, settings, MODEL)
    try:
        app.front(int(Place.TRAINING))
        assert not app.enabled("training_start")
        letter = tmp_path / "l.zip"
        letter.write_text("Dear all")
        app.type("training_data", str(letter))
        app.wait_for(lambda: "is no zip of pictures" in app.value("training_facts"), frames=PATIENCE)
        assert not app.enabled("training_start")
        app.front(int(Place.PICTURE))
        app.drop(Path("assets/datasets/toons-sample.zip").absolute())
        app.wait_for(lambda: app.value("training_facts").startswith("200 pictures"), frames=PATIENCE)
        app.wait_for(lambda: app.enabled("training_start"))
        app.type("training_options", " --kimg 3")
        app.click("training_start")
        app.wait_for(lambda: "place of its own" in app.value("training_complaint"))
        assert app.quit() == 0
    finally:
        app.kill()
