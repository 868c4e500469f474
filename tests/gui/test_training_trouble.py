"""What the Training tab says where something is wrong: with the data or the folder. Nothing is lost."""

import io
import json
import resource
import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

from explorer.checkpoints import open_checkpoint
from explorer.project.claim import read_claim
from tests.gui.conftest import NETS
from tests.gui.driver import App
from tests.gui.test_training_tab import PATIENCE, run_folder, settings, start, status
from training.command import main as train
from training.snapshot import newest_snapshot
from widgets.layout import Place

__all__ = ["run_folder", "settings"]

MODEL = NETS / "sg2_64_rgb.pkl"


def picture(side: int, kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    pixels = np.random.default_rng(side).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(pixels).save(buffer, kind)
    return buffer.getvalue()


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def bad_data(folder: Path) -> dict[Path, tuple[str, str]]:
    """Data sets that cannot be trained on, where the tab says so and what."""
    (folder / "empty").mkdir()
    cut = picture(16, "JPEG")[:200]
    half = {"a.png": picture(16), "b.png": picture(16), "dataset.json": json.dumps({"labels": [["a.png", 0]]}).encode()}
    mixed = {"a.png": picture(16), "b.png": picture(16), "c.png": picture(8)}
    return {
        folder / "nothing.zip": ("facts", "There is nothing at"),
        folder / "empty": ("facts", "holds no pictures"),
        zipped(folder / "jpegs.zip", {"a.jpg": cut[:40], "b.jpg": b"JFIF"}): ("facts", "None of the 2 pictures"),
        zipped(folder / "cut.zip", {"a.png": picture(16), "b.jpg": b"JFIF"}): ("problems", "b.jpg cannot be read"),
        zipped(folder / "one.zip", {"a.png": picture(16)}): ("problems", "One picture is no data set"),
        zipped(folder / "mixed.zip", mixed): ("problems", "c.png: 8 × 8, while most pictures are 16 × 16"),
        zipped(folder / "labels.zip", half): ("problems", "b.png have no label"),
    }


def test_data_that_cannot_be_trained_on_and_a_folder_of_another_run_are_named(
    display: str, settings: Path, tmp_path: Path
) -> None:
    other = zipped(tmp_path / "other.zip", {f"{i}.png": picture(8) for i in range(8)})
    words = ("--z-dim=8", "--w-dim=8", "--channel-base=64", "--channel-max=8", "--batch=4", "--holdout=2")
    assert train([str(tmp_path / "run"), "--data", str(other), *words, "--kimg=0.004", "--metric-pictures=0"]) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "run").glob("snapshot-*")}
    app = App(display, settings, MODEL)
    try:
        app.front(int(Place.TRAINING))
        for path, (place, message) in bad_data(tmp_path).items():
            app.type("training_data", str(path))
            app.wait_for(lambda at=place, text=message: text in app.value(f"training_{at}"), frames=PATIENCE)
            assert not app.enabled("training_start")
        app.click("training_sample")
        app.wait_for(lambda: app.value("training_facts").startswith("200 pictures"), frames=PATIENCE)
        app.type("training_folder", str(tmp_path / "run"))
        app.plays = True
        app.click("training_start")
        app.wait_for(lambda: "this run began with" in app.value("training_error"), frames=PATIENCE)
        assert "name the data set that it began with, or another folder" in app.value("training_error")
        assert status(app) == "Failed"
        assert app.quit() == 0
    finally:
        app.kill()
    assert {path: path.read_bytes() for path in (tmp_path / "run").glob("snapshot-*")} == before


def told(app: App) -> list[str]:
    """What the trainer says in the tab."""
    return [str(app.value(f"training_told_{place}")) for place in range(2)]


def test_a_disk_that_is_full_is_named_and_training_saves_again_when_there_is_room(
    display: str, settings: Path, run_folder: Path
) -> None:
    app = App(display, settings, MODEL)
    try:
        start(app, run_folder)
        app.wait_for(lambda: newest_snapshot(run_folder) is not None, frames=PATIENCE)
        claim = read_claim(run_folder)
        assert claim is not None
        kept = newest_snapshot(run_folder)
        assert kept is not None
        limits = resource.prlimit(claim.pid, resource.RLIMIT_FSIZE)
        # No file of the trainer can be longer than this: to whoever writes, the same as a disk that fills up.
        resource.prlimit(claim.pid, resource.RLIMIT_FSIZE, (kept.stat().st_size // 2, limits[1]))
        app.wait_for(lambda: any("no snapshot was saved" in line for line in told(app)), frames=PATIENCE)
        assert all("cannot be written" in line for line in told(app) if "snapshot" in line)
        assert status(app) == "Running"
        last = newest_snapshot(run_folder)
        assert last is not None
        assert open_checkpoint(last).spec.resolution == (64, 64)
        resource.prlimit(claim.pid, resource.RLIMIT_FSIZE, limits)
        app.wait_for(lambda: newest_snapshot(run_folder) != last, frames=PATIENCE)
        app.click("training_stop")
        app.wait_for(lambda: status(app) == "Stopped", frames=PATIENCE)
        assert not list(run_folder.glob(".*.part"))
        assert app.quit() == 0
    finally:
        app.kill()
