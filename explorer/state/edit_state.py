"""The one immutable value that a picture is a function of.

Convention: image axes are x to the right and y down, translations are in image widths,
angles in degrees. Layers are rows of ``w_plus``, 0 the coarsest.
"""

from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "CENTRES",
    "NEAREST",
    "BlobRef",
    "Blend",
    "CheckpointRef",
    "ClassMix",
    "Condition",
    "EditState",
    "Latent",
    "Mix",
    "NoCondition",
    "Noise",
    "Output",
    "Prompt",
    "SeedBlend",
    "SeedPad",
    "Slider",
    "Spectrum",
    "Stored",
    "Transform",
    "Truncation",
    "Tuning",
]


CENTRES = 16
"""How many clusters mapped samples are parted into, for truncation to one of their centres."""
NEAREST = -1
"""For `Truncation.centre`: the centre that each row is nearest to."""


@dataclass(frozen=True, slots=True)
class BlobRef:
    """An array in the project's content-addressed store."""

    sha256: str
    """Hash of the array's ``.npy`` bytes, 64 hexadecimal digits."""


@dataclass(frozen=True, slots=True)
class CheckpointRef:
    """Which model a state belongs to."""

    sha256: str
    """Hash of the checkpoint file: what decides identity."""
    family: str
    """As in `GeneratorSpec.family`."""
    hint: str = ""
    """Where the file was last seen, or ``bundled:NAME``: a hint only."""


@dataclass(frozen=True, slots=True)
class NoCondition:
    """Unconditional; on a class-conditional model every seed draws a class of its own, as the published viewer does."""


@dataclass(frozen=True, slots=True)
class ClassMix:
    """A weighted mix of classes, one class being the mix with a single entry."""

    weights: tuple[tuple[int, float], ...]
    """``(class index, weight)`` pairs."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A weighted mix of texts, one text being the mix with a single entry. Only the proportions count."""

    weights: tuple[tuple[str, float], ...]
    """``(text, weight)`` pairs; a weight below 0 leads away from its text."""


Condition = NoCondition | ClassMix | Prompt


@dataclass(frozen=True, slots=True)
class SeedPad:
    """A point on the plane of seeds: seed = floor(x) + 100 * floor(y); fractions blend the four corners."""

    x: float = 0.0
    """In seeds, any real number."""
    y: float = 0.0
    """In rows of a hundred seeds, any real number."""


@dataclass(frozen=True, slots=True)
class SeedBlend:
    """A weighted blend of seeds, in w, around the mean."""

    weights: tuple[tuple[int, float], ...]
    """``(seed, weight)`` pairs; a weight of 1 on one seed is that seed."""


@dataclass(frozen=True, slots=True)
class Stored:
    """A latent kept as numbers: a projection, an imported point."""

    space: Literal["z", "w", "w_plus"]
    """What the array holds: ``[z_dim]``, ``[w_dim]`` or ``[num_ws, w_dim]``."""
    blob: BlobRef
    """The array."""


@dataclass(frozen=True, slots=True)
class Blend:
    """A weighted blend of latents of any kind, in w, around the mean: on the way from one to another."""

    weights: tuple[tuple[SeedPad | SeedBlend | Stored, float], ...]
    """``(latent, weight)`` pairs; a weight of 1 on one latent is that latent."""


Latent = SeedPad | SeedBlend | Stored | Blend


@dataclass(frozen=True, slots=True)
class Slider:
    """An offset in w along one direction."""

    basis: Literal["pca", "axis"]
    """``pca``: principal directions of mapped samples; ``axis``: coordinates of w."""
    index: int
    """Which direction, from 0."""
    amount: float
    """In standard deviations of mapped samples along that direction."""
    layers: tuple[int, ...] | None = None
    """Rows of ``w_plus`` that move; all when ``None``."""
    name: str = ""
    """What a person calls it; empty for the direction's own name."""


@dataclass(frozen=True, slots=True)
class Mix:
    """Styles of another latent in some of the layers."""

    latent: Latent
    """Where the styles come from."""
    layers: tuple[int, ...]
    """Rows of ``w_plus`` that are replaced."""
    amount: float = 1.0
    """0 keeps the first latent, 1 replaces it."""


@dataclass(frozen=True, slots=True)
class Truncation:
    """How far styles are pulled to the centre of W."""

    psi: float = 1.0
    """1 changes nothing, 0 gives the mean picture, below 0 mirrors."""
    cutoff: int | None = None
    """Only rows ``[0, cutoff)`` are pulled; all when ``None``."""
    centre: int | None = None
    """Where styles are pulled to: the mean when ``None``, else one of the `CENTRES` clusters' centres, from 0, the
    most crowded first; or `NEAREST`."""

    def __post_init__(self) -> None:
        if self.centre is not None and not NEAREST <= self.centre < CENTRES:
            raise ValueError(f"there is no centre {self.centre}: they are 0 to {CENTRES - 1}, {NEAREST} the nearest")


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise maps of StyleGAN 1 and 2."""

    mode: Literal["const", "random", "none"] = "const"
    """``const``: the maps stored with the model; ``random``: drawn from ``seed``; ``none``: off."""
    seed: int = 0
    """For ``random``: one standard normal map a noisy layer, in execution order."""
    strength: float = 1.0
    """Multiplies every layer's own strength."""
    layers: tuple[tuple[str, float], ...] = ()
    """``(layer name, factor)`` pairs that multiply single layers' strengths once more; 1 for those not named."""

    def __post_init__(self) -> None:
        if self.mode not in ("const", "random", "none"):
            raise ValueError(f"noise mode {self.mode!r} does not exist: use 'const', 'random' or 'none'")

    def strength_of(self, layer: str) -> float:
        """What a layer's own strength is multiplied by."""
        return next((factor for name, factor in self.layers if name == layer), 1.0) * self.strength


@dataclass(frozen=True, slots=True)
class Transform:
    """Where a StyleGAN3 picture lies: scaled and sheared, then rotated, then shifted."""

    translate_x: float = 0.0
    """To the right, in image widths."""
    translate_y: float = 0.0
    """Downwards, in image heights."""
    rotate_deg: float = 0.0
    """Degrees, in the direction of the published viewer."""
    scale: float = 1.0
    """2 shows everything twice as large; below 0 mirrors in both directions."""
    shear: float = 0.0
    """How far a point moves to the right, as a share of how far below the centre it lies."""


@dataclass(frozen=True, slots=True)
class Spectrum:
    """The power spectrum that is shown to the right of a picture."""

    range_db: float = 50.0
    """Decibels above and below the mean power that the greys span, above 0."""
    beta: float = 8.0
    """Of the Kaiser window, 0 to 80: 0 is a box; more hides the edges of the picture and blurs the spectrum."""
    all_channels: bool = True
    """Of all channels, not only of those shown."""

    def __post_init__(self) -> None:
        if not 1e-3 <= self.range_db <= 1e6:
            raise ValueError(f"the range of a spectrum is {self.range_db} dB: choose one from 0.001 to 1,000,000")
        if not 0 <= self.beta <= 80:
            raise ValueError(f"the beta of a Kaiser window is {self.beta}: choose one from 0 to 80")


@dataclass(frozen=True, slots=True)
class Output:
    """What of a synthesis is shown, and how."""

    layer: str | None = None
    """A name of `GeneratorSpec.activations`; the picture when ``None``."""
    base_channel: int = 0
    """The first channel shown, from 0; one too high shows the last ones."""
    sel_channels: int | None = None
    """How many channels are shown, 1, 3 or 4: grey, RGB, RGBA; one where the layer has fewer.

    ``None``: as the picture for the picture, three for a layer.
    """
    scale_db: float = 0.0
    """Contrast in decibels, -200 to 200: 20 is a factor of ten."""
    normalize: bool = False
    """Divide each channel by its largest magnitude first."""
    spectrum: Spectrum | None = None
    """The power spectrum beside it."""
    untransform: bool = False
    """Undo the transform on the pixels, to compare with the picture that was never moved."""
    noise_only: bool = False
    """Show what noise adds: the difference to the same without it, middle grey where there is none."""

    def __post_init__(self) -> None:
        if not -200 <= self.scale_db <= 200:
            raise ValueError(f"the contrast is {self.scale_db} dB: choose one from -200 to 200")
        if self.sel_channels not in (None, 1, 3, 4):
            raise ValueError(f"{self.sel_channels} channels cannot be shown: choose 1, 3 or 4")
        if self.base_channel < 0:
            raise ValueError(f"there is no channel {self.base_channel}: they count from 0")


@dataclass(frozen=True, slots=True)
class Tuning:
    """What a projection changed in a model to meet a photo; everything else of the state acts on top of it."""

    model: str
    """`CheckpointRef.sha256` of the model that it belongs to: on any other one it is left out."""
    styles: BlobRef | None = None
    """Offsets in StyleSpace, ``[n]``: those of all layers, one after the other, added to the layers' styles."""
    noise: BlobRef | None = None
    """Noise maps ``[n]`` in place of those stored with the model, one after the other."""
    weights: BlobRef | None = None
    """Changes of low rank to the weights of the synthesis, ``[n]``, see `explorer.rendering.tuning`."""


@dataclass(frozen=True, slots=True)
class EditState:
    """Everything that a frame depends on. Frozen and hashable; change it with `dataclasses.replace`."""

    checkpoint: CheckpointRef | None = None
    """The model, or ``None`` before one is open."""
    condition: Condition = field(default_factory=NoCondition)
    """Class."""
    latent: Latent = field(default_factory=SeedPad)
    """Where in the latent space."""
    sliders: tuple[Slider, ...] = ()
    """Offsets in w, added after truncation."""
    mixing: tuple[Mix, ...] = ()
    """Applied in order, before truncation."""
    truncation: Truncation = field(default_factory=Truncation)
    """Pull to the centre."""
    noise: Noise = field(default_factory=Noise)
    """Noise maps."""
    transform: Transform = field(default_factory=Transform)
    """Equivariance."""
    output: Output = field(default_factory=Output)
    """What is shown of it."""
    tuning: Tuning | None = None
    """What a projection changed in the model itself."""
