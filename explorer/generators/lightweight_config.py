"""Everything that varies between one light StyleGAN2 and another, as plain data."""

from dataclasses import dataclass

from explorer.errors import CheckpointError
from explorer.generators.config import check_between, config_from_json
from explorer.generators.stylegan1_config import check_blocks
from explorer.generators.stylegan2_config import MAX_LAYERS, MAX_WIDTH

__all__ = ["DiscriminatorConfig", "GeneratorConfig"]


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorConfig:
    """A generator's shape and options.

    Raises:
        CheckpointError: A value is out of range or contradicts another.
    """

    resolution: int
    """Pixels along each side: a power of two, from 4."""
    channels: tuple[int, ...]
    """Features of each block, from 4² up to `resolution`."""
    first_channels: int
    """Features of the learned constant, and into the first block."""
    w_dim: int = 512
    """Length of a latent and of a style."""
    img_channels: int = 3
    """3 RGB, 4 RGBA."""
    mapping_layers: int = 8
    """Fully connected layers from z to w."""
    lr_multiplier: float = 0.1
    """Factor on the mapping layers' weights."""
    const_input: bool = True
    """Whether synthesis starts from a learned constant; else from the mean style."""
    attention: tuple[int, ...] = ()
    """Blocks, from 0 at 4², that attend before their convolutions."""

    def __post_init__(self) -> None:
        check_blocks(self.resolution, self.channels, lod=0, grows=False)
        check_between("first_channels", self.first_channels, 1, MAX_WIDTH)
        check_between("w_dim", self.w_dim, 1, MAX_WIDTH)
        check_between("img_channels", self.img_channels, 1, 1 << 10)
        check_between("mapping_layers", self.mapping_layers, 0, MAX_LAYERS)
        for block in self.attention:
            check_between("attention", block, 0, len(self.channels) - 1)
        if not self.lr_multiplier > 0:
            raise CheckpointError(f"lr_multiplier is {self.lr_multiplier}, and should be above 0")

    @classmethod
    def from_json(cls, data: object) -> "GeneratorConfig":
        """Read what ``dataclasses.asdict`` made. Raises `CheckpointError` on anything else."""
        return config_from_json(cls, data)

    @property
    def block_resolutions(self) -> tuple[int, ...]:
        """4, 8, ..., `resolution`."""
        return tuple(4 << i for i in range(len(self.channels)))


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscriminatorConfig:
    """A discriminator's shape and options.

    Raises:
        CheckpointError: A value is out of range.
    """

    channels: tuple[int, ...]
    """Features of each block, from the picture on; all blocks but the last halve it, down to 2²."""
    img_channels: int = 3
    """3 RGB, 4 RGBA."""
    attention: tuple[int, ...] = ()
    """Blocks, from 0 at the picture, that attend after their convolutions."""

    def __post_init__(self) -> None:
        check_between("the number of blocks", len(self.channels), 2, 14)
        for i, count in enumerate(self.channels):
            check_between(f"channels[{i}]", count, 1, MAX_WIDTH)
        check_between("img_channels", self.img_channels, 1, 1 << 10)
        for block in self.attention:
            check_between("attention", block, 0, len(self.channels) - 1)

    @classmethod
    def from_json(cls, data: object) -> "DiscriminatorConfig":
        """Read what ``dataclasses.asdict`` made. Raises `CheckpointError` on anything else."""
        return config_from_json(cls, data)

    @property
    def resolution(self) -> int:
        """Pixels along each side."""
        return 1 << len(self.channels)
