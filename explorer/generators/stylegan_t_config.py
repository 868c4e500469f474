"""Everything that distinguishes one StyleGAN-T from another, apart from its weights.

Source: StyleGAN-T (Sauer et al. 2023), section 3.1 and appendix A.
"""

import math
from dataclasses import dataclass
from typing import Literal

from explorer.errors import CheckpointError
from explorer.generators.config import check_at_least, check_between, config_from_json
from explorer.generators.stylegan2_config import Taps
from explorer.generators.stylegan3_plan import InputPlan
from explorer.ops.activations import ACTIVATIONS

__all__ = ["GeneratorConfig"]

MAX_WIDTH = 1 << 16
MAX_BLOCKS = 32
MAX_LAYERS = 64
MAX_SIDE = 1 << 14


@dataclass(frozen=True, slots=True, kw_only=True)
class GeneratorConfig:
    """A generator's shape and options.

    Raises:
        CheckpointError: A value is out of range or contradicts another.
    """

    resolution: int
    """Pixels along each side: the first block's, doubled by every further one."""
    channels: tuple[int, ...]
    """Features of each block, the first the coarsest."""
    res_blocks: int
    """Pairs of a plain and a residual convolution in every block."""
    z_dim: int = 64
    """Length of the latent."""
    c_dim: int = 768
    """Length of the text's embedding; 0 for a model without text."""
    img_channels: int = 3
    """1 grey, 3 RGB, 4 RGBA."""
    architecture: Literal["skip", "orig"] = "skip"
    """Whether every block adds to the picture, or only the last makes it."""
    mapping_layers: int = 2
    """Fully connected layers that z goes through."""
    mapping_activation: str = "lrelu"
    """Between the mapping layers."""
    lr_multiplier: float = 0.01
    """How much slower the mapping layers learn."""
    x_avg_beta: float = 0.995
    """Decay of the running mean of what the mapping makes of z."""
    kernel_size: int = 3
    """Taps along each side of the convolutions: odd."""
    activation: str = "lrelu"
    """After every convolution."""
    conv_clamp: float | None = 256.0
    """Bound on every layer's output; ``None`` is no bound."""
    use_noise: bool = True
    """Whether the convolutions have noise maps."""
    resample_filter: Taps = (1.0, 3.0, 3.0, 1.0)
    """The low-pass filter of every doubling."""
    norm_groups: int = 32
    """Groups of channels that a residual convolution normalises together."""
    norm_epsilon: float = 1e-5
    """Keeps that normalisation finite."""
    input_rate: float = 8.0
    """Samples an image width in the input."""
    input_bandwidth: float = 2.0
    """Highest frequency that the input draws."""
    text_encoder: Literal["clip", "all-minilm-l6-v2"] = "clip"
    """What made the embeddings that the model was trained with."""
    stored_transform: tuple[tuple[float, ...], ...] | None = None
    """A matrix ``[3][3]`` that the file left in the input, applied before the user's; ``None`` is the identity."""

    def __post_init__(self) -> None:
        self._check_sizes()
        for name in ("activation", "mapping_activation"):
            if getattr(self, name) not in ACTIVATIONS:
                raise CheckpointError(f"{name} is {getattr(self, name)[:40]!r}, and can be {', '.join(ACTIVATIONS)}")
        check_between("x_avg_beta", self.x_avg_beta, 0, 1)
        check_at_least("conv_clamp", self.conv_clamp, 0)
        for name in ("lr_multiplier", "norm_epsilon"):
            if not 0 < getattr(self, name) < math.inf:
                raise CheckpointError(f"{name} is {getattr(self, name)}, and should be above 0")
        rows = [row if isinstance(row, tuple) else (row,) for row in self.resample_filter]
        check_between("the number of resample_filter's taps", max(len(rows), *map(len, rows), 0), 1, MAX_LAYERS)
        if len({len(row) for row in rows}) != 1:
            raise CheckpointError("resample_filter has rows of different lengths")
        # Made for its own checks alone.
        _ = self.input
        if self.stored_transform is not None and [len(row) for row in self.stored_transform] != [3, 3, 3]:
            raise CheckpointError("stored_transform must be a matrix of 3 by 3")

    @property
    def w_dim(self) -> int:
        """Length of a style: the mapped latent and, behind it, the text as it is."""
        return self.z_dim + self.c_dim

    @property
    def block_resolutions(self) -> tuple[int, ...]:
        """Pixels along each side of every block."""
        last = len(self.channels) - 1
        return tuple(self.resolution >> (last - i) for i in range(len(self.channels)))

    def size_at(self, resolution: int) -> tuple[int, int]:
        """Height and width of the block that is named after ``resolution``, in pixels."""
        return resolution, resolution

    @property
    def input(self) -> InputPlan:
        """The Fourier features."""
        return InputPlan(self.channels[0], self.block_resolutions[0], self.input_rate, self.input_bandwidth)

    @classmethod
    def standard(
        cls,
        *,
        resolution: int,
        channel_base: int = 32768,
        channel_max: int = 512,
        res_blocks: int = 2,
        first_resolution: int = 8,
        **options: object,
    ) -> "GeneratorConfig":
        """The published proportions: ``min(channel_base / r, channel_max)`` features at r²; the defaults are ``lite``.

        Args:
            resolution: Pixels along each side.
            channel_base: Features times pixels; 65536 in ``full``.
            channel_max: The most features of any block; 2048 in ``full``.
            res_blocks: Pairs of convolutions in every block; 3 in ``full``.
            first_resolution: Pixels along each side of the first block.
            **options: Any other field.

        Raises:
            CheckpointError: The values do not make a network.
        """
        check_between("first_resolution", first_resolution, 1, MAX_SIDE)
        check_between("resolution", resolution, first_resolution, MAX_SIDE)
        sizes = [first_resolution << i for i in range(int(math.log2(resolution / first_resolution)) + 1)]
        shape = {
            "resolution": resolution,
            "channels": [min(channel_base // size, channel_max) for size in sizes],
            "res_blocks": res_blocks,
            "input_rate": float(first_resolution),
        }
        return config_from_json(cls, {**shape, **options})

    @classmethod
    def from_json(cls, data: object) -> "GeneratorConfig":
        """From what ``dataclasses.asdict`` and JSON made of a configuration.

        Raises:
            CheckpointError: It holds unknown, missing or impossible settings.
        """
        return config_from_json(cls, data)

    def _check_sizes(self) -> None:
        check_between("resolution", self.resolution, 1, MAX_SIDE)
        check_between("the number of blocks", len(self.channels), 1, MAX_BLOCKS)
        if self.resolution % (1 << (len(self.channels) - 1)) != 0:
            raise CheckpointError(
                f"resolution is {self.resolution}, which cannot be halved {len(self.channels) - 1} times"
            )
        check_between("img_channels", self.img_channels, 1, 1 << 10)
        check_between("z_dim", self.z_dim, 1, MAX_WIDTH)
        check_between("c_dim", self.c_dim, 0, MAX_WIDTH)
        check_between("res_blocks", self.res_blocks, 1, MAX_LAYERS)
        check_between("mapping_layers", self.mapping_layers, 1, MAX_LAYERS)
        check_between("kernel_size", self.kernel_size, 1, 15)
        if self.kernel_size % 2 == 0:
            raise CheckpointError(f"kernel_size is {self.kernel_size}, and should be odd")
        for width in self.channels:
            check_between("a block's channels", width, 1, MAX_WIDTH)
            check_between("norm_groups", self.norm_groups, 1, MAX_WIDTH)
            if width % self.norm_groups != 0:
                raise CheckpointError(f"a block's {width} channels do not part into {self.norm_groups} groups")
