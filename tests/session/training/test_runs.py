"""Runs of the real trainer, as the window starts and watches them."""

import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from explorer.checkpoints import open_checkpoint
from explorer.errors import StateError
from explorer.project.claim import claim, read_claim
from explorer.session.job import Job
from explorer.session.training import Making, RunView, Training, TrainingPlan, free_zip
from explorer.session.training.report import read_report
from tests.session.training.sets import OPTIONS, SAMPLE, encoded, write_zip

WAIT_S = 180


@pytest.fixture
def training() -> Iterator[Training]:
    """Runs end with the test, and so must their processes."""
    training = Training(add=lambda job: None, changed=lambda: None)
    yield training
    for run in training.live:
        run.kill()
        run.wait_until(ended, WAIT_S)
    training.close()


def ended(view: RunView) -> bool:
    return not view.is_live


def shown(path: Path) -> int:
    return int(path.stem.removeprefix("snapshot-"))


def test_a_run_is_watched_stopped_from_elsewhere_gone_on_with_killed_and_finished(
    training: Training, tmp_path: Path
) -> None:
    folder = tmp_path / "a run"
    run = training.start(TrainingPlan(SAMPLE, folder, "tiny", kimg=500, options=OPTIONS))
    assert run.view.status == "starting"
    assert run.wait_until(lambda view: view.grids.fakes is not None and "g_loss" in view.curves, WAIT_S), run.view.error
    view = run.view
    assert (view.status, view.goal_kimg, view.name, view.data) == ("running", 500, "toons", str(SAMPLE))
    assert view.grids.fakes is not None
    assert view.grids.reals is not None
    assert view.grids.fakes.shape == view.grids.reals.shape
    assert view.left_s is not None
    assert {"d_loss", "augment_p", "s_per_kimg", view.metric} <= view.curves.keys()
    if hasattr(os, "getpriority"):
        claimed = read_claim(folder)
        assert claimed is not None
        assert os.getpriority(os.PRIO_PROCESS, claimed.pid) == 10

    # Another window, which did not start it, finds it, may not start a second one, and stops it.
    other = Training(add=lambda job: None, changed=lambda: None)
    found = other.watch(folder)
    assert found.wait_until(lambda view: view.status == "running", WAIT_S)
    with pytest.raises(StateError, match="being trained already"):
        other.resume(folder)
    with pytest.raises(StateError, match="being trained already"):
        other.start(TrainingPlan(SAMPLE, folder))
    found.stop()
    assert found.wait_until(ended, WAIT_S)
    assert run.wait_until(ended, WAIT_S)
    assert (found.view.status, run.view.status, run.view.error) == ("stopped", "stopped", "")
    other.close()
    assert run.view.snapshot is not None
    assert shown(run.view.snapshot) == round(run.view.kimg * 1000)
    assert open_checkpoint(run.view.snapshot).spec.resolution == (64, 64)
    assert not (folder / "stop").exists()

    # It goes on where it stopped, is killed from outside, and is whole.
    before = run.view.kimg
    run = training.resume(folder)
    assert run.wait_until(lambda view: view.kimg > before, WAIT_S), run.view.error
    claimed = read_claim(folder)
    assert claimed is not None
    os.kill(claimed.pid, signal.SIGKILL)
    assert run.wait_until(ended, WAIT_S)
    assert run.view.status == "failed"
    assert "killed from outside" in run.view.error
    assert "is whole: Resume goes on" in run.view.error
    fresh = Training(add=lambda job: None, changed=lambda: None)
    assert fresh.watch(folder).wait_until(lambda view: "without a word" in view.error, WAIT_S)
    fresh.close()

    # To another length, to its end.
    goal = round(run.view.kimg * 1000 + 12) // 4 * 4 / 1000
    run = training.resume(folder, kimg=goal)
    assert run.wait_until(ended, WAIT_S)
    assert (run.view.status, run.view.kimg, run.view.share) == ("finished", goal, 1.0)


def test_what_the_trainer_refuses_is_told_in_its_words(training: Training, tmp_path: Path) -> None:
    odd = write_zip(tmp_path / "odd.zip", [encoded((37, 64), seed=seed) for seed in range(30)])
    run = training.start(TrainingPlan(odd, tmp_path / "odd", "tiny", options=OPTIONS))
    assert run.wait_until(ended, WAIT_S)
    assert run.view.status == "failed"
    assert "make them 36 x 64" in run.view.error
    assert run.view.error.startswith("pictures of 37 x 64")


def test_a_file_in_the_place_of_the_folder_is_told(training: Training, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    run = training.start(TrainingPlan(SAMPLE, tmp_path / "file" / "run", "tiny", options=OPTIONS))
    assert run.wait_until(ended, WAIT_S)
    assert "cannot be written" in run.view.error


def test_the_cost_is_what_a_trial_measured(training: Training, tmp_path: Path) -> None:
    small = write_zip(tmp_path / "small.zip", [encoded(seed=seed) for seed in range(30)])
    plan = TrainingPlan(small, tmp_path / "run", "auto", kimg=3, options=OPTIONS)
    asked = training.cost(plan, seconds=0)
    assert asked.job.wait(WAIT_S)
    assert asked.answer is not None, asked.job.error
    cost = asked.answer
    assert cost.plan is plan
    assert cost.total_s == pytest.approx(3 * cost.s_per_kimg)
    assert cost.memory_bytes > 2**27
    assert any(note.startswith("augment = ada: ") for note in cost.notes)
    assert not plan.folder.exists()


def test_a_run_that_does_not_say_how_it_began_asks_for_its_data_set(training: Training, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text("")
    with pytest.raises(StateError, match="does not say how it was started"):
        training.resume(tmp_path)


def test_a_claim_is_alive_as_long_as_it_is_held_and_remembers_the_last_good_words(tmp_path: Path) -> None:
    run = tmp_path / "run"
    assert read_claim(run) is None
    with claim(run) as tell:
        tell(Path("/data.zip"), ["run", "--kimg", "3"])
    with claim(run):
        held = read_claim(run)
        assert held is not None
        assert (held.alive, held.pid) == (True, os.getpid())
    left = read_claim(run)
    assert left is not None
    assert (left.alive, left.data, left.arguments) == (False, "/data.zip", ("run", "--kimg", "3"))
    for damage in ("", "[]", '{"pid": "x"}', '{"pid": 3, "arguments": 4}'):
        (run / "trainer.json").write_text(damage)
        assert read_claim(run) is None


def test_older_sheets_can_be_looked_at(training: Training, tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"fakes{number * 1000:010d}.png").write_bytes(encoded(seed=number))
    (tmp_path / "log.jsonl").write_text(json.dumps({"event": "start", "config": {}}) + "\n")
    run = training.watch(tmp_path)
    assert run.wait_until(lambda view: view.grids.index == 2, WAIT_S)
    run.show_grid(0)
    assert run.wait_until(lambda view: view.grids.index == 0 and view.grids.kimg == 0, WAIT_S)
    shutil.copy(tmp_path / "fakes0000002000.png", tmp_path / "fakes0000003000.png")
    run.show_grid(None)
    assert run.wait_until(lambda view: view.grids.index == 3 and view.grids.kimg == 3, WAIT_S)


def test_a_folder_is_looked_at_closely_and_made_a_data_set(training: Training, tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    for number in range(6):
        (photos / "ab"[number % 2]).mkdir(parents=True, exist_ok=True)
        (photos / "ab"[number % 2] / f"{number}.png").write_bytes(encoded((40, 32 + number), seed=number))
    (photos / "a" / "bad.png").write_bytes(b"no picture")
    looked = training.health(photos)
    assert looked.job.wait(WAIT_S)
    assert looked.answer is not None, looked.job.error
    assert [name for name, _ in looked.answer.skipped] == ["a/bad.png"]
    assert looked.answer.pictures == 6

    made = training.make(Making(photos, free_zip(photos), "32", "crop", folders_are_classes=True))
    assert made.job.wait(WAIT_S)
    assert made.answer is not None, made.job.error
    found = read_report(tmp_path / "photos.zip", Job("look"))
    assert found is not None
    assert (found.size, found.classes, found.can_be_trained_on) == ((32, 32), (("a", 3), ("b", 3)), True)
    assert free_zip(photos) == tmp_path / "photos-2.zip"

    refused = training.make(Making(photos, tmp_path / "no" / "where.zip"))
    assert refused.job.wait(WAIT_S)
    assert "is no folder" in str(refused.job.error)
