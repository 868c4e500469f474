"""A run: a folder with settings, log, sample grids and snapshots, started or resumed."""

import dataclasses
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

import torch
from torch import Tensor

from explorer.errors import CheckpointError
from training.config import ConfigError, TrainingConfig
from training.data import TrainingSet
from training.grid import sample, save_grid
from training.loop import train
from training.snapshot import load_snapshot, newest_snapshot, save_snapshot, snapshot_path
from training.state import TrainingState, new_state

__all__ = ["KEPT_SNAPSHOTS", "open_run", "run_training"]

KEPT_SNAPSHOTS = 2
"""Older ones are deleted: each holds all that is needed to go on."""

GRID_SEEDS = range(48)
GRID_COLUMNS = 8

# What may change between two parts of one run; the rest shapes the networks or the random streams.
_CHANGEABLE = {
    "kimg", "g_lr", "d_lr", "r1_gamma", "pl_weight", "ema_kimg", "ema_rampup", "style_mixing", "instance_noise",
    "snapshot_kimg", "log_kimg",
}  # fmt: skip


def open_run(
    folder: Path,
    pictures: TrainingSet,
    *,
    settings: dict[str, object],
    device: str | torch.device = "cpu",
) -> TrainingState:
    """The newest snapshot of ``folder``, or a new run where there is none.

    Args:
        folder: Made when it is missing.
        pictures: All of the data set; the last ``holdout`` are left out here.
        settings: Fields of `TrainingConfig` that were asked for; the rest is as before, or as the default.
        device: Where to train.

    Raises:
        ConfigError: A setting cannot change any more, or the data set is not the one that the run began with.
    """
    newest = newest_snapshot(folder)
    if newest is None:
        config = TrainingConfig(**settings)  # type: ignore[arg-type]
        train_set, _ = pictures.split(config.holdout)
        return new_state(config, train_set, device=device)
    state = load_snapshot(newest, device=device)
    config = _changed(state.config, settings)
    train_set, _ = pictures.split(config.holdout)
    spec = state.generator.spec
    began = (state.sampler.count, spec.resolution[0], spec.img_channels, spec.c_dim)
    given = (len(train_set.images), pictures.resolution, pictures.images.shape[1], pictures.c_dim)
    if began != given:
        raise ConfigError(
            f"this run began with (pictures, resolution, channels, classes) = {began}, and {pictures.name} "
            f"has {given}: name the data set that it began with, or another folder"
        )
    return state if config == state.config else load_snapshot(newest, config=config, device=device)


def _changed(config: TrainingConfig, settings: dict[str, object]) -> TrainingConfig:
    for name, value in settings.items():
        before = getattr(config, name)
        if value != before and name not in _CHANGEABLE:
            raise ConfigError(
                f"{name} was {before!r} when this run began and cannot become {value!r}: use a new folder"
            )
    return dataclasses.replace(config, **settings)  # type: ignore[arg-type]


def run_training(
    state: TrainingState, pictures: TrainingSet, folder: Path, *, stop: Callable[[], bool] = lambda: False
) -> None:
    """Train to ``state.config.kimg`` thousand pictures, or until ``stop()``; always ends with a snapshot.

    Writes ``log.jsonl`` (one JSON object a line), ``fakes*.png`` of fixed latents and ``snapshot-*.safetensors``.

    Raises:
        CheckpointError: The folder cannot be written.
    """
    config = state.config
    train_set, _ = pictures.split(config.holdout)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log_file = open(folder / "log.jsonl", "a", encoding="utf-8")  # noqa: SIM115 - closed by the next line
    except OSError as error:
        raise CheckpointError(f"{folder} cannot be written: {error.strerror}") from error
    with log_file:
        log = _Log(log_file, state)
        log.line(event="start", config=dataclasses.asdict(config), data=pictures.name)
        if not list(folder.glob("reals.png")):
            save_grid(folder / "reals.png", train_set.images[: len(GRID_SEEDS)], columns=GRID_COLUMNS)
        saved = state.shown
        for report in train(state, train_set, until_shown=round(config.kimg * 1000), stop=stop):
            log.add(report)
            if log.shown_since >= config.log_kimg * 1000:
                log.flush_step()
            if state.shown - saved >= config.snapshot_kimg * 1000:
                _save(state, pictures, folder, log)
                saved = state.shown
        if state.shown != saved or newest_snapshot(folder) is None:
            _save(state, pictures, folder, log)
        log.line(event="stop", shown=state.shown)


def _save(state: TrainingState, pictures: TrainingSet, folder: Path, log: "_Log") -> None:
    path = snapshot_path(folder, state.shown)
    save_snapshot(state, path, card=training_card(state, pictures))
    save_grid(folder / f"fakes{state.shown:010d}.png", sample(state.average, GRID_SEEDS), columns=GRID_COLUMNS)
    log.line(event="snapshot", shown=state.shown, file=path.name)
    # Only once the new one is whole.
    for old in sorted(folder.glob("snapshot-*.safetensors"))[:-KEPT_SNAPSHOTS]:
        old.unlink(missing_ok=True)


def training_card(state: TrainingState, pictures: TrainingSet) -> dict[str, object]:
    """What a snapshot says about itself."""
    settings = dataclasses.asdict(state.config)
    # How far it came counts, not how far it was meant to go.
    for name in ("kimg", "snapshot_kimg", "log_kimg"):
        del settings[name]
    return {
        "data": pictures.name,
        "data_licence": pictures.licence,
        "kimg": state.shown / 1000,
        "settings": settings,
    }


@dataclass(slots=True)
class _Log:
    """Averages what the phases report and writes a line now and then."""

    file: TextIO
    state: TrainingState
    sums: dict[str, tuple[float, int]] = field(default_factory=dict)
    since_s: float = field(default_factory=time.monotonic)
    shown_at: int = -1

    def __post_init__(self) -> None:
        self.shown_at = self.state.shown

    @property
    def shown_since(self) -> int:
        """Pictures since the last line."""
        return self.state.shown - self.shown_at

    def add(self, report: dict[str, Tensor]) -> None:
        """Take one step's values in."""
        for name, values in report.items():
            total, count = self.sums.get(name, (0.0, 0))
            self.sums[name] = (total + values.float().mean().item(), count + 1)

    def flush_step(self) -> None:
        """Write the averages since the last time."""
        seconds = time.monotonic() - self.since_s
        means = {name: round(total / count, 5) for name, (total, count) in self.sums.items()}
        rate = round(self.shown_since / max(seconds, 1e-9), 2)
        self.line(event="step", step=self.state.step, shown=self.state.shown, pictures_per_s=rate, **means)
        self.sums, self.since_s, self.shown_at = {}, time.monotonic(), self.state.shown

    def line(self, **values: object) -> None:
        """Write one object as one line, at once."""
        self.file.write(json.dumps(values) + "\n")
        self.file.flush()
