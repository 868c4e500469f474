"""Stopping and going on, and what a snapshot is worth."""

import dataclasses
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

import explorer
from explorer.errors import CheckpointError
from tests.training.conftest import SAMPLE
from training.config import ConfigError, TrainingConfig
from training.data import TrainingSet
from training.export import export
from training.export import main as export_main
from training.grid import sample
from training.loop import train
from training.run import KEPT_SNAPSHOTS, open_run, run_training
from training.snapshot import load_snapshot, newest_snapshot, save_snapshot, snapshot_path
from training.state import TrainingState, new_state

ROOT = Path(__file__).parents[2]


def advance(state: TrainingState, toons: TrainingSet, steps: int) -> None:
    until = state.shown + steps * state.config.batch
    for _ in train(state, toons, until_shown=until):
        pass


def everything(state: TrainingState) -> dict[str, Tensor]:
    tensors = {f"{name}.{key}": value for name, model in state.models() for key, value in model.state_dict().items()}
    for name, _, adam in state.optimizers():
        for i, (_, moments) in enumerate(adam.state.items()):
            tensors |= {f"adam.{name}.{i}.{key}": value for key, value in moments.items()}
    return tensors | {"pl_mean": state.pl_mean, "position": torch.tensor(state.sampler.position)}


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_stop_and_resume_equals_never_stopping(
    tiny: TrainingConfig, toons: TrainingSet, tmp_path: Path, stop_after: int, precision: str
) -> None:
    config = dataclasses.replace(tiny, precision=precision)
    whole = new_state(config, toons)
    advance(whole, toons, 5)

    begun = new_state(config, toons)
    advance(begun, toons, stop_after)
    path = snapshot_path(tmp_path, begun.shown)
    save_snapshot(begun, path, card={})
    resumed = load_snapshot(path)
    advance(resumed, toons, 5 - stop_after)

    expected, got = everything(whole), everything(resumed)
    assert expected.keys() == got.keys()
    assert [name for name in expected if not torch.equal(expected[name], got[name])] == []
    assert (whole.step, whole.shown) == (resumed.step, resumed.shown)


def test_the_same_seed_gives_the_same_run_and_another_seed_another(tiny: TrainingConfig, toons: TrainingSet) -> None:
    runs = [new_state(config, toons) for config in (tiny, tiny, dataclasses.replace(tiny, seed=1))]
    for state in runs:
        advance(state, toons, 2)
    first, again, other = (everything(state)["g.synthesis.b8.conv1.weight"] for state in runs)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_training_leaves_torchs_global_random_stream_alone(tiny: TrainingConfig, toons: TrainingSet) -> None:
    before = torch.random.get_rng_state()
    advance(new_state(tiny, toons), toons, 1)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_snapshot_opens_as_the_averaged_model(tiny: TrainingConfig, toons: TrainingSet, tmp_path: Path) -> None:
    state = new_state(tiny, toons)
    advance(state, toons, 3)
    save_snapshot(state, tmp_path / "a.safetensors", card={"kimg": 0.012})
    checkpoint = explorer.open_checkpoint(tmp_path / "a.safetensors")
    assert torch.equal(sample(checkpoint.generator, range(3)), sample(state.average, range(3)))
    assert checkpoint.info.kimg == 0.012
    assert checkpoint.discriminator is not None


def test_an_export_is_half_precision_and_carries_its_card(
    tiny: TrainingConfig, toons: TrainingSet, tmp_path: Path
) -> None:
    state = new_state(tiny, toons)
    advance(state, toons, 3)
    run_folder = tmp_path / "run"
    run_folder.mkdir()
    save_snapshot(state, snapshot_path(run_folder, state.shown), card={"kimg": 0.012, "data": "toons"})
    card = export(
        run_folder, tmp_path / "out.safetensors", card={"licence": "CC-BY-4.0"}, pictures=toons, features=False
    )
    opened = explorer.open_checkpoint(tmp_path / "out.safetensors")
    assert opened.info.licence == "CC-BY-4.0"
    assert opened.info.data == "toons"
    assert dict(opened.info.card) == card
    assert opened.info.metrics
    text = (tmp_path / "out.md").read_text()
    assert text.startswith("# out\n")
    assert "**Licence**: CC-BY-4.0" in text
    assert (tmp_path / "out.safetensors").stat().st_size < snapshot_path(run_folder, state.shown).stat().st_size / 8
    difference = sample(opened.generator, range(8)).float() - sample(state.average, range(8)).float()
    assert difference.abs().mean() < 1


def test_measured_metrics_go_into_the_card_of_the_model_that_they_are_of(
    tiny: TrainingConfig, toons: TrainingSet, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    state, snapshot = new_state(tiny, toons), tmp_path / "a.safetensors"
    save_snapshot(state, snapshot, card={"metrics": {"kept": 1}})
    sha = explorer.open_checkpoint(snapshot).info.sha256

    def report(name: str, model: str) -> str:
        value = {"name": "EQ-T in dB", "of": "9 moves", "spread": None}
        about = {"file": f"{name}.safetensors", "model": model}
        (tmp_path / name).write_text(json.dumps({"eq_t": 12.345, "about": about, "details": {"eq_t": value}}))
        return str(tmp_path / name)

    mine, other = report("mine", sha), report("other", "0" * 64)
    words = [str(snapshot), str(tmp_path / "b.safetensors")]
    assert export_main([*words, "--metrics", mine, "--beside", other]) == 0
    capsys.readouterr()
    card = explorer.open_checkpoint(tmp_path / "b.safetensors").info.card
    assert card["metrics"] == {"kept": 1, "EQ-T in dB, 9 moves": 12.35}
    assert card["metrics of other.safetensors, to compare"] == {"EQ-T in dB, 9 moves": 12.35}
    assert export_main([*words, "--metrics", other]) == 2
    assert "is not the model that is exported" in capsys.readouterr().err
    (tmp_path / "no").write_text("{}")
    assert export_main([*words, "--metrics", str(tmp_path / "no")]) == 2
    assert "main.py metrics --json" in capsys.readouterr().err


def test_a_run_writes_log_grids_and_few_snapshots(tiny: TrainingConfig, toons: TrainingSet, tmp_path: Path) -> None:
    state = open_run(tmp_path / "run", toons, settings=dataclasses.asdict(tiny))
    run_training(state, toons, tmp_path / "run")
    lines = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines][:3] == ["start", "begin", "step"]
    assert lines[-1] == {"event": "stop", "shown": 24}
    assert {"g_loss", "d_loss", "r1_penalty", "pl_penalty"} <= set().union(*lines)
    assert len(list((tmp_path / "run").glob("snapshot-*.safetensors"))) == KEPT_SNAPSHOTS
    assert len(list((tmp_path / "run").glob("fakes*.png"))) == 3
    assert (tmp_path / "run" / "reals.png").exists()


def test_held_out_pictures_are_never_shown(tiny: TrainingConfig, toons: TrainingSet, tmp_path: Path) -> None:
    state = open_run(tmp_path, toons, settings=dataclasses.asdict(tiny))
    assert state.sampler.count == len(toons.images) - tiny.holdout
    trained_on, held_out = toons.split(tiny.holdout)
    assert torch.equal(torch.cat([trained_on.images, held_out.images]), toons.images)


def test_what_shapes_a_run_cannot_change_when_it_goes_on(
    tiny: TrainingConfig, toons: TrainingSet, tmp_path: Path
) -> None:
    run_training(open_run(tmp_path, toons, settings=dataclasses.asdict(tiny)), toons, tmp_path)
    with pytest.raises(ConfigError, match=r"z_dim was 8 .* 16"):
        open_run(tmp_path, toons, settings={"z_dim": 16})
    with pytest.raises(ConfigError, match="name the data set that it began with"):
        open_run(tmp_path, toons.split(50)[0], settings={})
    resumed = open_run(tmp_path, toons, settings={"kimg": 1.0, "g_lr": 0.001})
    assert resumed.config == dataclasses.replace(tiny, kimg=1.0, g_lr=0.001)
    assert resumed.shown == 24
    assert resumed.generator_adam.param_groups[0]["lr"] == pytest.approx(0.001 * 2 / 3)


def test_a_model_without_training_state_is_refused(tiny: TrainingConfig, toons: TrainingSet, tmp_path: Path) -> None:
    state = new_state(tiny, toons)
    save_snapshot(state, tmp_path / "a.safetensors", card={})
    export(tmp_path / "a.safetensors", tmp_path / "b.safetensors", card={})
    with pytest.raises(CheckpointError, match="without the state of a training run"):
        load_snapshot(tmp_path / "b.safetensors")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CheckpointError, match="holds no snapshot"):
        export(tmp_path / "empty", tmp_path / "c.safetensors", card={})


def test_unfinished_files_are_no_snapshots(tmp_path: Path) -> None:
    assert newest_snapshot(tmp_path) is None
    for name in (".snapshot-0000000400.safetensors.1a.part", "snapshot-0000000200.safetensors.part", "snapshot-x"):
        (tmp_path / name).touch()
    assert newest_snapshot(tmp_path) is None
    for shown in (8, 100, 24):
        snapshot_path(tmp_path, shown).touch()
    assert newest_snapshot(tmp_path) == snapshot_path(tmp_path, 100)


def command(folder: Path, *options: str) -> list[str]:
    tiny = (
        "--z-dim=8",
        "--w-dim=8",
        "--channel-base=128",
        "--channel-max=8",
        "--batch=4",
        "--holdout=20",
        "--metric=pixels",
    )
    return [sys.executable, "-m", "training", str(folder), "--data", str(SAMPLE), "--threads=1", *tiny, *options]


def start_and_await_first_snapshot(folder: Path) -> "subprocess.Popen[str]":
    options = ("--kimg", "1000", "--snapshot-kimg", "0.004", "--log-kimg", "0.004")
    process = subprocess.Popen(command(folder, *options), cwd=ROOT, stderr=subprocess.PIPE, text=True)
    # The log is what a watching program reads; a line appears as soon as the snapshot is whole.
    while newest_snapshot(folder) is None:
        assert process.poll() is None, process.communicate()[1]
        try:
            process.wait(timeout=0.1)
        except subprocess.TimeoutExpired:
            continue
    return process


def test_a_killed_run_goes_on_from_its_last_snapshot(tmp_path: Path) -> None:
    process = start_and_await_first_snapshot(tmp_path)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    newest = newest_snapshot(tmp_path)
    assert newest is not None
    shown = load_snapshot(newest).shown
    assert shown >= 4
    resumed = subprocess.run(
        command(tmp_path, "--kimg", str((shown + 4) / 1000)), cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert resumed.returncode == 0, resumed.stderr
    assert newest_snapshot(tmp_path) == snapshot_path(tmp_path, shown + 4)


def test_a_terminated_run_saves_before_it_ends(tmp_path: Path) -> None:
    process = start_and_await_first_snapshot(tmp_path)
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    last = json.loads((tmp_path / "log.jsonl").read_text().splitlines()[-1])
    assert last["event"] == "stop"
    assert newest_snapshot(tmp_path) == snapshot_path(tmp_path, last["shown"])


def test_wrong_input_is_one_line_and_status_2(tmp_path: Path) -> None:
    (tmp_path / "no.zip").write_text("not a zip")
    wrong = [sys.executable, "-m", "training", str(tmp_path / "run"), "--data", str(tmp_path / "no.zip")]
    result = subprocess.run(wrong, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 2
    assert result.stderr.count("\n") == 1
    assert "no.zip" in result.stderr
