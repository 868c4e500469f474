"""``python -m training RUN_DIR --data ZIP``: start a training run, or resume it."""

import argparse
import dataclasses
import signal
import sys
import threading
import typing
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import torch

from explorer.errors import ExplorerError
from training.config import TrainingConfig
from training.data import open_training_set
from training.run import open_run, run_training

__all__ = ["main"]


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, or 2 where the input was wrong."""
    options = vars(_parser().parse_args(arguments))
    folder, path, device, threads = (options.pop(name) for name in ("run", "data", "device", "threads"))
    settings = {name: value for name, value in options.items() if value is not None}
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        pictures = open_training_set(path)
        state = open_run(folder, pictures, settings=settings, device=device)
        print(f"training in {folder} from {state.shown / 1000:g} to {state.config.kimg:g} kimg", file=sys.stderr)
        with _stopped_by_signals() as stopped:
            run_training(state, pictures, folder, stop=stopped.is_set)
    except ExplorerError as error:
        print(f"training: {error}", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m training",
        description="Train a StyleGAN2 on a zip of pictures. Resumes where RUN holds a snapshot; "
        "Ctrl-C saves a snapshot first.",
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="folder of the run: log, sample grids, snapshots")
    parser.add_argument("--data", type=Path, required=True, metavar="ZIP", help="square pictures of one size")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: cpu)")
    parser.add_argument("--threads", type=int, help="processor threads (default: torch's choice)")
    hints = typing.get_type_hints(TrainingConfig)
    for field in dataclasses.fields(TrainingConfig):
        flag = "--" + field.name.replace("_", "-")
        note = f"(default: {field.default})"
        if hints[field.name] is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None, help=note)
            continue
        choices = typing.get_args(hints[field.name])
        if typing.get_origin(hints[field.name]) is typing.Literal:
            parser.add_argument(flag, choices=choices, help=note)
        else:
            kind = next((kind for kind in choices if kind is not type(None)), hints[field.name])
            parser.add_argument(flag, type=kind, metavar=kind.__name__.upper(), help=note)
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


if __name__ == "__main__":
    sys.exit(main())
