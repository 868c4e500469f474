"""What a StyleGAN3 is made of: the layer plan that fixes every size, rate and filter.

Conventions: sampling rates, cutoffs and half-widths are in cycles (or samples) per image width, sizes in
samples along one side. Feature maps are square and carry a margin around the image.

Source: StyleGAN3 (Karras et al. 2021), section 3.2 and appendix C.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from explorer.errors import CheckpointError
from explorer.generators.config import check_between

__all__ = ["Band", "InputPlan", "LayerPlan", "band_between", "chain_layers", "plan_layers"]

# Beyond any published network by far; they keep a damaged file from asking for all the memory.
MAX_CHANNELS = 2**16
MAX_FEATURES = 2**20
MAX_LAYERS = 256
MAX_SIZE = 2**14
MAX_TAPS = 1024


@dataclass(frozen=True, slots=True)
class InputPlan:
    """The Fourier features that everything starts from."""

    channels: int
    """Number of waves, and of channels."""
    size: int
    """Side of the feature map, margin included."""
    sampling_rate: float
    """Samples an image width."""
    bandwidth: float
    """Highest frequency drawn."""

    def __post_init__(self) -> None:
        check_between("channels", self.channels, 0, MAX_CHANNELS)
        check_between("size", self.size, 1, MAX_SIZE)
        if not 0 < self.bandwidth < self.sampling_rate / 2 < math.inf:
            raise CheckpointError(
                f"the input's bandwidth must lie between 0 and half its sampling rate; they are {self.bandwidth:g} "
                f"and {self.sampling_rate:g}"
            )


@dataclass(frozen=True, slots=True)
class LayerPlan:
    """One synthesis layer: modulated convolution, then an activation between two resamplings."""

    name: str
    """``L{index}_{out_size}_{out_channels}``."""
    in_channels: int
    """Channels of the input."""
    out_channels: int
    """Channels of the output."""
    in_size: int
    """Side of the input, margin included."""
    out_size: int
    """Side of the output, margin included."""
    in_sampling_rate: float
    """Samples an image width, in."""
    out_sampling_rate: float
    """Samples an image width, out."""
    tmp_sampling_rate: float
    """Samples an image width, while the activation is applied."""
    in_cutoff: float
    """Where the up-sampling filter falls to half."""
    out_cutoff: float
    """Where the down-sampling filter falls to half."""
    in_half_width: float
    """Half of the up-sampling filter's transition band."""
    out_half_width: float
    """Half of the down-sampling filter's transition band."""
    up_taps: int
    """Taps of the up-sampling filter a side; 1 is no filter."""
    down_taps: int
    """Taps of the down-sampling filter a side; 1 is no filter."""
    down_radial: bool
    """Whether the down-sampling filter is rotationally symmetric, which makes it two-dimensional."""
    conv_kernel: int
    """Side of the convolution's kernel."""
    is_torgb: bool
    """Whether this is the last layer, which only mixes channels into colours."""
    is_critically_sampled: bool
    """Whether detail matters more here than freedom from aliasing."""
    use_fp16: bool
    """Whether the published trainer runs this layer in half precision; kept for files, of no effect here."""
    conv_clamp: float | None
    """Largest magnitude after the activation."""
    magnitude_ema_beta: float
    """Decay of the running mean square of the input."""

    def __post_init__(self) -> None:
        for field in ("in_channels", "out_channels"):
            check_between(field, getattr(self, field), 0, MAX_CHANNELS)
        for field in ("in_size", "out_size"):
            check_between(field, getattr(self, field), 1, MAX_SIZE)
        for field in ("up_taps", "down_taps", "conv_kernel"):
            check_between(field, getattr(self, field), 1, MAX_TAPS)
        self._check_name()
        self._check_rates()
        if self.conv_clamp is not None and not 0 < self.conv_clamp < math.inf:
            raise CheckpointError(f"{self.name}: the clamp must be a number above 0, or none; it is {self.conv_clamp}")
        if not 0 <= self.magnitude_ema_beta <= 1:
            raise CheckpointError(f"{self.name}: magnitude_ema_beta must be 0 to 1; it is {self.magnitude_ema_beta}")

    @property
    def up_factor(self) -> int:
        """How many times denser the samples are for the activation than in the input."""
        return round(self.tmp_sampling_rate / self.in_sampling_rate)

    @property
    def down_factor(self) -> int:
        """How many times denser the samples are for the activation than in the output."""
        return round(self.tmp_sampling_rate / self.out_sampling_rate)

    @property
    def padding(self) -> tuple[int, int]:
        """Samples to add at the low and the high end, after up-sampling; negative ones are cropped."""
        wanted = (self.out_size - 1) * self.down_factor + 1
        padded_conv = (self.in_size + self.conv_kernel - 1) * self.up_factor
        total = wanted - padded_conv + self.up_taps + self.down_taps - 2
        # Rounded so that the samples stay where they are relative to the centre, whatever the factor.
        low = (total + self.up_factor) // 2
        return low, total - low

    def _check_name(self) -> None:
        match = re.fullmatch(r"L(\d{1,4})_(\d{1,6})_(\d{1,6})", self.name)
        if match is None or (int(match[2]), int(match[3])) != (self.out_size, self.out_channels):
            raise CheckpointError(
                f"a layer of {self.out_channels} channels at size {self.out_size} "
                f"cannot be named {self.name[:40]!r}: it must read L<index>_<size>_<channels>"
            )

    def _check_rates(self) -> None:
        rates = {"in": self.in_sampling_rate, "out": self.out_sampling_rate}
        if not all(1e-3 < rate < 1e6 for rate in (*rates.values(), self.tmp_sampling_rate)):
            raise CheckpointError(f"{self.name}: sampling rates must be positive; they are {rates} samples a width")
        for rate, factor in ((rates["in"], self.up_factor), (rates["out"], self.down_factor)):
            if factor < 1 or rate * factor != self.tmp_sampling_rate:
                raise CheckpointError(
                    f"{self.name}: {self.tmp_sampling_rate:g} samples a width is no whole multiple of {rate:g}"
                )
        widest = max(self.in_size * self.up_factor, self.out_size * self.down_factor)
        if widest > MAX_SIZE:
            raise CheckpointError(f"{self.name}: {widest} samples a side exceed the limit of {MAX_SIZE}")
        for field in ("in_cutoff", "out_cutoff", "in_half_width", "out_half_width"):
            if not 0 < getattr(self, field) < 1e6:
                raise CheckpointError(f"{self.name}: {field} must be above 0; it is {getattr(self, field)}")


def plan_layers(
    *,
    resolution: int,
    img_channels: int = 3,
    channel_base: int = 32768,
    channel_max: int = 512,
    num_layers: int = 14,
    num_critical: int = 2,
    first_cutoff: float = 2.0,
    first_stopband: float = 2**2.1,
    last_stopband_rel: float = 2**0.3,
    margin_size: int = 10,
    num_fp16_res: int = 4,
    conv_kernel: int = 3,
    filter_size: int = 6,
    lrelu_upsampling: int = 2,
    use_radial_filters: bool = False,
    conv_clamp: float | None = 256,
    magnitude_ema_beta: float = 0.999,
) -> tuple[InputPlan, tuple[LayerPlan, ...]]:
    """Spread the layers over the frequencies: the cutoff grows geometrically, everything else follows from it.

    Args:
        resolution: Side of the picture, in pixels.
        img_channels: Channels of the picture.
        channel_base: Channels times cutoff times 2, where `channel_max` does not limit it.
        channel_max: Widest layer.
        num_layers: Layers before the one that makes the picture.
        num_critical: Layers at the end that keep every frequency up to the Nyquist limit.
        first_cutoff: Cutoff of the first layer.
        first_stopband: Where the first layer's filter has cut everything.
        last_stopband_rel: Where the last layer's has, relative to its cutoff.
        margin_size: Samples kept around the image on each side.
        num_fp16_res: How many of the highest resolutions the published trainer runs in half precision.
        conv_kernel: Side of the convolutions, but for the last layer.
        filter_size: Taps a resampling filter for each unit of its factor.
        lrelu_upsampling: How much denser the activation is sampled.
        use_radial_filters: Down-sample by rotationally symmetric filters where not critically sampled.
        conv_clamp: Largest magnitude after an activation.
        magnitude_ema_beta: Decay of the running magnitudes.

    Returns:
        The input and the ``num_layers + 1`` layers.

    Raises:
        CheckpointError: The numbers do not make a network.

    Source: StyleGAN3 (Karras et al. 2021), section 3.2, "Flexible layer specifications".
    """
    check_between("num_layers", num_layers, 1, MAX_LAYERS - 1)
    check_between("num_critical", num_critical, 0, num_layers - 1)
    check_between("resolution", resolution, 2, MAX_SIZE)
    for name, value in (("margin_size", margin_size), ("filter_size", filter_size)):
        check_between(name, value, 0 if name == "margin_size" else 1, MAX_TAPS)
    check_between("lrelu_upsampling", lrelu_upsampling, 1, 64)
    last_cutoff = resolution / 2
    bands = [
        band_between(
            min(i / (num_layers - num_critical), 1),
            resolution=resolution,
            cutoffs=(first_cutoff, last_cutoff),
            stopbands=(first_stopband, last_cutoff * last_stopband_rel),
        )
        for i in range(num_layers + 1)
    ]
    sizes = [int(band.sampling_rate) + 2 * margin_size for band in bands]
    # The margin ends before the last two layers: nothing after them looks beyond the picture.
    sizes[-2:] = [resolution] * 2
    channels = [round(min(channel_base / 2 / band.cutoff, channel_max)) for band in bands]
    channels[-1] = img_channels

    first = InputPlan(channels[0], sizes[0], bands[0].sampling_rate, bands[0].cutoff)
    layers = chain_layers(
        bands,
        sizes,
        channels,
        num_critical=num_critical,
        resolution=resolution,
        num_fp16_res=num_fp16_res,
        conv_kernel=conv_kernel,
        filter_size=filter_size,
        lrelu_upsampling=lrelu_upsampling,
        use_radial_filters=use_radial_filters,
        conv_clamp=conv_clamp,
        magnitude_ema_beta=magnitude_ema_beta,
    )
    return first, layers


def chain_layers(
    bands: Sequence["Band"],
    sizes: Sequence[int],
    channels: Sequence[int],
    *,
    first_index: int = 0,
    num_critical: int,
    resolution: int,
    num_fp16_res: int,
    conv_kernel: int,
    filter_size: int,
    lrelu_upsampling: int,
    use_radial_filters: bool,
    conv_clamp: float | None,
    magnitude_ema_beta: float,
) -> tuple[LayerPlan, ...]:
    """Layers from their bands, sizes and channels; the first stays in its band, the last makes the picture.

    Args:
        bands: What each layer lets through.
        sizes: Side of each layer's output, in samples.
        channels: Channels of each layer's output.
        first_index: In the first layer's name.

    The others are as in `plan_layers`.
    """
    last = len(bands) - 1

    def layer(i: int) -> LayerPlan:
        before, here = bands[max(i - 1, 0)], bands[i]
        torgb, critical = i == last, i >= last - num_critical
        density = 1 if torgb else lrelu_upsampling
        tmp_rate = max(before.sampling_rate, here.sampling_rate) * density
        up, down = round(tmp_rate / before.sampling_rate), round(tmp_rate / here.sampling_rate)
        return LayerPlan(
            name=f"L{first_index + i}_{sizes[i]}_{channels[i]}",
            in_channels=channels[max(i - 1, 0)],
            out_channels=channels[i],
            in_size=sizes[max(i - 1, 0)],
            out_size=sizes[i],
            in_sampling_rate=before.sampling_rate,
            out_sampling_rate=here.sampling_rate,
            tmp_sampling_rate=tmp_rate,
            in_cutoff=before.cutoff,
            out_cutoff=here.cutoff,
            in_half_width=before.half_width,
            out_half_width=here.half_width,
            up_taps=filter_size * up if up > 1 and not torgb else 1,
            down_taps=filter_size * down if down > 1 and not torgb else 1,
            down_radial=use_radial_filters and not critical,
            conv_kernel=1 if torgb else conv_kernel,
            is_torgb=torgb,
            is_critically_sampled=critical,
            use_fp16=here.sampling_rate * 2**num_fp16_res > resolution,
            conv_clamp=conv_clamp,
            magnitude_ema_beta=magnitude_ema_beta,
        )

    return tuple(layer(i) for i in range(last + 1))


@dataclass(frozen=True, slots=True)
class Band:
    """What one layer lets through, in cycles an image width."""

    cutoff: float
    """Where the filter falls to half."""
    half_width: float
    """Half of the transition band."""
    sampling_rate: float
    """Samples an image width."""


def band_between(
    position: float, *, resolution: int, cutoffs: tuple[float, float], stopbands: tuple[float, float]
) -> Band:
    """The band at ``position``, 0 at the first of two and 1 from the first critically sampled layer on."""
    cutoff = cutoffs[0] * (cutoffs[1] / cutoffs[0]) ** position
    stopband = stopbands[0] * (stopbands[1] / stopbands[0]) ** position
    sampling_rate = 2.0 ** math.ceil(math.log2(min(stopband * 2, resolution)))
    return Band(cutoff, max(stopband, sampling_rate / 2) - cutoff, sampling_rate)
