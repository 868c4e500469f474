"""Everything that varies between one StyleGAN network and another, as plain data."""

from dataclasses import dataclass

from explorer.errors import CheckpointError
from explorer.generators.config import check_at_least, check_between, config_from_json
from explorer.generators.growing_discriminator import Activation
from explorer.generators.stylegan2_config import MAX_LAYERS, MAX_TAPS, MAX_WIDTH, Taps

__all__ = ["GeneratorConfig", "check_blocks"]


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
    z_dim: int = 512
    """Length of the latent."""
    c_dim: int = 0
    """Number of classes; 0 for an unconditional model."""
    w_dim: int = 512
    """Length of a style."""
    img_channels: int = 3
    """1 grey, 3 RGB."""
    mapping_layers: int = 8
    """Fully connected layers from z to w."""
    embed_features: int | None = None
    """Length of the label's image beside z; `z_dim` when ``None``."""
    layer_features: int | None = None
    """Width between the mapping layers; `w_dim` when ``None``."""
    mapping_activation: Activation = "lrelu"
    """After every mapping layer."""
    lr_multiplier: float = 0.01
    """How much slower the mapping layers learn."""
    w_avg_beta: float | None = 0.995
    """Decay of the running centre of W; ``None`` keeps no centre."""
    normalize_latents: bool = True
    """Whether the mapping network's input is scaled to a mean square of 1."""
    activation: Activation = "lrelu"
    """After every convolution."""
    const_input: bool = True
    """Whether synthesis starts from a learned constant; else from the first row of ``w_plus``."""
    use_styles: bool = True
    """Whether features are scaled and shifted by styles."""
    use_noise: bool = True
    """Whether the layers have noise maps."""
    pixel_norm: bool = False
    """Whether every place is scaled to a mean square of 1 over the features."""
    instance_norm: bool = True
    """Whether every feature is brought to mean 0 and deviation 1 over the picture."""
    smoothing: Taps | None = (1.0, 2.0, 1.0)
    """The low-pass filter after every doubling; none when ``None``."""
    fused_from: int | None = 128
    """Blocks of this size and above fold the doubling into a transposed convolution; none when ``None``."""
    grows: bool = True
    """Whether every block has colours of its own."""
    lod: float = 0.0
    """Level of detail: doublings at the network's end that are not there yet, with fractions."""

    def __post_init__(self) -> None:
        check_blocks(self.resolution, self.channels, lod=self.lod, grows=self.grows)
        check_between("z_dim", self.z_dim, 1, MAX_WIDTH)
        check_between("w_dim", self.w_dim, 1, MAX_WIDTH)
        check_between("c_dim", self.c_dim, 0, 1 << 24)
        check_between("img_channels", self.img_channels, 1, 1 << 10)
        check_between("mapping_layers", self.mapping_layers, 0, MAX_LAYERS)
        check_at_least("fused_from", self.fused_from, 8)
        check_at_least("embed_features", self.embed_features, 1)
        check_at_least("layer_features", self.layer_features, 1)
        joined = 0 if self.c_dim == 0 else self.z_dim if self.embed_features is None else self.embed_features
        if self.mapping_layers == 0 and self.z_dim + joined != self.w_dim:
            raise CheckpointError("a mapping network without layers needs z_dim plus embed_features equal to w_dim")
        if not self.lr_multiplier > 0:
            raise CheckpointError(f"lr_multiplier is {self.lr_multiplier}, and should be above 0")
        if self.w_avg_beta is not None:
            check_between("w_avg_beta", self.w_avg_beta, 0, 1)
        if self.smoothing is not None:
            check_between("the number of smoothing's taps", len(self.smoothing), 1, MAX_TAPS)

    @classmethod
    def from_json(cls, data: object) -> "GeneratorConfig":
        """Read what ``dataclasses.asdict`` made. Raises `CheckpointError` on anything else."""
        return config_from_json(cls, data)

    @property
    def block_resolutions(self) -> tuple[int, ...]:
        """4, 8, ..., `resolution`."""
        return tuple(4 << i for i in range(len(self.channels)))


def check_blocks(resolution: int, channels: tuple[int, ...], *, lod: float, grows: bool) -> None:
    """Refuse sizes that do not double from 4, widths out of range, and growth that a network cannot have.

    Raises:
        CheckpointError: One of these.
    """
    check_between("resolution", resolution, 4, 1 << 14)
    if resolution & (resolution - 1) or len(channels) != resolution.bit_length() - 2:
        raise CheckpointError(f"{len(channels)} blocks do not make a network of {resolution} pixels")
    for i, count in enumerate(channels):
        check_between(f"channels[{i}]", count, 1, MAX_WIDTH)
    check_between("lod", lod, 0, len(channels) - 1 if grows else 0)
