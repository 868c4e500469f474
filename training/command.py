"""The command line of the trainer: ``python -m training RUN --data ZIP`` and ``python main.py train ZIP RUN``."""

import argparse
import dataclasses
import json
import signal
import sys
import threading
import typing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import torch

from explorer.errors import ExplorerError
from explorer.project.claim import claim
from training.compiled import compiled_loops
from training.config import ConfigError, TrainingConfig
from training.data import TrainingSet, open_training_set
from training.log import tensorboard_writer
from training.parts import Parts
from training.presets import PRESETS, preset_settings, this_machine
from training.probe import fitting, probe
from training.ranks import one_of_several
from training.run import open_run, run_training
from training.snapshot import newest_snapshot

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None, *, prog: str = "python -m training") -> int:
    """Run the command line; returns the exit status: 0, or 2 where the input was wrong or the run could not go on."""
    given = sys.argv[1:] if arguments is None else arguments
    options = vars(_parser(prog).parse_args(given))
    own = {name: options.pop(name) for name in _OWN}
    settings = {name: value for name, value in options.items() if value is not None}
    if own["threads"] is not None:
        torch.set_num_threads(own["threads"])
    try:
        with compiled_loops(own["device"]), one_of_several(own["device"]) as (parts, device):
            _run(own, settings, parts, device, given)
    except ExplorerError as error:
        print(f"training: {error}", file=sys.stderr)
        return 2
    return 0


def _run(own: dict[str, Any], settings: dict[str, object], parts: Parts, device: str, given: Sequence[str]) -> None:
    folder, pictures = own["run"], open_training_set(own["data"])
    settings = {**_from_file(own["config"]), **settings}
    notes: tuple[str, ...] = ()
    begins = newest_snapshot(folder) is None
    if own["preset"] is not None and begins:
        settings, notes = _preset(own["preset"], pictures, settings, parts, device)
    for note in notes if parts.rank == 0 else ():
        print(f"  {note}", file=sys.stderr)
    if own["probe"] is not None:
        config = TrainingConfig(**settings)  # type: ignore[arg-type]
        cost = probe(config, pictures.split(config.holdout)[0], device=device, seconds=own["probe"])
        print(json.dumps({**dataclasses.asdict(cost), "total_s": cost.total_s, "notes": notes}))
        print(f"probe: {cost}", file=sys.stderr)
        return
    with claim(folder) if parts.rank == 0 else nullcontext() as tell:
        state = open_run(folder, pictures, settings=settings, device=device, resume_from=own["resume_from"])
        if tell is not None:
            tell(own["data"], given)
            print(f"training in {folder} from {state.shown / 1000:g} to {state.config.kimg:g} kimg", file=sys.stderr)
        board = tensorboard_writer(folder / "tensorboard") if own["tensorboard"] and parts.rank == 0 else None
        with _stopped_by_signals() as stopped:
            run_training(state, pictures, folder, stop=stopped.is_set, parts=parts, board=board, notes=notes)


def _preset(
    name: str, pictures: TrainingSet, given: dict[str, object], parts: Parts, device: str
) -> tuple[dict[str, object], tuple[str, ...]]:
    holdout = min(int(given.get("holdout", _default("holdout"))), len(pictures.images) // 10)  # type: ignore[call-overload]
    # Held out from a small set too, but no more than a tenth.
    given = {"holdout": holdout, **given}
    machine = this_machine(device, parts.ranks)
    count = len(pictures.images) - holdout
    chosen, why = preset_settings(name, size=pictures.size, pictures=count, machine=machine, given=given)
    settings = {**chosen, **given}
    notes = [str(choice) for choice in why]
    if name == "auto" and parts.ranks == 1:
        config = TrainingConfig(**settings)  # type: ignore[arg-type]
        config, found = fitting(config, pictures.split(config.holdout)[0], device=device)
        settings["accumulate"] = config.accumulate
        notes.append(found)
    return settings, tuple(notes)


def _default(name: str) -> object:
    # Of a class with slots, the attribute is no value.
    return next(field.default for field in dataclasses.fields(TrainingConfig) if field.name == name)


def _from_file(path: Path | None) -> dict[str, object]:
    """Settings from a JSON object, as a log's ``start`` line holds them."""
    if path is None:
        return {}
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    TrainingConfig.from_json(text)
    settings: dict[str, object] = json.loads(text)
    return settings


_OWN = ("run", "data", "device", "threads", "preset", "probe", "config", "resume_from", "tensorboard")


def _parser(prog: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=prog,
        description="Train a StyleGAN on a zip of pictures. Resumes where RUN holds a snapshot; Ctrl-C, SIGTERM and a "
        "file RUN/stop save a snapshot first.",
    )
    add = parser.add_argument
    add("run", type=Path, metavar="RUN", help="folder of the run: log, sample grids, snapshots")
    add("--data", type=Path, required=True, metavar="ZIP", help="pictures of one size")
    add("--preset", choices=("auto", *PRESETS), help="settings by name; those named beside it stand (default: none)")
    add("--probe", type=float, nargs="?", const=10.0, metavar="S", help="measure memory and speed for 10 s, and end")
    add("--config", type=Path, metavar="JSON", help="settings from a file; those on the command line stand")
    add("--resume-from", type=Path, metavar="MODEL", help="start from a model of any kind that the program opens")
    add("--tensorboard", action="store_true", help="also write TensorBoard's files")
    add("--device", default="cpu", help="cpu or cuda (default: cpu)")
    add("--threads", type=int, help="processor threads (default: torch's choice)")
    hints = typing.get_type_hints(TrainingConfig)
    for field in dataclasses.fields(TrainingConfig):
        flag = "--" + field.name.replace("_", "-")
        note = f"(default: {field.default})"
        if hints[field.name] is bool:
            add(flag, action=argparse.BooleanOptionalAction, default=None, help=note)
            continue
        choices = typing.get_args(hints[field.name])
        if typing.get_origin(hints[field.name]) is typing.Literal:
            add(flag, choices=choices, help=note)
        else:
            kind = next((kind for kind in choices if kind is not type(None)), hints[field.name])
            add(flag, type=kind, metavar=kind.__name__.upper(), help=note)
    return parser


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """An event that SIGINT and SIGTERM set, so that the step in progress ends and a snapshot is saved."""
    event = threading.Event()
    before = {number: signal.signal(number, lambda *_: event.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield event
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
