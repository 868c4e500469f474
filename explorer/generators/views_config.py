"""Everything that distinguishes one published projected discriminator from another, apart from its weights.

Source: Projected GANs Converge Faster (Sauer et al. 2021), section 4; StyleGAN-XL (Sauer et al. 2022), section 3.3.
"""

from dataclasses import dataclass

from explorer.errors import CheckpointError
from explorer.generators.config import check_between, config_from_json
from explorer.generators.stylegan2_config import MAX_WIDTH
from explorer.generators.vision_transformer import VisionConfig

__all__ = ["SCALES", "ViewConfig", "ViewsConfig"]

SCALES = 4
_COLOURS = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewConfig:
    """One frozen network, how its scales are mixed, and the heads that judge them.

    Raises:
        CheckpointError: A value is out of range.
    """

    vision: VisionConfig | None = None
    """A vision transformer; ``None``: EfficientNet-lite0."""
    readout: tuple[int, ...] = ()
    """Features that each scale of a transformer is brought to, the finest first; none for EfficientNet-lite0."""
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    """Of colours from 0 to 1, taken off before the network looks."""
    deviation: tuple[float, ...] = (0.5, 0.5, 0.5)
    """What the rest is divided by."""
    resized: int = 224
    """Side of the square, in pixels, that every picture is brought to; 0: as it comes."""
    channels: tuple[int, ...] = ()
    """Features of each scale after mixing across features; none: not mixed."""
    scales: tuple[int, ...] = ()
    """Features of each scale after mixing across scales; none: not mixed."""
    heads: tuple[tuple[int, ...], ...] = ()
    """For each head, on the finest scale first: the features after each halving."""
    separable: bool = False
    """Whether the heads' layers filter every feature alone and then mix them."""

    def __post_init__(self) -> None:
        for name in ("readout", "channels", "scales"):
            counts = getattr(self, name)
            if len(counts) not in (0, SCALES):
                raise CheckpointError(f"{name} has {len(counts)} entries: one for each of {SCALES} scales, or none")
            for count in counts:
                check_between(name, count, 1, MAX_WIDTH)
        if (self.vision is None) == bool(self.readout):
            raise CheckpointError("a vision transformer has a readout, and EfficientNet-lite0 has none")
        if self.scales and not self.channels:
            raise CheckpointError("scales that are mixed have mixed features first")
        if self.scales and self.scales[1:] != self.channels[:-1]:
            raise CheckpointError("a scale and the coarser one that joins it have other numbers of features")
        for name in ("mean", "deviation"):
            if len(getattr(self, name)) != _COLOURS:
                raise CheckpointError(f"{name} has {len(getattr(self, name))} entries: one for each of three colours")
        for value in self.mean:
            check_between("mean", value, -10, 10)
        for value in self.deviation:
            check_between("deviation", value, 1e-3, 100)
        check_between("resized", self.resized, 0, 1 << 12)
        check_between("the number of heads", len(self.heads), 1, SCALES)
        for widths in self.heads:
            check_between("the number of halvings", len(widths), 0, 8)
            for width in widths:
                check_between("heads", width, 1, MAX_WIDTH)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewsConfig:
    """Shape and options of a `ViewsDiscriminator`.

    Raises:
        CheckpointError: A value is out of range.
    """

    views: tuple[ViewConfig, ...]
    """The frozen networks: Projected GAN has one, StyleGAN-XL two."""
    c_dim: int = 0
    """Number of classes; 0 for an unconditional model."""
    embed_features: int = 128
    """Length of a class's embedding; of no effect without classes."""
    cmap_dim: int = 64
    """Length of what a label and a place are compared by; of no effect without classes."""

    def __post_init__(self) -> None:
        check_between("the number of views", len(self.views), 1, 8)
        check_between("c_dim", self.c_dim, 0, MAX_WIDTH)
        check_between("embed_features", self.embed_features, 1, MAX_WIDTH)
        check_between("cmap_dim", self.cmap_dim, 1, MAX_WIDTH)

    @classmethod
    def from_json(cls, data: object) -> "ViewsConfig":
        """Read what ``dataclasses.asdict`` made. Raises `CheckpointError` on anything else."""
        return config_from_json(cls, data)
