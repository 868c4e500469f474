"""Everything that distinguishes one discriminator of Projected GAN from another, apart from its weights.

Source: Projected GANs Converge Faster (Sauer et al. 2021), section 4; StyleGAN-XL (Sauer et al. 2022), section 3.
"""

from dataclasses import dataclass

from explorer.errors import CheckpointError
from explorer.generators.config import check_between, config_from_json
from explorer.generators.stylegan2_config import MAX_WIDTH

__all__ = ["HEADS", "ProjectedConfig"]

HEADS = 4
MAX_SIDE = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectedConfig:
    """Shape and options of a `ProjectedDiscriminator`.

    Raises:
        CheckpointError: A value is out of range.
    """

    picture_size: tuple[int, ...]
    """Height and width of the pictures, in pixels."""
    img_channels: int = 3
    """1 grey, 3 RGB, 4 RGBA."""
    c_dim: int = 0
    """Number of classes; 0 for an unconditional model."""
    width: int = 64
    """Features of the finest mixed scale; each coarser one is first mixed to twice as many."""
    heads: int = HEADS
    """Scales that are judged, the finest first."""
    separable: bool = False
    """Whether the heads' layers filter every feature alone and then mix them, as for StyleGAN2's generator."""
    seen_side: int = 224
    """Pixels that smaller pictures are enlarged to, along their longer side: what the frozen network was trained at."""
    embed_features: int = 128
    """Length of a class's embedding; of no effect without classes."""
    cmap_dim: int = 64
    """Length of what a label and a place are compared by; of no effect without classes."""

    def __post_init__(self) -> None:
        if len(self.picture_size) != 2:
            raise CheckpointError(f"picture_size has {len(self.picture_size)} entries: it is a height and a width")
        for side in self.picture_size:
            check_between("picture_size", side, 1, MAX_SIDE)
        check_between("img_channels", self.img_channels, 1, 4)
        check_between("c_dim", self.c_dim, 0, MAX_WIDTH)
        check_between("width", self.width, 2, 1 << 12)
        check_between("heads", self.heads, 1, HEADS)
        check_between("seen_side", self.seen_side, 128, 1 << 12)
        check_between("embed_features", self.embed_features, 1, MAX_WIDTH)
        check_between("cmap_dim", self.cmap_dim, 1, MAX_WIDTH)
        if self.img_channels == 2:
            raise CheckpointError("img_channels is 2, and pictures have 1, 3 or 4")

    @classmethod
    def from_json(cls, data: object) -> "ProjectedConfig":
        """Read what ``dataclasses.asdict`` made. Raises `CheckpointError` on anything else."""
        return config_from_json(cls, data)
