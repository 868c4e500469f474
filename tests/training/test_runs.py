"""Whole runs: resumed, killed, stopped, without room or memory, from other models, by the command line."""

import dataclasses
import errno
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

import training.loop
import training.run
from explorer.checkpoints import open_checkpoint
from explorer.errors import CheckpointError
from tests.models import write_stylegan2, write_stylegan3
from tests.tolerances import RANKS
from tests.training.conftest import SAMPLE
from tests.training.kills import kill_at_random
from training.config import ConfigError, TrainingConfig
from training.data import TrainingSet
from training.grid import sample
from training.loop import train
from training.run import STOP_FILE, TrainingError, open_run, run_training
from training.snapshot import load_snapshot, newest_snapshot, save_snapshot, snapshot_path, snapshots
from training.state import TrainingState, new_state

ROOT = Path(__file__).parents[2]


def everything(state: TrainingState) -> dict[str, Tensor]:
    tensors = {f"{name}.{key}": value for name, model in state.models() for key, value in model.state_dict().items()}
    for name, _, adam in state.optimizers():
        for i, (_, moments) in enumerate(adam.state.items()):
            tensors |= {f"adam.{name}.{i}.{key}": value for key, value in moments.items()}
    numbers = (state.augment_p, state.ada_mean_sign, state.sampler.position, state.step, state.shown)
    return tensors | {"pl_mean": state.pl_mean, "ada_signs": state.ada_signs, "numbers": torch.tensor(numbers)}


def log_of(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / "log.jsonl").read_text().splitlines()]


def test_two_hundred_steps_with_ada_in_parts_equal_two_hundred_at_once(
    tiny: TrainingConfig, dots: TrainingSet, tmp_path: Path
) -> None:
    config = dataclasses.replace(
        tiny, augment="ada", augment_p=0.4, ada_kimg=1.0, ada_interval=3, pl_interval=8, r1_interval=8
    )
    whole, begun = new_state(config, dots), new_state(config, dots)
    p = [whole.augment_p for _ in train(whole, dots, until_shown=200 * config.batch)]
    for until in (1, 37, 38, 121, 200):
        for _ in train(begun, dots, until_shown=until * config.batch):
            pass
        path = snapshot_path(tmp_path, begun.shown)
        save_snapshot(begun, path, card={})
        begun = load_snapshot(path)
    expected, got = everything(whole), everything(begun)
    assert whole.step == 200
    assert len(set(p)) > 3, "the probability has to move for this to mean anything"
    assert expected.keys() == got.keys()
    assert [name for name in expected if not torch.equal(expected[name], got[name])] == []


def test_killed_runs_always_go_on_and_every_snapshot_opens(tmp_path: Path) -> None:
    outcomes = kill_at_random(tmp_path, kills=3, seed=1)
    shown = [outcome.shown for outcome in outcomes]
    assert shown == sorted(set(shown))


def test_a_stop_file_ends_a_run_with_a_snapshot_and_goes(
    tiny: TrainingConfig, dots: TrainingSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = dataclasses.replace(tiny, kimg=1000.0, snapshot_kimg=1000.0)
    state = new_state(config, dots.split(config.holdout)[0])
    step = training.loop.train_step

    def stopping(*given: object) -> dict[str, Tensor]:
        if state.step == 2:
            (tmp_path / STOP_FILE).touch()
        return step(*given)

    monkeypatch.setattr(training.loop, "train_step", stopping)
    run_training(state, dots, tmp_path)
    assert load_snapshot(snapshot_path(tmp_path, 12)).step == 3
    assert not (tmp_path / STOP_FILE).exists()
    assert log_of(tmp_path)[-1] == {"event": "stop", "shown": 12}


def test_running_out_of_memory_leaves_the_last_snapshot_whole_and_says_what_to_do(
    tiny: TrainingConfig, dots: TrainingSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = open_run(tmp_path, dots, settings={**dataclasses.asdict(tiny), "kimg": 1.0})
    step = training.loop.train_step

    def greedy(*given: object) -> dict[str, Tensor]:
        if state.step == 3:
            raise RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate")
        return step(*given)

    monkeypatch.setattr(training.loop, "train_step", greedy)
    with pytest.raises(TrainingError, match=r"snapshot-0000000008.safetensors is whole: go on with --accumulate 2"):
        run_training(state, dots, tmp_path)
    assert load_snapshot(snapshot_path(tmp_path, 8)).step == 2
    assert log_of(tmp_path)[-1]["kind"] == "memory"


def test_a_full_disk_leaves_the_last_snapshot_whole_and_the_run_goes_on(
    tiny: TrainingConfig, dots: TrainingSet, tmp_path: Path
) -> None:
    config = dataclasses.replace(tiny, kimg=0.016)
    run_training(new_state(config, dots.split(config.holdout)[0]), dots, tmp_path)
    kept = newest_snapshot(tmp_path)
    assert kept is not None
    before = kept.read_bytes()
    longer = open_run(tmp_path, dots, settings={"kimg": 0.04})
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # No file can be longer than this: to whoever writes, the same as a disk that fills up.
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(before) // 2, limits[1]))
    try:
        with pytest.raises(CheckpointError, match="cannot be written"):
            run_training(longer, dots, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert longer.shown == 40
    assert [line["kind"] for line in log_of(tmp_path) if line["event"] == "message"] == ["snapshot"] * 2
    assert newest_snapshot(tmp_path) == kept
    assert kept.read_bytes() == before
    assert not list(tmp_path.glob(".*.part"))
    assert load_snapshot(kept).shown == 16


def test_pictures_that_find_no_room_cost_no_snapshot_and_the_message_names_them(
    tiny: TrainingConfig, dots: TrainingSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, images: Tensor, *, columns: int) -> None:
        if path.name.startswith("fakes"):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(training.run, "save_grid", full)
    config = dataclasses.replace(tiny, kimg=0.016)
    run_training(new_state(config, dots.split(config.holdout)[0]), dots, tmp_path)
    kept = newest_snapshot(tmp_path)
    assert kept is not None
    assert load_snapshot(kept).shown == 16
    said = [line["text"] for line in log_of(tmp_path) if line["event"] == "message"]
    assert said[-1] == "fakes0000000016.png cannot be written: No space left on device: make room on that disk"


def test_weights_that_are_no_numbers_are_never_saved(tiny: TrainingConfig, dots: TrainingSet, tmp_path: Path) -> None:
    state = new_state(tiny, dots)
    with torch.no_grad():
        state.generator.synthesis.b4.const.fill_(torch.nan)
    with pytest.raises(CheckpointError, match="are not numbers any more"):
        save_snapshot(state, snapshot_path(tmp_path, 4), card={})
    assert snapshots(tmp_path) == []


def test_the_newest_the_best_and_every_so_many_are_kept(
    tiny: TrainingConfig, dots: TrainingSet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = iter([9.0, 5.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    monkeypatch.setattr(training.run.QuickMetrics, "__call__", lambda *_: {"kid": next(values)})
    config = dataclasses.replace(tiny, kimg=0.048, snapshot_kimg=0.008, keep_kimg=0.02)
    run_training(new_state(config, dots.split(config.holdout)[0]), dots, tmp_path)
    # Best: 16 (2.0). Each first one after another 20: 24, 40. Newest two: 40, 48.
    assert [int(path.stem.split("-")[1]) for path in snapshots(tmp_path)] == [16, 24, 40, 48]
    newest = load_snapshot(snapshot_path(tmp_path, 48))
    assert (newest.best, newest.best_shown) == (2.0, 16)
    assert open_checkpoint(snapshot_path(tmp_path, 48)).info.metrics == {"kid": 6.0}


@pytest.mark.parametrize("write", [write_stylegan2, write_stylegan3])
def test_a_run_starts_from_a_model_as_far_as_it_fits(
    tiny: TrainingConfig, toons: TrainingSet, tmp_path: Path, write
) -> None:
    source = write(tmp_path / "source.safetensors", **({"resolution": 16} if write is write_stylegan2 else {}))
    given = open_checkpoint(source).generator
    three = {"pl_weight": 0.0, "style_mixing": 0.0, "margin": 4} if write is write_stylegan3 else {}
    names = ("batch", "mbstd_group", "channel_base", "channel_max", "holdout")
    settings = {name: getattr(tiny, name) for name in names} | three
    state = open_run(tmp_path / "run", toons, settings=settings, resume_from=source)
    assert torch.equal(sample(state.average, range(4)), sample(given, range(4)))
    assert (state.config.ema_rampup, state.config.blur_sigma, state.config.ada_kimg) == (None, 0.0, 100.0)
    assert state.config.z_dim == 20
    for _ in train(state, toons.split(20)[0], until_shown=4):
        pass
    assert not torch.equal(state.generator.state_dict()["mapping.fc0.weight"], given.state_dict()["mapping.fc0.weight"])


def test_a_larger_run_takes_the_blocks_that_fit_and_a_conditional_one_all_but_the_labels(
    tiny: TrainingConfig, toons: TrainingSet, dots: TrainingSet, tmp_path: Path
) -> None:
    source = write_stylegan2(tmp_path / "source.safetensors", resolution=8)
    settings = {"batch": 4, "holdout": 20, "channel_base": 128, "channel_max": 8}
    larger = open_run(tmp_path / "a", toons, settings=settings, resume_from=source)
    given = open_checkpoint(source).generator.state_dict()
    assert torch.equal(larger.generator.state_dict()["synthesis.b8.conv1.weight"], given["synthesis.b8.conv1.weight"])
    assert larger.generator.spec.resolution == (16, 16)
    conditional = open_run(tmp_path / "b", dots, settings=settings, resume_from=source)
    assert torch.equal(conditional.generator.state_dict()["synthesis.b4.const"], given["synthesis.b4.const"])
    assert conditional.generator.spec.c_dim == 3


def test_a_snapshot_of_another_run_gives_its_learning_weights_and_its_discriminator(
    tiny: TrainingConfig, dots: TrainingSet, tmp_path: Path
) -> None:
    state = new_state(tiny, dots)
    for _ in train(state, dots, until_shown=8):
        pass
    save_snapshot(state, tmp_path / "a.safetensors", card={})
    settings = {name: value for name, value in dataclasses.asdict(tiny).items() if name not in ("ema_rampup",)}
    begun = open_run(tmp_path / "run", dots, settings=settings, resume_from=tmp_path / "a.safetensors")
    for (_, ours), (_, theirs) in zip(begun.models(), state.models(), strict=True):
        for name, value in theirs.state_dict().items():
            assert torch.equal(ours.state_dict()[name], value), name


def test_a_family_that_cannot_be_trained_is_refused(tiny: TrainingConfig, dots: TrainingSet, tmp_path: Path) -> None:
    golden = ROOT / "tests" / "golden" / "nets" / "sgxl_t_32.pkl"
    with pytest.raises(ConfigError, match="goes on from StyleGAN2 and StyleGAN3 only"):
        open_run(tmp_path, dots, settings={}, resume_from=golden)


def settings_of(tiny: TrainingConfig) -> list[str]:
    flags = []
    for field in dataclasses.fields(tiny):
        value = getattr(tiny, field.name)
        if value is None or value == field.default:
            continue
        flag = "--" + field.name.replace("_", "-")
        flags += [flag if value else flag.replace("--", "--no-", 1)] if isinstance(value, bool) else [f"{flag}={value}"]
    return flags


def run_command(*arguments: str, ranks: int = 1) -> "subprocess.CompletedProcess[str]":
    launcher = [sys.executable, "-m"]
    if ranks > 1:
        launcher += ["torch.distributed.run", "--standalone", f"--nproc-per-node={ranks}", "-m"]
    return subprocess.run([*launcher, *arguments], cwd=ROOT, capture_output=True, text=True, check=False, timeout=1200)


def test_two_ranks_over_gloo_train_the_model_that_one_trains(tiny: TrainingConfig, tmp_path: Path) -> None:
    config = dataclasses.replace(tiny, batch=8, mbstd_group=2, augment="ada", augment_p=0.5, ada_kimg=1.0, kimg=0.032)
    flags = [*settings_of(config), "--data", str(SAMPLE), "--threads=1"]
    for ranks in (1, 2):
        done = run_command("training", str(tmp_path / str(ranks)), *flags, ranks=ranks)
        assert done.returncode == 0, done.stderr
    alone, together = (load_snapshot(snapshot_path(tmp_path / str(ranks), 32)) for ranks in (1, 2))
    assert alone.augment_p == together.augment_p != 0.5
    for (name, one), (_, two) in zip(alone.models(), together.models(), strict=True):
        for key, value in one.state_dict().items():
            torch.testing.assert_close(
                two.state_dict()[key], value, **RANKS.kwargs, msg=lambda m, at=f"{name}.{key}": f"{at}: {m}"
            )
    torch.testing.assert_close(together.pl_mean, alone.pl_mean, **RANKS.kwargs)


def test_the_main_program_trains_probes_and_refuses(tmp_path: Path) -> None:
    small = ("--z-dim=8", "--w-dim=8", "--channel-base=128", "--channel-max=8", "--batch=4", "--threads=1")
    verb = (sys.executable, "main.py", "train", str(SAMPLE), str(tmp_path / "run"))
    begun = subprocess.run(
        [*verb, *small, "--preset=tiny", "--kimg=0.004", "--tensorboard"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert begun.returncode == 0, begun.stderr
    assert newest_snapshot(tmp_path / "run") == snapshot_path(tmp_path / "run", 4)
    assert list((tmp_path / "run" / "tensorboard").glob("events*"))
    as_help_says = (sys.executable, "main.py", "train", "--data", str(SAMPLE), "--kimg=0.008", str(tmp_path / "run"))
    went_on = subprocess.run([*as_help_says, *small], cwd=ROOT, capture_output=True, text=True, check=False)
    assert went_on.returncode == 0, went_on.stderr
    assert newest_snapshot(tmp_path / "run") == snapshot_path(tmp_path / "run", 8)
    unnamed = subprocess.run(
        [sys.executable, "main.py", "train", str(SAMPLE)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert unnamed.returncode == 2
    assert "the run's folder" in unnamed.stderr


def test_a_probe_says_what_a_run_will_cost_and_leaves_nothing(
    tiny: TrainingConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.command import main

    flags = ["--data", str(SAMPLE), *settings_of(tiny), "--probe"]
    assert main([str(tmp_path / "run"), *flags]) == 0
    told = capsys.readouterr()
    cost = json.loads(told.out)
    assert cost["s_per_kimg"] > 0
    assert cost["memory_bytes"] > 1 << 20
    assert cost["total_s"] == pytest.approx(cost["s_per_kimg"] * 0.024)
    assert "s per kimg" in told.err
    assert not (tmp_path / "run").exists()


def test_settings_come_from_a_file_and_the_command_line_stands(
    tiny: TrainingConfig, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from training.command import main

    (tmp_path / "settings.json").write_text(dataclasses.replace(tiny, kimg=0.004).to_json())
    flags = ["--data", str(SAMPLE), "--config", str(tmp_path / "settings.json"), "--seed", "5"]
    assert main([str(tmp_path / "run"), *flags]) == 0
    assert load_snapshot(snapshot_path(tmp_path / "run", 4)).config == dataclasses.replace(tiny, kimg=0.004, seed=5)
    assert main([str(tmp_path / "run"), "--data", str(SAMPLE), "--config", str(tmp_path / "none.json")]) == 2
    assert "none.json cannot be read" in capsys.readouterr().err


def test_a_signal_is_handled_only_while_a_run_lasts() -> None:
    from training.command import _stopped_by_signals

    before = signal.getsignal(signal.SIGTERM)
    with _stopped_by_signals() as stopped:
        signal.raise_signal(signal.SIGTERM)
        assert stopped.is_set()
    assert signal.getsignal(signal.SIGTERM) == before


def test_a_preset_needs_no_more_than_its_name(tmp_path: Path) -> None:
    run = tmp_path / "run"
    small = ("--kimg=0", "--metric-pictures=0", "--channel-base=128", "--channel-max=8")
    done = run_command("training", str(run), "--data", str(SAMPLE), "--preset", "tiny", *small)
    assert done.returncode == 0, done.stderr
    assert json.loads((run / "log.jsonl").read_text().splitlines()[0])["config"]["holdout"] == 20
