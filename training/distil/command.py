"""The command line of distillation: ``python -m training.distil TEACHER OUT.safetensors``."""

import argparse
import dataclasses
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import torch

from explorer.checkpoints import open_checkpoint
from explorer.errors import ExplorerError
from explorer.features import bundled_features
from explorer.generators import stylegan2
from training.compiled import compiled_loops
from training.config import ConfigError
from training.distil.lesson import SHAPE, Lesson, Pupil, new_pupil, open_pupil, save_pupil, teach

__all__ = ["main"]

# What a card says of its own model alone.
_OWN = ("metrics", "settings", "kimg", "name", "start_seed")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status: 0, or 2 where the input was wrong."""
    parser = argparse.ArgumentParser(
        prog="python -m training.distil",
        description="Teach a StyleGAN3 to draw what a StyleGAN2 draws. Goes on where OUT is such a student already; "
        "Ctrl-C and SIGTERM save first.",
    )
    parser.add_argument("teacher", type=Path, metavar="TEACHER", help="a StyleGAN2 that the program opens")
    parser.add_argument("out", type=Path, metavar="OUT.safetensors", help="the student: a model like any other")
    parser.add_argument("--save-kimg", type=float, default=1.0, help="between two saves (default: 1)")
    parser.add_argument("--threads", type=int, help="processor threads (default: torch's choice)")
    for field in dataclasses.fields(Lesson):
        kind = type(field.default)
        flag = "--" + field.name.replace("_", "-")
        parser.add_argument(flag, type=kind, metavar=kind.__name__.upper(), help=f"(default: {field.default})")
    given = vars(parser.parse_args(arguments))
    own = {name: given.pop(name) for name in ("teacher", "out", "save_kimg", "threads")}
    if own["threads"] is not None:
        torch.set_num_threads(own["threads"])
    try:
        with compiled_loops():
            _run(own["teacher"], own["out"], own["save_kimg"], {k: v for k, v in given.items() if v is not None})
    except ExplorerError as error:
        print(f"distil: {error}", file=sys.stderr)
        return 2
    return 0


def _run(source: Path, out: Path, save_kimg: float, settings: dict[str, object]) -> None:
    opened = open_checkpoint(source)
    teacher = opened.generator
    if not isinstance(teacher, stylegan2.Generator):
        raise ConfigError(f"{source.name} is a {teacher.spec.family}, and a teacher has to be a StyleGAN2")
    card = {name: value for name, value in opened.info.card.items() if name not in _OWN}
    if out.exists():
        pupil = _resumed(out, opened.info.sha256, settings)
    else:
        pupil = new_pupil(teacher, Lesson(**settings), sha256=opened.info.sha256)  # type: ignore[arg-type]
    features = bundled_features()
    stopped = threading.Event()
    before = {number: signal.signal(number, lambda *_: stopped.set()) for number in (signal.SIGINT, signal.SIGTERM)}
    losses: list[float] = []
    try:
        for loss in teach(pupil, teacher, features, stop=stopped.is_set):
            losses.append(loss)
            if len(losses) * pupil.lesson.batch >= save_kimg * 1000:
                print(f"{pupil.shown / 1000:.1f} kimg, loss {sum(losses) / len(losses):.4f}", flush=True)
                losses.clear()
                _save(pupil, out, card)
        _save(pupil, out, card)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _resumed(out: Path, teacher: str, settings: dict[str, object]) -> Pupil:
    pupil = open_pupil(out)
    if pupil.teacher not in ("", teacher):
        raise ConfigError(f"{out.name} learned from another teacher: name that one, or another file to write")
    for name in SHAPE:
        had = getattr(pupil.lesson, name)
        if settings.get(name, had) != had:
            raise ConfigError(f"{name} of {out.name} is {had}, and cannot become {settings[name]}: leave it out")
    pupil.lesson = dataclasses.replace(pupil.lesson, **settings)  # type: ignore[arg-type]
    return pupil


def _save(pupil: Pupil, out: Path, card: dict[str, object]) -> None:
    save_pupil(pupil, out, card={**card, "distilled_kimg": pupil.shown / 1000})
