"""A run: a folder with settings, log, sample grids and snapshots, started or resumed."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist

from explorer.checkpoints import open_checkpoint, read_training_extras
from explorer.errors import CheckpointError
from training.config import ConfigError, TrainingConfig
from training.data import TrainingSet
from training.evaluate import QuickMetrics
from training.grid import sample, save_grid
from training.log import RunLog
from training.loop import ONE_PART, train
from training.networks import shape_settings
from training.parts import Parts
from training.snapshot import load_snapshot, newest_snapshot, read_shown, save_snapshot, snapshot_path, snapshots
from training.state import TrainingState, new_state, start_from
from training.watch import Watch, diversity

__all__ = ["KEPT_SNAPSHOTS", "STOP_FILE", "TrainingError", "open_run", "run_training"]

KEPT_SNAPSHOTS = 2
"""Beside the best and those of ``keep_kimg``, older ones are deleted: each holds all that is needed to go on."""
STOP_FILE = "stop"
"""A file of this name in the run's folder ends it as a signal would."""

GRID_SEEDS = range(48)
GRID_COLUMNS = 8

# What may change between two parts of one run; the rest shapes the networks or the random streams.
_CHANGEABLE = {
    "kimg", "g_lr", "d_lr", "lr_final", "beta2_final", "schedule_kimg", "r1_gamma", "r1_gamma_final", "pl_weight",
    "ema_kimg", "ema_rampup", "style_mixing", "instance_noise", "snapshot_kimg", "log_kimg", "keep_kimg",
    "metric_pictures", "accumulate", "augment", "augment_pipe", "augment_p", "ada_target", "ada_kimg", "ada_interval",
    "blur_sigma", "blur_kimg",
}  # fmt: skip

# As published for a start from another model: it needs no ramp, no blur, and overfits sooner.
_TRANSFER_SETTINGS: dict[str, object] = {"ema_rampup": None, "blur_sigma": 0.0, "ada_kimg": 100.0}


class TrainingError(CheckpointError):
    """A run that cannot go on; what was saved before is whole."""


def open_run(
    folder: Path,
    pictures: TrainingSet,
    *,
    settings: dict[str, object],
    device: str | torch.device = "cpu",
    resume_from: Path | None = None,
) -> TrainingState:
    """The newest snapshot of ``folder``, or a new run where there is none.

    Args:
        folder: Made when it is missing.
        pictures: All of the data set; the last ``holdout`` are left out here.
        settings: Fields of `TrainingConfig` that were asked for; the rest is as before, or as the default.
        device: Where to train.
        resume_from: A model of any kind that the program opens, to start a new run from.

    Raises:
        ConfigError: A setting cannot change any more, or the data set is not the one that the run began with.
    """
    newest = newest_snapshot(folder)
    if newest is None:
        return _new_run(pictures, settings, device, resume_from)
    state = load_snapshot(newest, device=device)
    config = _changed(state.config, settings)
    train_set, _ = pictures.split(config.holdout)
    spec = state.generator.spec
    began = (state.sampler.count, spec.resolution, spec.img_channels, spec.c_dim)
    given = (len(train_set.images), pictures.size, pictures.images.shape[1], pictures.c_dim)
    if began != given:
        raise ConfigError(
            f"this run began with (pictures, size, channels, classes) = {began}, and {pictures.name} "
            f"has {given}: name the data set that it began with, or another folder"
        )
    return state if config == state.config else load_snapshot(newest, config=config, device=device)


def _new_run(
    pictures: TrainingSet, settings: dict[str, object], device: str | torch.device, resume_from: Path | None
) -> TrainingState:
    if resume_from is None:
        config = TrainingConfig(**settings)  # type: ignore[arg-type]
        return new_state(config, pictures.split(config.holdout)[0], device=device)
    source = open_checkpoint(resume_from)
    given = {name: value for name, value in settings.items() if value is not None}
    config = TrainingConfig(**{**_TRANSFER_SETTINGS, **given, **shape_settings(source)})  # type: ignore[arg-type]
    state = new_state(config, pictures.split(config.holdout)[0], device=device, source=source)
    learning = {}
    if source.info.format.endswith("safetensors"):
        extras = read_training_extras(resume_from).tensors
        learning = {name.removeprefix("g."): value for name, value in extras.items() if name.startswith("g.")}
    taken = start_from(state, source, learning)
    if taken["g_ema"].taken == 0:
        raise ConfigError(f"nothing of {resume_from.name} fits a {config.network} of {pictures.size}: start anew")
    return state


def _changed(config: TrainingConfig, settings: dict[str, object]) -> TrainingConfig:
    for name, value in settings.items():
        before = getattr(config, name)
        if value != before and name not in _CHANGEABLE:
            raise ConfigError(
                f"{name} was {before!r} when this run began and cannot become {value!r}: use a new folder"
            )
    return dataclasses.replace(config, **settings)  # type: ignore[arg-type]


def run_training(
    state: TrainingState,
    pictures: TrainingSet,
    folder: Path,
    *,
    stop: Callable[[], bool] = lambda: False,
    parts: Parts = ONE_PART,
    board: Any = None,
    notes: tuple[str, ...] = (),
) -> None:
    """Train to ``state.config.kimg`` thousand pictures, or until ``stop()`` or a file `STOP_FILE` says so.

    Ends with a snapshot. Writes ``log.jsonl`` (one JSON object a line), ``reals.png``, ``fakes*.png`` of fixed
    latents and ``snapshot-*.safetensors``. Of several ranks only the first writes.

    Args:
        state: From `open_run`.
        pictures: The whole data set.
        folder: Of the run.
        stop: Asked between two steps.
        parts: How a step is divided; with several ranks, each calls this.
        board: From `training.log.tensorboard_writer`.
        notes: How the settings came about, for the log.

    Raises:
        CheckpointError: The folder cannot be written.
        ConfigError: A step cannot be divided as asked.
        TrainingError: Memory ran out, or nothing but numbers that are none came for too long.
    """
    parts = dataclasses.replace(parts, chunks=state.config.accumulate)
    parts.check(state.config)
    train_set, held_out = pictures.split(state.config.holdout)
    writer = _Writer(state, train_set, held_out, folder, board) if parts.rank == 0 else None
    if writer is not None:
        writer.start(pictures.name, notes)

    def ends() -> bool:
        wanted = stop() or (writer is not None and (folder / STOP_FILE).exists()) or (writer and writer.over)
        return bool(parts.sum(torch.tensor(float(bool(wanted)), device=state.pl_mean.device)) > 0)

    until = round(state.config.kimg * 1000)
    try:
        for report in train(state, train_set, until_shown=until, stop=ends, parts=parts):
            if writer is not None:
                writer.after_step(report)
    except (MemoryError, RuntimeError) as error:
        if not _is_out_of_memory(error):
            raise
        raise _out_of_memory(state, folder, writer) from error
    if writer is not None:
        writer.finish()
    if parts.ranks > 1:
        dist.barrier()


def _is_out_of_memory(error: BaseException) -> bool:
    said = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "can't allocate memory" in said


def _out_of_memory(state: TrainingState, folder: Path, writer: "_Writer | None") -> TrainingError:
    newest = newest_snapshot(folder)
    kept = "nothing was saved yet" if newest is None else f"{newest.name} is whole"
    advice = f"go on with --accumulate {state.config.accumulate * 2}, or a smaller model or batch"
    text = f"memory ran out in step {state.step}; {kept}: {advice}"
    if writer is not None:
        writer.log.message(text, kind="memory")
    return TrainingError(text)


class _Writer:
    """Everything that a run writes."""

    def __init__(
        self, state: TrainingState, train_set: TrainingSet, held_out: TrainingSet, folder: Path, board: Any
    ) -> None:
        self.state, self.train_set, self.held_out, self.folder = state, train_set, held_out, folder
        self.quick = QuickMetrics(held_out, metric=state.config.metric, count=state.config.metric_pictures)
        self.log = RunLog(folder / "log.jsonl", state, board)
        self.watch = Watch(state.config, diversity(train_set.images[: len(GRID_SEEDS)]))
        # The last snapshot that is whole, and the last that was tried.
        self.saved = self.tried = state.shown
        self.over = False

    def start(self, name: str, notes: tuple[str, ...]) -> None:
        """Make the folder, and say what is going to happen."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with open(self.log.path, "a", encoding="utf-8"):
                pass
            (self.folder / STOP_FILE).unlink(missing_ok=True)
            if not (self.folder / "reals.png").exists():
                reals = self.train_set.images[: len(GRID_SEEDS)]
                save_grid(self.folder / "reals.png", reals, columns=GRID_COLUMNS)
        except OSError as error:
            raise CheckpointError(f"{self.folder} cannot be written: {error.strerror}") from error
        self.log.line(event="start", config=dataclasses.asdict(self.state.config), data=name, notes=list(notes))
        if self.state.shown == 0:
            # Where everything began: a metric means little without it.
            self.log.line(event="begin", shown=0, **self._metrics())

    def after_step(self, report: dict[str, torch.Tensor]) -> None:
        """Log, look and save when it is time."""
        config = self.state.config
        signs = {f"sign_{kind}": report[f"scores_{kind}"].sign() for kind in ("real", "fake")}
        self.log.add(report | signs)
        if self.log.shown_since >= config.log_kimg * 1000:
            self._tell(self.watch.step(self.log.flush_step()))
        # The very last one is `finish`'s, which does not pass over a failure.
        ends = self.state.shown >= round(config.kimg * 1000)
        if self.state.shown - self.tried >= config.snapshot_kimg * 1000 and not ends:
            self._try_to_save()

    def finish(self) -> None:
        """The last snapshot of this part of the run."""
        if self.over:
            raise TrainingError("the run ended early, see the last message in log.jsonl")
        if self.state.shown != self.saved or newest_snapshot(self.folder) is None:
            self._save()
        self.log.line(event="stop", shown=self.state.shown)
        (self.folder / STOP_FILE).unlink(missing_ok=True)

    def _try_to_save(self) -> None:
        try:
            self._save()
        except (CheckpointError, OSError) as error:
            # The run is worth more than this snapshot: the next one may find room.
            self.log.message(f"no snapshot was saved: {error}", kind="snapshot")
        self.tried = self.state.shown

    def _save(self) -> None:
        state = self.state
        metrics = self._metrics()
        first = next(iter(metrics.values()), None)
        if first is not None and (state.best is None or first < state.best):
            state.best, state.best_shown = first, state.shown
        path = snapshot_path(self.folder, state.shown)
        save_snapshot(state, path, card=training_card(state, self.train_set, metrics))
        self.saved = state.shown
        self.log.line(event="snapshot", shown=state.shown, file=path.name, **metrics)
        fakes = sample(state.average, GRID_SEEDS)
        sheet = self.folder / f"fakes{state.shown:010d}.png"
        try:
            save_grid(sheet, fakes, columns=GRID_COLUMNS)
        except OSError as error:
            # The snapshot is whole: only its pictures are missing.
            why = f"{sheet.name} cannot be written: {error.strerror}: make room on that disk"
            self.log.message(why, kind="snapshot")
        self._tell(self.watch.pictures(fakes))
        self._tell(self.watch.disk(self.folder, path.stat().st_size))
        _clear_old(self.folder, state)

    def _metrics(self) -> dict[str, float]:
        return self.quick(self.state.average)

    def _tell(self, warnings: Any) -> None:
        for warning in warnings:
            self.log.message(warning.text, kind=warning.kind)
            self.over = self.over or warning.fatal


def _clear_old(folder: Path, state: TrainingState) -> None:
    """Delete snapshots that are neither among the newest, nor the best, nor one of every ``keep_kimg``."""
    every = state.config.keep_kimg * 1000
    paths = snapshots(folder)
    before = 0
    for path in paths[:-KEPT_SNAPSHOTS]:
        shown = read_shown(path)
        milestone = every > 0 and shown // every > before // every
        before = shown
        if not milestone and shown != state.best_shown:
            path.unlink(missing_ok=True)


def training_card(state: TrainingState, pictures: TrainingSet, metrics: dict[str, float]) -> dict[str, object]:
    """What a snapshot says about itself."""
    settings = dataclasses.asdict(state.config)
    # How far it came counts, not how far it was meant to go.
    for name in ("kimg", "snapshot_kimg", "log_kimg", "keep_kimg"):
        del settings[name]
    names = {"class_names": list(pictures.class_names)} if len(pictures.class_names) == pictures.c_dim > 0 else {}
    return {
        "data": pictures.name,
        "data_licence": pictures.licence,
        "kimg": state.shown / 1000,
        **({"metrics": metrics} if metrics else {}),
        **names,
        "settings": json.loads(json.dumps(settings)),
    }
