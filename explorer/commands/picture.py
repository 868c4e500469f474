"""What the verbs that make pictures share: their options, the model, project or picture they are given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeVar

import click

from explorer.commands.downloads import progress_bar
from explorer.commands.notation import (
    Notation,
    read_classes,
    read_factor,
    read_latent,
    read_mix,
    read_prompt,
    read_share,
    read_slider,
)
from explorer.commands.numbers import FINITE, PAIR
from explorer.errors import StateError
from explorer.session.compute import Compute, Precision
from explorer.state import (
    CENTRES,
    NEAREST,
    Blend,
    ClassMix,
    EditState,
    Mix,
    Noise,
    Output,
    Prompt,
    SeedBlend,
    SeedPad,
    Slider,
    Spectrum,
    Transform,
    Truncation,
)

if TYPE_CHECKING:
    from explorer.rendering.renderer import Renderer

__all__ = [
    "Changes",
    "Source",
    "open_picture_source",
    "picture_options",
    "refuse_dropped",
    "render_options",
]

Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Changes:
    """What the options ask for; ``None``, or none of several, leaves a field of the state as it is."""

    psi: float | None = None
    cutoff: int | None = None
    centre: int | None = None
    noise: Literal["const", "random", "none"] | None = None
    noise_seed: int | None = None
    noise_strength: float | None = None
    noise_layer: tuple[tuple[str, float], ...] = ()
    classes: ClassMix | None = None
    prompt: tuple[tuple[str, float], ...] = ()
    translate: tuple[float, float] | None = None
    rotate: float | None = None
    scale: float | None = None
    shear: float | None = None
    slider: tuple[Slider, ...] = ()
    latent: SeedPad | SeedBlend | None = None
    blend: tuple[tuple[SeedPad | SeedBlend, float], ...] = ()
    mix: tuple[Mix, ...] = ()
    layer: str | None = None
    base_channel: int | None = None
    channels: int | None = None
    scale_db: float | None = None
    normalize: bool | None = None
    untransform: bool | None = None
    noise_only: bool | None = None
    spectrum: bool | None = None
    spectrum_range: float | None = None
    spectrum_beta: float | None = None
    spectrum_all: bool | None = None

    @property
    def has_latent(self) -> bool:
        """Whether they say which latent to show."""
        return self.latent is not None or bool(self.blend)

    def apply(self, state: EditState) -> EditState:
        """The state with what was asked for.

        Raises:
            StateError: A number is out of range.
        """
        x, y = self.translate if self.translate is not None else (None, None)
        latent = Blend(self.blend) if self.blend else self.latent
        return _replaced(
            state,
            truncation=_replaced(state.truncation, psi=self.psi, cutoff=self.cutoff, centre=self.centre),
            noise=_replaced(
                state.noise,
                mode=self.noise,
                seed=self.noise_seed,
                strength=self.noise_strength,
                layers=self.noise_layer or None,
            ),
            transform=_replaced(
                state.transform,
                translate_x=x,
                translate_y=y,
                rotate_deg=self.rotate,
                scale=self.scale,
                shear=self.shear,
            ),
            condition=Prompt(self.prompt) if self.prompt else self.classes,
            sliders=self.slider or None,
            mixing=self.mix or None,
            latent=latent,
            output=self._output(state.output),
        )

    def _output(self, output: Output) -> Output:
        details = {"range_db": self.spectrum_range, "beta": self.spectrum_beta, "all_channels": self.spectrum_all}
        spectrum = output.spectrum
        if self.spectrum is False:
            spectrum = None
        elif self.spectrum or any(value is not None for value in details.values()):
            spectrum = _replaced(spectrum or Spectrum(), **details)
        return replace(
            _replaced(
                output,
                layer=self.layer,
                base_channel=self.base_channel,
                sel_channels=self.channels,
                scale_db=self.scale_db,
                normalize=self.normalize,
                untransform=self.untransform,
                noise_only=self.noise_only,
            ),
            spectrum=spectrum,
        )


@dataclass(frozen=True, slots=True, eq=False)
class Source:
    """What a picture starts from."""

    state: EditState
    """The project's or picture's, or a new one."""
    renderer: "Renderer"
    """Of the model."""
    name: str | None
    """The project's or picture's name; ``None`` for a checkpoint."""


def picture_options(function: Function) -> Function:
    """Add the options that change how any latent is shown; `Changes` takes them by the same names."""
    return _with(_SHARED, function)


def render_options(function: Function) -> Function:
    """Add also those that say which latent, and what of the synthesis, is shown."""
    return _with([*_LATENT, *_SHARED, *_OUTPUT], function)


def _with(options: Sequence[Callable[[Function], Function]], function: Function) -> Function:
    for option in reversed(options):
        function = option(function)
    return function


def _read_centre(text: str) -> int:
    centre = NEAREST if text == "nearest" else int(text)
    if not NEAREST <= centre < CENTRES:
        raise ValueError(f"they count from 0 to {CENTRES - 1}")
    return centre


_CENTRE = Notation("centre", _read_centre, "3, or nearest")
_CLASSES = Notation("class", read_classes, "2, or a mix like 2:0.5+3:0.5")
_FACTOR = Notation("layer's strength", read_factor, "b16.conv1=0.5")
_PROMPT = Notation("prompt", read_prompt, "'a red cat', or 'a red cat=0.5' for half of it")
_SLIDER = Notation("slider", read_slider, "pca/0/1.5, or pca/0/1.5/0-3 for some layers")
_MIX = Notation("mix", read_mix, "9/4-7, or 9/4-7/0.5 for half of it")
_A_LATENT = Notation("latent", read_latent, "7, 7:0.5+8:0.5 or @3.5,0.25")
_SHARE = Notation("part of a blend", read_share, "7=0.5")

_SHARED = [
    click.option("--psi", type=FINITE, help="Truncation: 1 changes nothing, 0 gives the mean picture."),
    click.option("--cutoff", type=click.IntRange(min=0), help="Truncate only layers below this one."),
    click.option("--centre", type=_CENTRE, help="Truncate to a cluster's centre, from 0, or to the nearest."),
    click.option("--noise", type=click.Choice(["const", "random", "none"]), help="Noise maps of StyleGAN2."),
    click.option("--noise-seed", type=click.IntRange(min=-(2**63), max=2**63 - 1), help="Seed of random noise."),
    click.option("--noise-strength", type=FINITE, help="Multiplies the strength of all noise."),
    click.option("--noise-layer", type=_FACTOR, multiple=True, help="Multiplies one layer's, as b16.conv1=0.5."),
    click.option("--class", "classes", type=_CLASSES, help="Class of a conditional model; or a mix, 2:0.5+3:0.5."),
    click.option("--prompt", type=_PROMPT, multiple=True, help="Text, for StyleGAN-T; with its weight, 'a cat=0.5'."),
    click.option("--translate", type=PAIR, help="StyleGAN3: shift right and down, in picture sizes, as 0.1,0."),
    click.option("--rotate", type=FINITE, help="StyleGAN3: turn, in degrees."),
    click.option("--scale", type=FINITE, help="StyleGAN3: enlarge."),
    click.option("--shear", type=FINITE, help="StyleGAN3: slant, as a share of the height."),
    click.option("--slider", type=_SLIDER, multiple=True, help="Offset in W, as pca/0/1.5 or axis/12/-2/0-3."),
]
_LATENT = [
    click.option("--latent", type=_A_LATENT, help="Instead of seeds: 7:0.5+8:0.5 blends, @3.5,0.25 lies between."),
    click.option("--blend", type=_SHARE, multiple=True, help="Part of a blend of such latents, as @3,0=0.5."),
    click.option("--mix", type=_MIX, multiple=True, help="Styles of another latent in some layers, as 9/4-7/0.5."),
]
_OUTPUT = [
    click.option("--layer", help="Show a layer's activations instead of the picture, as b16.conv1."),
    click.option("--base-channel", type=click.IntRange(min=0, max=2**31 - 1), help="First channel shown."),
    click.option("--channels", type=click.IntRange(min=1, max=4), help="How many channels: 1, 3 or 4."),
    click.option("--scale-db", type=FINITE, help="Contrast in decibels: 20 is a factor of ten."),
    click.option("--normalize/--no-normalize", default=None, help="Divide channels by their largest magnitude."),
    click.option("--untransform/--no-untransform", default=None, help="Undo the transform on the pixels."),
    click.option("--noise-only/--no-noise-only", default=None, help="The difference that noise makes."),
    click.option("--spectrum/--no-spectrum", default=None, help="The power spectrum beside it."),
    click.option("--spectrum-range", type=FINITE, help="Decibels above and below the mean that the greys span."),
    click.option("--spectrum-beta", type=FINITE, help="Of its Kaiser window, 0 to 80."),
    click.option("--spectrum-all/--spectrum-shown", default=None, help="Of all channels, or of those shown."),
]


def open_picture_source(source: str | None, *, precision: Precision = "float32", compiled: bool = True) -> Source:
    """Open a checkpoint, project, picture, ``bundled:NAME`` or address; without one the model of the program.

    Args:
        source: What to open.
        precision: Of the synthesis.
        compiled: Whether compiled kernels serve, as in the window.

    Raises:
        CheckpointError: The file is missing or no model.
        ProjectFileError: The project or picture cannot be read, or its model is missing.
    """
    from explorer.project import find_bundled
    from explorer.rendering.machine import compile_kernels, use_kernels, use_threads
    from explorer.session.opening import BUNDLED, name_of, open_source

    # As in the window, so that its pictures and these are equal to the bit.
    use_threads()
    if compiled and not compile_kernels():
        use_kernels()
    named = BUNDLED + find_bundled().name if source is None else source
    with progress_bar() as progress:
        opened = open_source(named, compute=Compute(precision=precision), progress=progress)
    renderer = opened.model.renderer
    kept = opened.project or opened.recipe
    if kept is None:
        return Source(EditState(checkpoint=opened.model.reference), renderer, None)
    renderer.blobs = kept.blobs
    return Source(kept.state, renderer, Path(name_of(str(source))).stem)


def refuse_dropped(changes: Changes, renderer: "Renderer") -> None:
    """Refuse options that the model cannot follow: a picture that ignores them is not what was asked for.

    Raises:
        StateError: One of them is of no use on this model.
    """
    from explorer.rendering.restriction import restrict

    _, dropped = restrict(changes.apply(EditState()), renderer.generator.spec)
    if dropped:
        raise StateError(f"this model cannot do what was asked: {'; '.join(dropped)}")


Part = TypeVar("Part", EditState, Truncation, Noise, Transform, Output, Spectrum)


def _replaced(part: Part, **values: object) -> Part:
    try:
        return replace(part, **{name: value for name, value in values.items() if value is not None})
    except ValueError as error:
        raise StateError(str(error)) from None
