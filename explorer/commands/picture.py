"""What the verbs that make pictures share: their options, the model or project they are given, PNG files."""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import click

from explorer.commands.numbers import FINITE, PAIR
from explorer.errors import StateError
from explorer.state import ClassMix, EditState, Noise, Transform, Truncation

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from explorer.rendering.renderer import Renderer

__all__ = ["Changes", "Source", "open_picture_source", "picture_options", "refuse_dropped", "write_png"]

Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Changes:
    """What the options ask for; ``None`` leaves a field of the state as it is."""

    psi: float | None = None
    cutoff: int | None = None
    noise: Literal["const", "random", "none"] | None = None
    noise_seed: int | None = None
    class_index: int | None = None
    translate: tuple[float, float] | None = None
    rotate: float | None = None

    def apply(self, state: EditState) -> EditState:
        """The state with what was asked for."""
        truncation: Truncation = _replaced(state.truncation, psi=self.psi, cutoff=self.cutoff)
        noise: Noise = _replaced(state.noise, mode=self.noise, seed=self.noise_seed)
        x, y = self.translate if self.translate is not None else (None, None)
        transform: Transform = _replaced(state.transform, translate_x=x, translate_y=y, rotate_deg=self.rotate)
        condition = state.condition if self.class_index is None else ClassMix(((self.class_index, 1.0),))
        return replace(state, truncation=truncation, noise=noise, transform=transform, condition=condition)


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What a picture starts from."""

    state: EditState
    """The project's, or a new one."""
    renderer: "Renderer"
    """Of the model."""
    name: str | None
    """The project's name; ``None`` for a checkpoint."""


def picture_options(function: Function) -> Function:
    """Add the options that change a state; `Changes` takes them by the same names."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


_OPTIONS = [
    click.option("--psi", type=FINITE, help="Truncation: 1 changes nothing, 0 gives the mean picture."),
    click.option("--cutoff", type=click.IntRange(min=0), help="Truncate only layers below this one."),
    click.option("--noise", type=click.Choice(["const", "random", "none"]), help="Noise maps of StyleGAN2."),
    click.option("--noise-seed", type=click.IntRange(min=0, max=2**63 - 1), help="Seed of random noise."),
    click.option("--class", "class_index", type=click.IntRange(min=0), help="Class of a conditional model."),
    click.option("--translate", type=PAIR, help="StyleGAN3: shift right and down, in picture sizes, as 0.1,0."),
    click.option("--rotate", type=FINITE, help="StyleGAN3: turn, in degrees."),
]


def open_picture_source(source: str | None) -> Source:
    """Open a checkpoint, a project, ``bundled:NAME``, or without one the model that comes with the program.

    Raises:
        CheckpointError: The file is missing or no model.
        ProjectFileError: The project cannot be read, or its model is missing.
    """
    from explorer.project import find_bundled
    from explorer.rendering.machine import compile_kernels, use_kernels, use_threads
    from explorer.session.opening import BUNDLED, open_source

    # As in the window, so that its pictures and these are equal to the bit.
    use_threads()
    if compile_kernels():
        use_kernels()
    opened = open_source(BUNDLED + find_bundled().name if source is None else source)
    renderer = opened.model.renderer
    if opened.project is None:
        return Source(EditState(checkpoint=opened.model.reference), renderer, None)
    renderer.blobs = opened.project.blobs
    return Source(opened.project.state, renderer, Path(str(source)).stem)


def refuse_dropped(changes: Changes, renderer: "Renderer") -> None:
    """Refuse options that the model cannot follow: a picture that ignores them is not what was asked for.

    Raises:
        StateError: One of them is of no use on this model.
    """
    from explorer.rendering.restriction import restrict

    _, dropped = restrict(changes.apply(EditState()), renderer.generator.spec)
    if dropped:
        raise StateError(f"this model cannot do what was asked: {'; '.join(dropped)}")


def write_png(pixels: "npt.NDArray[np.uint8]", path: Path) -> None:
    """Write ``[H, W, C]`` as a PNG, at once or not at all.

    Raises:
        StateError: The model's channels are neither grey, RGB nor RGBA.
        OSError: The file cannot be written.
    """
    from PIL import Image

    from explorer.project.atomic import write_atomically

    if pixels.shape[2] not in (1, 3, 4):
        raise StateError(f"a picture of {pixels.shape[2]} channels cannot be a PNG: 1, 3 and 4 can")
    buffer = io.BytesIO()
    Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).save(buffer, "PNG")
    write_atomically(path, buffer.getvalue())


Part = TypeVar("Part", Truncation, Noise, Transform)


def _replaced(part: Part, **values: object) -> Part:
    return replace(part, **{name: value for name, value in values.items() if value is not None})
