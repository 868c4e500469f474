"""Everything that distinguishes one StyleGAN3 from another, apart from its weights.

Source: StyleGAN3 (Karras et al. 2021), section 3.2 and appendix C.
"""

import math
from dataclasses import dataclass

from explorer.errors import CheckpointError
from explorer.generators.config import check_between, config_from_json
from explorer.generators.stylegan3_plan import (
    MAX_FEATURES,
    MAX_LAYERS,
    MAX_SIZE,
    InputPlan,
    LayerPlan,
    plan_layers,
)

__all__ = ["GeneratorConfig"]


@dataclass(frozen=True, slots=True)
class GeneratorConfig:
    """Everything that distinguishes one StyleGAN3 from another, apart from its weights."""

    z_dim: int
    """Length of the input latent."""
    c_dim: int
    """Number of classes; 0 for an unconditional model."""
    w_dim: int
    """Length of one style."""
    resolution: int
    """Side of the picture, in pixels."""
    img_channels: int
    """1 grey, 3 RGB, 4 RGBA."""
    mapping_layers: int
    """Fully connected layers from z to w."""
    input: InputPlan
    """The Fourier features."""
    layers: tuple[LayerPlan, ...]
    """In order; the last makes the picture."""
    mapping_lr_multiplier: float = 0.01
    """How much slower the mapping learns."""
    w_avg_beta: float = 0.998
    """Decay of the running centre of W."""
    output_scale: float = 0.25
    """Factor from the last layer to the picture."""
    stored_transform: tuple[tuple[float, ...], ...] | None = None
    """A matrix ``[3][3]`` that the file left in the input, applied before the user's; ``None`` is the identity."""
    crop: tuple[int, int] | None = None
    """Height and width that are cut from the centre of the square; the whole square when ``None``.

    The longer one is `resolution`, so that 1 stays the picture's longer side in transforms.
    """

    def __post_init__(self) -> None:
        check_between("z_dim", self.z_dim, 1, MAX_FEATURES)
        check_between("c_dim", self.c_dim, 0, MAX_FEATURES)
        check_between("w_dim", self.w_dim, 1, MAX_FEATURES)
        check_between("resolution", self.resolution, 1, MAX_SIZE)
        check_between("mapping_layers", self.mapping_layers, 1, MAX_LAYERS)
        check_between("the number of layers", len(self.layers), 1, MAX_LAYERS)
        self._check_chain()
        if not 0 < self.mapping_lr_multiplier < math.inf or not 0 <= self.w_avg_beta <= 1:
            raise CheckpointError(
                f"the mapping's learning rate multiplier must be above 0 and w_avg_beta 0 to 1; "
                f"they are {self.mapping_lr_multiplier} and {self.w_avg_beta}"
            )
        if not math.isfinite(self.output_scale):
            raise CheckpointError(f"output_scale must be finite; it is {self.output_scale}")
        if self.stored_transform is not None and [len(row) for row in self.stored_transform] != [3, 3, 3]:
            raise CheckpointError("stored_transform must be a matrix of 3 by 3")
        if self.crop is not None:
            self._check_crop(self.crop)

    @property
    def picture_size(self) -> tuple[int, int]:
        """Height and width of the picture, in pixels."""
        return (self.resolution, self.resolution) if self.crop is None else self.crop

    @property
    def num_ws(self) -> int:
        """Rows of ``w_plus``: one for the input and one a layer."""
        return len(self.layers) + 1

    @property
    def variant(self) -> str:
        """``r`` where the filters are radial, which turns with the picture; ``t`` else."""
        return "r" if any(layer.down_radial for layer in self.layers) else "t"

    @classmethod
    def standard(
        cls,
        *,
        resolution: int,
        variant: str = "t",
        z_dim: int = 512,
        c_dim: int = 0,
        w_dim: int = 512,
        img_channels: int = 3,
        mapping_layers: int = 2,
        output_scale: float = 0.25,
        channel_base: int | None = None,
        channel_max: int | None = None,
        crop: tuple[int, int] | None = None,
        **plan: object,
    ) -> "GeneratorConfig":
        """The published configuration ``t`` (translation) or ``r`` (translation and rotation), changed where asked.

        Args:
            resolution: Side of the picture, in pixels; need not be a power of two.
            variant: ``t`` or ``r``; ``r`` has 1x1 convolutions, radial filters and twice the channels.
            z_dim: Length of the input latent.
            c_dim: Number of classes.
            w_dim: Length of one style.
            img_channels: Channels of the picture.
            mapping_layers: Fully connected layers from z to w.
            output_scale: Factor from the last layer to the picture.
            channel_base: Overall width; see `plan_layers`.
            channel_max: Widest layer.
            crop: Height and width of a picture that is not square; the longer is `resolution`.
            **plan: More for `plan_layers`.

        Raises:
            CheckpointError: The values do not make a network.
        """
        if variant not in ("t", "r"):
            raise CheckpointError(f"variant must be 't' or 'r'; it is {variant!r}")
        radial = variant == "r"
        options = {"conv_kernel": 1, "use_radial_filters": True} if radial else {}
        first, layers = plan_layers(
            resolution=resolution,
            img_channels=img_channels,
            channel_base=channel_base or (65536 if radial else 32768),
            channel_max=channel_max or (1024 if radial else 512),
            **{**options, **plan},
        )
        return cls(
            z_dim=z_dim,
            c_dim=c_dim,
            w_dim=w_dim,
            resolution=resolution,
            img_channels=img_channels,
            mapping_layers=mapping_layers,
            input=first,
            layers=layers,
            output_scale=output_scale,
            crop=crop,
        )

    @classmethod
    def from_json(cls, data: object) -> "GeneratorConfig":
        """From what ``dataclasses.asdict`` and JSON made of a configuration.

        Raises:
            CheckpointError: It holds unknown, missing or impossible settings.
        """
        return config_from_json(cls, data)

    def _check_crop(self, crop: tuple[int, int]) -> None:
        if len(crop) != 2:
            raise CheckpointError(f"crop has {len(crop)} entries, and should have a height and a width")
        for name, side in zip(("height", "width"), crop, strict=True):
            check_between(f"the {name} of crop", side, 1, self.resolution)
        if max(crop) != self.resolution:
            raise CheckpointError(f"the longer side of crop is {max(crop)}, and should be {self.resolution}")

    def _check_chain(self) -> None:
        channels, size = self.input.channels, self.input.size
        for i, layer in enumerate(self.layers):
            if (layer.in_channels, layer.in_size) != (channels, size):
                raise CheckpointError(
                    f"{layer.name} takes {layer.in_channels} channels at size {layer.in_size}, "
                    f"and what comes before it gives {channels} at {size}"
                )
            if channels < 1:
                raise CheckpointError(f"{layer.name} would have no input channels: raise channel_base")
            if layer.is_torgb != (i == len(self.layers) - 1):
                raise CheckpointError(f"the last layer and no other makes the picture, which {layer.name} contradicts")
            channels, size = layer.out_channels, layer.out_size
        if channels < 1 or (channels, size) != (self.img_channels, self.resolution):
            raise CheckpointError(
                f"the last layer gives {channels} channels at size {size}, "
                f"and the picture has {self.img_channels} at {self.resolution}"
            )
        if len({layer.name for layer in self.layers}) != len(self.layers):
            raise CheckpointError("two layers have the same name")
