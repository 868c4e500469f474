"""What a run is to be: the choices of a person, as the trainer's command line."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from explorer.errors import StateError
from explorer.project import find_bundled
from explorer.state import CheckpointRef

__all__ = ["PRESETS", "TrainingPlan", "free_folder", "model_file", "split_options"]

PRESETS: Mapping[str, str] = MappingProxyType(
    {
        "auto": "Chosen after the pictures and this machine, with reasons.",
        "tiny": "A small StyleGAN2 for a try on a processor.",
        "tiny3": "A small StyleGAN3 for a try on a processor.",
        "few-shot": "For some hundred pictures. Best with a start from a trained model.",
        "stylegan2": "StyleGAN2 as published: large, for a GPU.",
        "paper256": "StyleGAN2-ADA as published for 256 × 256. For a GPU.",
        "paper512": "StyleGAN2-ADA as published for 512 × 512. For a GPU.",
        "paper1024": "StyleGAN2-ADA as published for 1024 × 1024. For a GPU.",
        "cifar": "StyleGAN2-ADA as published for small pictures in classes. For a GPU.",
        "stylegan3-t": "StyleGAN3-T: pictures that move with the input. For a GPU.",
        "stylegan3-r": "StyleGAN3-R: pictures that move and turn with the input. For a GPU.",
        "projected": "Projected GAN's discriminator: learns from fewer pictures shown.",
        "r3gan": "The relativistic loss of R3GAN. For a GPU.",
    }
)
"""The trainer's presets, the likeliest first, each in a sentence."""

_BUNDLED = "bundled:"
_TAKEN = frozenset({"--data", "--preset", "--kimg", "--device", "--threads", "--resume-from", "--probe"})


@dataclass(frozen=True, slots=True)
class TrainingPlan:
    """A run as it was asked for."""

    data: Path
    """A zip of pictures."""
    folder: Path
    """Where the run is to lie."""
    preset: str = "auto"
    """A key of `PRESETS`."""
    kimg: float = 1000.0
    """Length, in thousands of pictures shown."""
    device: str = "cpu"
    """``cpu`` or ``cuda``."""
    start_from: Path | None = None
    """A model to start from, of any kind that the program opens."""
    options: tuple[str, ...] = ()
    """Further words of the trainer's command line."""

    def arguments(self) -> tuple[str, ...]:
        """The trainer's command line."""
        start = () if self.start_from is None else ("--resume-from", str(self.start_from.absolute()))
        return (
            str(self.folder.absolute()),
            *("--data", str(self.data.absolute())),
            *("--preset", self.preset),
            *("--kimg", f"{self.kimg:g}"),
            *("--device", self.device),
            *start,
            *self.options,
        )


def model_file(reference: CheckpointRef | None) -> Path | None:
    """The file of an open model, to start a run from; ``None`` where there is none on this machine."""
    if reference is None or "://" in reference.hint:
        return None
    if reference.hint.startswith(_BUNDLED):
        return find_bundled(reference.hint.removeprefix(_BUNDLED)).path
    return Path(reference.hint).expanduser()


def split_options(text: str) -> tuple[str, ...]:
    """Further options as they are typed on a command line.

    Raises:
        StateError: A quote is left open, or something is named that has a control of its own.
    """
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise StateError(f"the options {text!r} cannot be read: {error}") from error
    for word in words:
        if word.partition("=")[0] in _TAKEN:
            raise StateError(f"{word} cannot stand among the options: it has a place of its own above")
    return tuple(words)


def free_folder(runs: Path, data: Path) -> Path:
    """A folder for a run on a data set that is not there yet: ``runs/NAME``, ``runs/NAME-2``, ..."""
    name, count = data.stem or "run", 1
    while (folder := runs / (name if count == 1 else f"{name}-{count}")).exists():
        count += 1
    return folder
