"""Everything that distinguishes one R3GAN from another, apart from its weights.

Source: The GAN is dead; long live the GAN! A Modern GAN Baseline (Huang et al. 2024), section 3 and appendix.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from explorer.errors import CheckpointError
from explorer.generators.config import check_between, config_from_json
from explorer.generators.stylegan2_config import MAX_WIDTH, Taps, check_taps

__all__ = ["DiscriminatorConfig", "GeneratorConfig", "Stages"]

MAX_STAGES = 12
MAX_BLOCKS = 64
MAX_SIDE = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """What generator and discriminator share: residual blocks at every size, from the smallest up.

    Raises:
        CheckpointError: A value is out of range or contradicts another.
    """

    channels: tuple[int, ...]
    """Features at each size, from the smallest."""
    blocks: tuple[int, ...]
    """Residual blocks at each size."""
    groups: tuple[int, ...]
    """Groups of the blocks' middle convolutions at each size (the paper's cardinality)."""
    expansion: tuple[int, ...]
    """How much wider than `channels` the middle of a block is, at each size."""
    img_channels: int = 3
    """1 grey, 3 RGB, 4 RGBA."""
    c_dim: int = 0
    """Number of classes; 0 for an unconditional model."""
    embed_dim: int = 0
    """Length of a class's embedding; of no effect without classes."""
    kernel_size: int = 3
    """Taps along each side of the blocks' middle convolutions."""
    resample_filter: Taps = (1.0, 3.0, 3.0, 1.0)
    """Taps of the filter behind up- and before down-sampling."""
    base_size: tuple[int, ...] = (4, 4)
    """Height and width of the smallest size, in pixels; 4 x 4 in the published models."""

    def __post_init__(self) -> None:
        count = len(self.channels)
        check_between("the number of sizes", count, 1, MAX_STAGES)
        for name in ("blocks", "groups", "expansion"):
            if len(getattr(self, name)) != count:
                raise CheckpointError(
                    f"{name} has {len(getattr(self, name))} entries, and should have {count}: one a size"
                )
        for width, blocks, groups, expansion in zip(
            self.channels, self.blocks, self.groups, self.expansion, strict=True
        ):
            check_between("channels", width, 1, MAX_WIDTH)
            check_between("blocks", blocks, 0, MAX_BLOCKS)
            check_between("expansion", expansion, 1, 64)
            check_between("groups", groups, 1, MAX_WIDTH)
            if width * expansion % groups:
                raise CheckpointError(f"{width * expansion} channels cannot be divided into {groups} groups")
        check_between("img_channels", self.img_channels, 1, 1 << 10)
        check_between("c_dim", self.c_dim, 0, MAX_WIDTH)
        check_between("embed_dim", self.embed_dim, 1 if self.c_dim else 0, MAX_WIDTH)
        if len(self.base_size) != 2:
            raise CheckpointError(f"base_size has {len(self.base_size)} entries, and should have a height and a width")
        for side in self.base_size:
            check_between("base_size", side, 1, MAX_SIDE >> (count - 1))
        check_between("kernel_size", self.kernel_size, 1, 31)
        if self.kernel_size % 2 == 0:
            raise CheckpointError(f"kernel_size is {self.kernel_size}, and has to be odd to keep the size")
        check_taps(self.resample_filter)

    @property
    def sizes(self) -> tuple[tuple[int, int], ...]:
        """Height and width of every size, from the smallest."""
        height, width = self.base_size
        return tuple((height << i, width << i) for i in range(len(self.channels)))

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the picture, in pixels."""
        return self.sizes[-1]


def _standard(channels: Sequence[int], groups: Sequence[int] | None, blocks: int, options: dict[str, object]) -> dict:
    """Options with one entry a size: two blocks, twice as wide in the middle, groups of 16 channels of that."""
    widths = tuple(channels)
    return {
        "channels": widths,
        "blocks": (blocks,) * len(widths),
        "groups": tuple(groups) if groups is not None else tuple(max(width // 8, 1) for width in widths),
        "expansion": (2,) * len(widths),
        **options,
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorConfig(Stages):
    """A generator's shape and options."""

    z_dim: int = 64
    """Length of the latent."""

    def __post_init__(self) -> None:
        Stages.__post_init__(self)
        check_between("z_dim", self.z_dim, 1, MAX_WIDTH)

    @classmethod
    def standard(
        cls, *, channels: Sequence[int], groups: Sequence[int] | None = None, blocks: int = 2, **options: object
    ) -> "GeneratorConfig":
        """The published shape: two blocks a size, their middle twice as wide and in groups of 16 channels.

        Args:
            channels: Features at each size, from 4² up: (768, 768, 768, 768, 384) for FFHQ-64.
            groups: At each size; an eighth of the channels when ``None``, as published.
            blocks: At each size.
            **options: More fields.
        """
        return cls(**_standard(channels, groups, blocks, options))

    @classmethod
    def from_json(cls, data: object) -> "GeneratorConfig":
        """Read what ``dataclasses.asdict`` made. Raises `CheckpointError` on anything else."""
        return config_from_json(cls, data)


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscriminatorConfig(Stages):
    """A discriminator's shape and options."""

    @classmethod
    def standard(
        cls, *, channels: Sequence[int], groups: Sequence[int] | None = None, blocks: int = 2, **options: object
    ) -> "DiscriminatorConfig":
        """The mirror of a generator of the same `channels`. See `GeneratorConfig.standard`."""
        return cls(**_standard(channels, groups, blocks, options))

    @classmethod
    def from_json(cls, data: object) -> "DiscriminatorConfig":
        """Read what ``dataclasses.asdict`` made. Raises `CheckpointError` on anything else."""
        return config_from_json(cls, data)
