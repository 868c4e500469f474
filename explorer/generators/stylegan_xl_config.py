"""Everything that distinguishes one StyleGAN-XL from another, apart from its weights.

Source: StyleGAN-XL (Sauer et al. 2022), section 3 and appendix.
"""

from dataclasses import dataclass, replace

from explorer.errors import CheckpointError
from explorer.generators import stylegan3_config
from explorer.generators.config import check_between, config_from_json
from explorer.generators.stylegan3_plan import (
    MAX_FEATURES,
    MAX_LAYERS,
    MAX_SIZE,
    Band,
    band_between,
    chain_layers,
)

__all__ = ["GeneratorConfig"]


@dataclass(frozen=True, slots=True)
class GeneratorConfig(stylegan3_config.GeneratorConfig):
    """What `stylegan3_config.GeneratorConfig` holds, and the embedding of the classes."""

    embed_features: int = 320
    """Length of a class's embedding; of no effect without classes."""

    def __post_init__(self) -> None:
        stylegan3_config.GeneratorConfig.__post_init__(self)
        check_between("embed_features", self.embed_features, 1, MAX_FEATURES)

    @classmethod
    def standard(
        cls,
        *,
        resolution: int,
        variant: str = "t",
        z_dim: int = 64,
        num_layers: int = 10,
        channel_base: int | None = None,
        channel_max: int | None = None,
        embed_features: int = 320,
        **options: object,
    ) -> "GeneratorConfig":
        """The published first stage: half the layers' number, twice StyleGAN3's width and a short z.

        Args:
            resolution: Side of the picture, in pixels; 16 in the published models.
            variant: ``t`` or ``r``.
            z_dim: Length of the input latent.
            num_layers: Layers before the one that makes the picture; 7 for small data.
            channel_base: Overall width.
            channel_max: Widest layer.
            embed_features: Length of a class's embedding.
            **options: More for StyleGAN3's `standard`.

        Raises:
            CheckpointError: The values do not make a network.
        """
        wide = 2 if variant == "r" else 1
        base = super(GeneratorConfig, cls).standard(
            resolution=resolution,
            variant=variant,
            z_dim=z_dim,
            num_layers=num_layers,
            channel_base=channel_base or 65536 * wide,
            channel_max=channel_max or 1024 * wide,
            **options,
        )
        return replace(base, embed_features=embed_features)

    def grown(
        self,
        *,
        up_factor: int = 2,
        head_layers: int = 7,
        channel_base: int = 65536,
        channel_max: int = 1024,
        num_critical: int = 2,
        last_stopband_rel: float = 2**0.3,
        margin_size: int = 10,
        num_fp16_res: int = 4,
    ) -> "GeneratorConfig":
        """The next stage: this network without its critically sampled layers, and a new head of a higher resolution.

        The head's names go on one number late, after L5 comes L7, as in the published models.

        Args:
            up_factor: How much larger the picture gets.
            head_layers: New layers before the one that makes the picture.
            channel_base: Overall width, as of the first stage.
            channel_max: Widest layer, as of the first stage.
            num_critical: Layers at the end that keep every frequency up to the Nyquist limit.
            last_stopband_rel: Where the last layer's filter has cut everything, relative to its cutoff.
            margin_size: Samples kept around the image on each side.
            num_fp16_res: How many of the highest resolutions the published trainer runs in half precision.

        Raises:
            CheckpointError: The values do not make a network.

        Source: StyleGAN-XL, section 3.2, "Reintroducing Progressive Growing".
        """
        stem = tuple(layer for layer in self.layers if not layer.is_critically_sampled)
        if not stem or up_factor < 2:
            raise CheckpointError(f"a head needs layers to stand on and a factor above 1, not {up_factor}")
        check_between("head_layers", head_layers, num_critical + 1, MAX_LAYERS - 1)
        resolution = self.resolution * up_factor
        check_between("resolution", resolution, 2, MAX_SIZE)
        last = stem[-1]
        cutoffs = (last.out_cutoff, resolution / 2)
        stopbands = (last.out_cutoff + last.out_half_width, resolution / 2 * last_stopband_rel)
        bands = [
            band_between(
                min(i / (head_layers - num_critical), 1), resolution=resolution, cutoffs=cutoffs, stopbands=stopbands
            )
            for i in range(head_layers + 1)
        ]
        bands[0] = Band(last.out_cutoff, last.out_half_width, last.out_sampling_rate)
        sizes = [int(band.sampling_rate) + 2 * margin_size for band in bands]
        sizes[-2:] = [resolution] * 2
        channels = [round(min(channel_base / 2 / band.cutoff, channel_max)) for band in bands]
        channels[0], channels[-1] = last.out_channels, self.img_channels
        head = chain_layers(
            bands,
            sizes,
            channels,
            first_index=len(stem) + 1,
            num_critical=num_critical,
            resolution=resolution,
            num_fp16_res=num_fp16_res,
            conv_kernel=last.conv_kernel,
            filter_size=6,
            lrelu_upsampling=2,
            use_radial_filters=last.down_radial,
            conv_clamp=last.conv_clamp,
            magnitude_ema_beta=0.999,
        )
        return replace(self, resolution=resolution, layers=(*stem, *head))

    @classmethod
    def from_json(cls, data: object) -> "GeneratorConfig":
        """From what ``dataclasses.asdict`` and JSON made of a configuration.

        Raises:
            CheckpointError: It holds unknown, missing or impossible settings.
        """
        return config_from_json(cls, data)
