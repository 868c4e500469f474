"""Everything that distinguishes one FastGAN from another, apart from its weights.

Source: Towards Faster and Stabilized GAN Training (Liu et al. 2021), section 3.1; as Projected GAN trains it (Sauer et
al. 2021, appendix).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from explorer.errors import CheckpointError
from explorer.generators.config import check_between, config_from_json
from explorer.generators.stylegan2_config import MAX_WIDTH

__all__ = ["EXCITED_BY", "GeneratorConfig", "check_resolution"]

# Which size decides about the features of which: their sides, in pixels.
EXCITED_BY: Mapping[int, int] = MappingProxyType({64: 4, 128: 8, 256: 16, 512: 32})
_SMALLEST, _LARGEST = 64, 1 << 12
# Features of each size, as multiples of a width of 128 or 64.
_SHARES = {4: 16.0, 8: 8.0, 16: 4.0, 32: 2.0, 64: 2.0, 128: 1.0, 256: 0.5, 512: 0.25, 1024: 0.125}


def check_resolution(resolution: int) -> None:
    """Refuse a side that no generator has.

    Raises:
        CheckpointError: It is no power of two, or out of range.
    """
    check_between("resolution", resolution, _SMALLEST, _LARGEST)
    if resolution & (resolution - 1):
        raise CheckpointError(f"resolution is {resolution}, and should be a power of two")


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorConfig:
    """A generator's shape and options.

    Raises:
        CheckpointError: A value is out of range or contradicts another.
    """

    resolution: int
    """Side of the picture, in pixels: a power of two from 64."""
    channels: tuple[int, ...]
    """Features at each size, from 4 x 4."""
    z_dim: int = 256
    """Length of the latent."""
    c_dim: int = 0
    """Number of classes; 0 for an unconditional model."""
    embed_dim: int = 0
    """Length of a class's embedding; of no effect without classes."""
    img_channels: int = 3
    """1 grey, 3 RGB, 4 RGBA."""
    lite: bool = False
    """One convolution a size and no noise, instead of two with noise."""

    def __post_init__(self) -> None:
        check_resolution(self.resolution)
        wanted = self.resolution.bit_length() - 2
        if len(self.channels) != wanted:
            raise CheckpointError(f"channels has {len(self.channels)} entries, and should have {wanted}: one a size")
        for width in self.channels:
            check_between("channels", width, 1, MAX_WIDTH)
        check_between("z_dim", self.z_dim, 1, MAX_WIDTH)
        check_between("c_dim", self.c_dim, 0, MAX_WIDTH)
        check_between("embed_dim", self.embed_dim, 1 if self.c_dim else 0, MAX_WIDTH)
        check_between("img_channels", self.img_channels, 1, 1 << 10)

    @classmethod
    def standard(cls, *, resolution: int, width: int = 128, **options: object) -> "GeneratorConfig":
        """The published shape.

        Args:
            resolution: Side of the picture.
            width: Features at 128 x 128; the other sizes follow.
            **options: More fields.
        """
        sizes = [4 << i for i in range(resolution.bit_length() - 2)]
        return cls(resolution=resolution, channels=tuple(int(_SHARES[size] * width) for size in sizes), **options)

    @classmethod
    def from_json(cls, data: object) -> "GeneratorConfig":
        """Read what ``dataclasses.asdict`` made. Raises `CheckpointError` on anything else."""
        return config_from_json(cls, data)
