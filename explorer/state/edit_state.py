"""The one immutable value that a picture is a function of.

Convention: image axes are x to the right and y down, translations are in image widths,
angles in degrees. Layers are rows of ``w_plus``, 0 the coarsest.
"""

from dataclasses import dataclass, field
from typing import Literal

__all__ = [
    "BlobRef",
    "CheckpointRef",
    "ClassMix",
    "Condition",
    "EditState",
    "Latent",
    "Mix",
    "NoCondition",
    "Noise",
    "SeedBlend",
    "SeedPad",
    "Slider",
    "Stored",
    "Transform",
    "Truncation",
]


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


Condition = NoCondition | ClassMix


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


Latent = SeedPad | SeedBlend | Stored


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


@dataclass(frozen=True, slots=True)
class Noise:
    """The noise maps of StyleGAN 1 and 2."""

    mode: Literal["const", "random", "none"] = "const"
    """``const``: the maps stored with the model; ``random``: drawn from ``seed``; ``none``: off."""
    seed: int = 0
    """For ``random``: one standard normal map a noisy layer, in execution order."""
    strength: float = 1.0
    """Multiplies every layer's own strength."""

    def __post_init__(self) -> None:
        if self.mode not in ("const", "random", "none"):
            raise ValueError(f"noise mode {self.mode!r} does not exist: use 'const', 'random' or 'none'")


@dataclass(frozen=True, slots=True)
class Transform:
    """Where StyleGAN3's picture lies: rotated first, then shifted."""

    translate_x: float = 0.0
    """To the right, in image widths."""
    translate_y: float = 0.0
    """Downwards, in image heights."""
    rotate_deg: float = 0.0
    """Degrees, in the direction of the published viewer."""


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
