"""Everything that varies between one StyleGAN2 network and another, as plain data."""

from dataclasses import dataclass
from typing import Literal

from explorer.errors import CheckpointError
from explorer.generators.config import check_at_least, check_between, config_from_json
from explorer.ops.activations import ACTIVATIONS

__all__ = ["Architecture", "DiscriminatorConfig", "GeneratorConfig", "Taps", "check_taps"]

Architecture = Literal["skip", "resnet", "orig", "revised"]
"""How a block's picture or features go around it: summed pictures, residual features, or not at all.

``revised`` is a generator of blocks as in ``orig`` that grew as ProGAN does: each has colours of its own.
"""

Taps = tuple[float, ...] | tuple[tuple[float, ...], ...]
"""A filter: its taps along both axes, or a full matrix of them."""

MAX_WIDTH = 1 << 16
MAX_LAYERS = 64
MAX_TAPS = 64
MAX_BASE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorConfig:
    """A generator's shape and options.

    Raises:
        CheckpointError: A value is out of range or contradicts another.
    """

    resolution: int
    """Pixels along each side of a square picture: a power of two, from 4. See `base_size` for others."""
    channels: tuple[int, ...]
    """Features of each block, from 4² up to `resolution`."""
    base_size: tuple[int, int] = (4, 4)
    """Height and width of the smallest block, which every further one doubles: (4, 3) at 256 makes 256 x 192."""
    z_dim: int = 512
    """Length of the latent."""
    c_dim: int = 0
    """Number of classes; 0 for an unconditional model."""
    w_dim: int = 512
    """Length of a style."""
    img_channels: int = 3
    """1 grey, 3 RGB, 4 RGBA."""
    architecture: Architecture = "skip"
    """How the picture is gathered from the blocks."""
    mapping_layers: int = 8
    """Fully connected layers from z to w."""
    embed_features: int | None = None
    """Length of the label's embedding; `w_dim` when ``None``."""
    layer_features: int | None = None
    """Width between the mapping layers; `w_dim` when ``None``."""
    mapping_activation: str = "lrelu"
    """After every mapping layer."""
    lr_multiplier: float = 0.01
    """How much slower the mapping layers learn."""
    w_avg_beta: float | None = 0.998
    """Decay of the running centre of W; ``None`` keeps no centre."""
    kernel_size: int = 3
    """Taps along each side of the convolutions: odd."""
    activation: str = "lrelu"
    """After every convolution."""
    conv_clamp: float | None = None
    """Bound on every layer's output; ``None`` is no bound."""
    use_noise: bool = True
    """Whether the convolutions have noise maps."""
    resample_filter: Taps = (1.0, 3.0, 3.0, 1.0)
    """The low-pass filter of every doubling."""
    label_mode: Literal["embed", "concat"] = "embed"
    """How a label meets the latent: each normalised alone, or both as one vector (the first release)."""
    normalize_latents: bool = True
    """Whether the mapping network's input is scaled to a mean square of 1; always with ``embed``."""
    const_channels: int | None = None
    """Features of the learned constant; as many as the block at 4² has when ``None``."""
    lod: float = 0.0
    """Level of detail of a ``revised`` network: doublings at its end that are not there yet, with fractions."""

    def __post_init__(self) -> None:
        _check_resolution(self.resolution, self.channels, smallest=4)
        _check_base(self.base_size)
        check_between("lod", self.lod, 0, len(self.channels) - 1 if self.architecture == "revised" else 0)
        if self.const_channels is not None:
            check_between("const_channels", self.const_channels, 1, MAX_WIDTH)
        _check_common(self.img_channels, self.conv_clamp, self.resample_filter)
        _check_activations(self.activation, self.mapping_activation)
        _check_mapping(self.mapping_layers, self.c_dim, self.embed_features, self.layer_features, self.lr_multiplier)
        check_between("z_dim", self.z_dim, 0 if self.c_dim else 1, MAX_WIDTH)
        check_between("w_dim", self.w_dim, 1, MAX_WIDTH)
        if self.w_avg_beta is not None:
            check_between("w_avg_beta", self.w_avg_beta, 0, 1)
        check_between("kernel_size", self.kernel_size, 1, 15)
        if self.kernel_size % 2 == 0:
            raise CheckpointError(f"kernel_size is {self.kernel_size}, and should be odd")
        embedded = 0 if self.c_dim == 0 else self.w_dim if self.embed_features is None else self.embed_features
        if self.label_mode == "concat" and self.c_dim and self.embed_features is None:
            embedded = self.z_dim
        if self.label_mode == "embed" and self.c_dim and not self.normalize_latents:
            raise CheckpointError("a mapping network that embeds labels normalises its latents too")
        if self.mapping_layers == 0 and self.z_dim + embedded != self.w_dim:
            raise CheckpointError("a mapping network without layers needs z_dim plus embed_features equal to w_dim")

    @classmethod
    def standard(
        cls, *, resolution: int, channel_base: int = 32768, channel_max: int = 512, **options: object
    ) -> "GeneratorConfig":
        """The published proportions: ``min(channel_base / r, channel_max)`` features at r².

        Args:
            resolution: Pixels along each side.
            channel_base: Features times pixels.
            channel_max: The most features of any block.
            **options: Any other field.

        Source: StyleGAN2 (Karras et al. 2020), as released; StyleGAN2-ADA halves the base below 512².
        """
        channels = _standard_channels(resolution, channel_base, channel_max)
        return config_from_json(cls, {"resolution": resolution, "channels": channels, **options})

    @classmethod
    def from_json(cls, data: object) -> "GeneratorConfig":
        """Read what ``dataclasses.asdict`` made. Raises `CheckpointError` on anything else."""
        return config_from_json(cls, data)

    @property
    def block_resolutions(self) -> tuple[int, ...]:
        """4, 8, ..., `resolution`: the names of the blocks, and their sizes where `base_size` is 4 x 4."""
        return _block_resolutions(self.resolution)

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the picture, in pixels."""
        return self.size_at(self.resolution)

    def size_at(self, resolution: int) -> tuple[int, int]:
        """Height and width of the block that is named after ``resolution``, in pixels."""
        return self.base_size[0] * resolution // 4, self.base_size[1] * resolution // 4


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscriminatorConfig:
    """A discriminator's shape and options; StyleGAN3 uses the same.

    Raises:
        CheckpointError: A value is out of range or contradicts another.
    """

    resolution: int
    """Pixels along each side of a square picture: a power of two, from 8. See `base_size` for others."""
    channels: tuple[int, ...]
    """Features of each block, from 4² up to `resolution`."""
    base_size: tuple[int, int] = (4, 4)
    """Height and width of the smallest block, as the generator's."""
    c_dim: int = 0
    """Number of classes; 0 for an unconditional model."""
    img_channels: int = 3
    """1 grey, 3 RGB, 4 RGBA."""
    architecture: Architecture = "resnet"
    """How the picture reaches the blocks."""
    activation: str = "lrelu"
    """After every convolution of the blocks."""
    epilogue_activation: str = "lrelu"
    """After the layers at 4²."""
    conv_clamp: float | None = None
    """Bound on every convolution's output; ``None`` is no bound."""
    resample_filter: Taps = (1.0, 3.0, 3.0, 1.0)
    """The low-pass filter of every halving."""
    freeze_layers: int = 0
    """How many layers, from the picture on, do not learn."""
    mbstd_group_size: int | None = 4
    """Pictures that are compared with one another; the whole batch when ``None``."""
    mbstd_num_channels: int = 1
    """Features that tell how much a group varies; 0 leaves them out."""
    cmap_dim: int = 0
    """Length of a mapped label; 0 exactly when no label is mapped."""
    mapping_layers: int = 8
    """Fully connected layers from a label to its mapped form."""
    embed_features: int | None = None
    """Length of the label's embedding; `cmap_dim` when ``None``."""
    layer_features: int | None = None
    """Width between the mapping layers; `cmap_dim` when ``None``."""
    mapping_activation: str = "lrelu"
    """After every mapping layer."""
    lr_multiplier: float = 0.01
    """How much slower the mapping layers learn."""
    label_mode: Literal["projection", "sum"] = "projection"
    """How a label decides: by its mapped form, or by choosing among one output a class (the first release)."""

    def __post_init__(self) -> None:
        _check_resolution(self.resolution, self.channels, smallest=8)
        _check_base(self.base_size)
        if self.architecture == "revised":
            raise CheckpointError("a discriminator cannot be of the architecture 'revised'")
        _check_common(self.img_channels, self.conv_clamp, self.resample_filter)
        _check_activations(self.activation, self.epilogue_activation, self.mapping_activation)
        _check_mapping(self.mapping_layers, self.c_dim, self.embed_features, self.layer_features, self.lr_multiplier)
        mapped = self.c_dim > 0 and self.label_mode == "projection"
        check_between("cmap_dim", self.cmap_dim, 1 if mapped else 0, MAX_WIDTH if mapped else 0)
        check_between("freeze_layers", self.freeze_layers, 0, 1 << 10)
        check_between("mbstd_num_channels", self.mbstd_num_channels, 0, MAX_WIDTH)
        check_at_least("mbstd_group_size", self.mbstd_group_size, 1)
        if self.mbstd_num_channels and self.channels[0] % self.mbstd_num_channels:
            raise CheckpointError(f"mbstd_num_channels {self.mbstd_num_channels} does not divide {self.channels[0]}")

    @classmethod
    def standard(
        cls, *, resolution: int, channel_base: int = 32768, channel_max: int = 512, **options: object
    ) -> "DiscriminatorConfig":
        """The published proportions; `cmap_dim` is as many as the features at 4². See `GeneratorConfig.standard`."""
        channels = _standard_channels(resolution, channel_base, channel_max)
        mapped = {"cmap_dim": channels[0]} if options.get("c_dim") else {}
        return config_from_json(cls, {"resolution": resolution, "channels": channels, **mapped, **options})

    @classmethod
    def from_json(cls, data: object) -> "DiscriminatorConfig":
        """Read what ``dataclasses.asdict`` made. Raises `CheckpointError` on anything else."""
        return config_from_json(cls, data)

    @property
    def block_resolutions(self) -> tuple[int, ...]:
        """`resolution`, ..., 16, 8: the order in which a picture meets them. The last layers, at 4², are no block."""
        return _block_resolutions(self.resolution)[:0:-1]

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the picture, in pixels."""
        return self.size_at(self.resolution)

    def size_at(self, resolution: int) -> tuple[int, int]:
        """Height and width of the block that is named after ``resolution``, in pixels."""
        return self.base_size[0] * resolution // 4, self.base_size[1] * resolution // 4


def _block_resolutions(resolution: int) -> tuple[int, ...]:
    return tuple(1 << i for i in range(2, resolution.bit_length()))


def _standard_channels(resolution: int, channel_base: int, channel_max: int) -> tuple[int, ...]:
    _check_power_of_two(resolution, smallest=4)
    return tuple(min(channel_base // r, channel_max) for r in _block_resolutions(resolution))


def _check_power_of_two(resolution: int, *, smallest: int) -> None:
    check_between("resolution", resolution, smallest, 1 << 14)
    if resolution & (resolution - 1):
        raise CheckpointError(f"resolution is {resolution}, and should be a power of two")


def _check_resolution(resolution: int, channels: tuple[int, ...], *, smallest: int) -> None:
    _check_power_of_two(resolution, smallest=smallest)
    blocks = len(_block_resolutions(resolution))
    if len(channels) != blocks:
        raise CheckpointError(f"channels has {len(channels)} entries, and {resolution} pixels need {blocks}")
    for i, count in enumerate(channels):
        check_between(f"channels[{i}]", count, 1, MAX_WIDTH)


def _check_base(base_size: tuple[int, int]) -> None:
    if len(base_size) != 2:
        raise CheckpointError(f"base_size has {len(base_size)} entries, and should have a height and a width")
    for name, side in zip(("height", "width"), base_size, strict=True):
        check_between(f"the {name} of base_size", side, 1, MAX_BASE)


def _check_common(img_channels: int, conv_clamp: float | None, taps: Taps) -> None:
    check_between("img_channels", img_channels, 1, 1 << 10)
    check_at_least("conv_clamp", conv_clamp, 0)
    check_taps(taps)


def check_taps(taps: Taps) -> None:
    """Refuse a filter without taps, with too many, or with rows of different lengths.

    Raises:
        CheckpointError: It is refused.
    """
    rows = [row if isinstance(row, tuple) else (row,) for row in taps]
    check_between("the number of resample_filter's taps", max(len(rows), *map(len, rows), 0), 1, MAX_TAPS)
    if len({len(row) for row in rows}) != 1:
        raise CheckpointError("resample_filter has rows of different lengths")


def _check_activations(*names: str) -> None:
    for name in names:
        if name not in ACTIVATIONS:
            raise CheckpointError(f"there is no activation {name[:40]!r}: use one of {', '.join(ACTIVATIONS)}")


def _check_mapping(layers: int, c_dim: int, embed: int | None, features: int | None, lr_multiplier: float) -> None:
    check_between("mapping_layers", layers, 0, MAX_LAYERS)
    check_between("c_dim", c_dim, 0, 1 << 24)
    for name, width in (("embed_features", embed), ("layer_features", features)):
        if width is not None:
            check_between(name, width, 1, MAX_WIDTH)
    if not lr_multiplier > 0:
        raise CheckpointError(f"lr_multiplier is {lr_multiplier}, and should be above 0")
