"""Discriminators of the TensorFlow era."""

import math

from torch import Tensor, nn

from explorer.checkpoints.filter_taps import discriminator_filters
from explorer.checkpoints.state_dict import StateDict
from explorer.checkpoints.tensorflow_network import TensorFlowNetwork, conv, dense, resolutions, unscaled
from explorer.errors import CheckpointError
from explorer.generators.assign import build_from_tensors
from explorer.generators.config import config_from_json
from explorer.generators.growing_discriminator import GrowingConfig, GrowingDiscriminator
from explorer.generators.stylegan2_config import DiscriminatorConfig
from explorer.generators.stylegan2_discriminator import Discriminator
from explorer.ops import setup_filter

__all__ = ["fused_from", "read_discriminator"]

_FIR = (1.0, 3.0, 3.0, 1.0)
_BOX = (1.0, 1.0)


def read_discriminator(network: TensorFlowNetwork) -> nn.Module:
    """Build the discriminator, of whichever release.

    Raises:
        CheckpointError: A variable is missing, of another shape, or has no place; or an option is not known.
    """
    source = network.tensors("discriminator")
    if "FromRGB_lod0/weight" in source:
        return _growing(network, source)
    return _stylegan2(network, source)


def fused_from(told: object, *, automatic: int) -> int | None:
    """From which size on up- or down-sampling is folded into convolutions.

    Args:
        told: True, false or ``auto``.
        automatic: What ``auto`` means, in pixels.
    """
    if told == "auto":
        return automatic
    if isinstance(told, bool):
        return 8 if told else None
    raise CheckpointError("this pickle's option fused_scale should be true, false or 'auto'")


def _stylegan2(network: TensorFlowNetwork, source: StateDict) -> Discriminator:
    options, sizes = network.options, resolutions(source, "Conv0/weight")
    if not sizes:
        raise CheckpointError("this pickle's discriminator has no blocks above 4 pixels")
    width = source.shape("4x4/Conv/weight", axes=4)
    activation = options.text("nonlinearity", "lrelu")
    architecture = options.text("architecture", "resnet")
    embedded = "LabelEmbed/weight" in source
    outputs = source.shape("Output/weight", axes=2)[1]
    c_dim = source.shape("LabelEmbed/weight", axes=2)[0] if embedded else options.whole("label_size", 0)
    mapped = source.numbers(r"Mapping(\d+)/weight")
    taps = options.taps("resample_kernel", _FIR)
    values: dict[str, object] = {
        "resolution": sizes[-1],
        "channels": [width[3], *(source.shape(f"{size}x{size}/Conv0/weight", axes=4)[3] for size in sizes)],
        "c_dim": c_dim,
        "img_channels": source.shape(f"{sizes[-1]}x{sizes[-1]}/FromRGB/weight", axes=4)[2],
        "architecture": architecture,
        "activation": activation,
        "epilogue_activation": activation,
        "conv_clamp": options.number_or_none("conv_clamp", None),
        "resample_filter": _BOX if taps is None else taps,
        "mbstd_group_size": max(1, options.whole("mbstd_group_size", 4)),
        "mbstd_num_channels": width[2] - source.shape("8x8/Conv1_down/weight", axes=4)[3],
        "cmap_dim": outputs if embedded else 0,
        "mapping_layers": len(mapped),
        "lr_multiplier": options.number("mapping_lrmul", 0.1 if embedded else 0.01),
        "label_mode": "projection" if embedded or c_dim == 0 else "sum",
        "mapping_activation": activation,
    }
    if embedded:
        values["embed_features"] = source.shape("LabelEmbed/weight", axes=2)[1]
    config = config_from_json(DiscriminatorConfig, values)
    tensors: dict[str, Tensor] = dict(discriminator_filters(config))
    for size in (*sizes, 4):
        theirs, ours = f"{size}x{size}", f"b{size}"
        if size == sizes[-1] or architecture == "skip":
            tensors |= _pair(source, f"{theirs}/FromRGB", f"{ours}.fromrgb")
        if size == 4:
            continue
        tensors |= _pair(source, f"{theirs}/Conv0", f"{ours}.conv0")
        tensors |= _pair(source, f"{theirs}/Conv1_down", f"{ours}.conv1")
        if architecture == "resnet":
            tensors[f"{ours}.skip.weight"] = conv(source, f"{theirs}/Skip/weight")
    tensors |= _pair(source, "4x4/Conv", "b4.conv")
    tensors |= _dense_pair(source, "4x4/Dense0", "b4.fc") | _dense_pair(source, "Output", "b4.out")
    if embedded:
        tensors |= _dense_pair(source, "LabelEmbed", "mapping.embed")
    for i in mapped:
        tensors |= _dense_pair(source, f"Mapping{i}", f"mapping.fc{i}")
    source.drop("lod|augment_strength|aug_strength")
    source.finish()
    return build_from_tensors(lambda: Discriminator(config), tensors)


def _growing(network: TensorFlowNetwork, source: StateDict) -> GrowingDiscriminator:
    options, sizes = network.options, resolutions(source, "Conv0/weight")
    later = "Output/weight" in source  # StyleGAN2's release: filters, and an activation's gain behind it
    config = config_from_json(GrowingConfig, _growing_options(network, source, sizes, later=later))
    wscale = options.flag("use_wscale", True)
    bias_gain = math.sqrt(2) if later else 1.0
    tensors: dict[str, Tensor] = {}

    def layer(theirs: str, ours: str) -> None:
        read = dense if theirs.startswith("4x4/Dense") or theirs == "Output" else conv
        gain = 1.0 if ours == "out" else math.sqrt(2)
        weight = read(source, f"{theirs}/weight")
        tensors[f"{ours}.weight"] = weight if wscale or later else unscaled(weight, gain=gain)
        bias = source.take(f"{theirs}/bias", axes=1)
        tensors[f"{ours}.bias"] = bias if ours == "out" or bias_gain == 1 else bias * bias_gain

    for level, size in enumerate(config.sizes):
        if config.grows or level == 0:
            layer(f"FromRGB_lod{level}", f"fromrgb{size}")
        if size > 4:
            layer(f"{size}x{size}/Conv0", f"b{size}.conv0")
            layer(f"{size}x{size}/{_second(source, size)}", f"b{size}.conv1")
            if config.smoothing is not None:
                tensors[f"b{size}.smoothing"] = setup_filter(config.smoothing)
    layer("4x4/Conv", "conv")
    layer("4x4/Dense0", "fc")
    layer("Output" if later else "4x4/Dense1", "out")
    source.drop("lod")
    source.finish()
    return build_from_tensors(lambda: GrowingDiscriminator(config), tensors)


def _second(source: StateDict, size: int) -> str:
    return "Conv1_down" if f"{size}x{size}/Conv1_down/weight" in source else "Conv1"


def _growing_options(
    network: TensorFlowNetwork, source: StateDict, sizes: list[int], *, later: bool
) -> dict[str, object]:
    options = network.options
    width = source.shape("4x4/Conv/weight", axes=4)
    below = source.shape(f"8x8/{_second(source, 8)}/weight", axes=4)[3] if sizes else width[3]
    last = "Output" if later else "4x4/Dense1"
    outputs = source.shape(f"{last}/weight", axes=2)[1]
    predicted = _is_progan(network)
    values: dict[str, object] = {
        "resolution": sizes[-1] if sizes else 4,
        "channels": [width[3], *(source.shape(f"{size}x{size}/Conv0/weight", axes=4)[3] for size in sizes)],
        "dense_features": source.shape("4x4/Dense0/weight", axes=2)[1],
        "c_dim": outputs - 1 if predicted else options.whole("label_size", 0),
        "labels": "predicted" if predicted else "sum",
        "img_channels": source.shape("FromRGB_lod0/weight", axes=4)[2],
        "mbstd_group_size": options.whole("mbstd_group_size", 4),
        "mbstd_num_channels": width[2] - below,
        "grows": len(sizes) == 0 or "FromRGB_lod1/weight" in source,
        "lod": network.number("lod", 0.0) if "FromRGB_lod1/weight" in source else 0.0,
    }
    if later:
        taps = options.taps("resample_kernel", _FIR)
        return values | {
            "activation": options.text("nonlinearity", "lrelu"),
            "down": "filter",
            "smoothing": _BOX if taps is None else taps,
        }
    if predicted:
        return values | {
            "activation": "lrelu" if options.flag("use_leakyrelu", True) else "relu",
            "down": "after",
            # Folded halvings have a name of their own.
            "fused_from": 8 if "8x8/Conv1_down/weight" in source else None,
        }
    return values | {
        "activation": options.text("nonlinearity", "lrelu"),
        "fused_from": fused_from(options.choice("fused_scale", "auto"), automatic=128),
        "smoothing": options.taps("blur_filter", (1.0, 2.0, 1.0)),
    }


def _is_progan(network: TensorFlowNetwork) -> bool:
    return network.version <= 2 or network.function == "D_paper"


def _pair(source: StateDict, theirs: str, ours: str) -> dict[str, Tensor]:
    return {f"{ours}.weight": conv(source, f"{theirs}/weight"), f"{ours}.bias": source.take(f"{theirs}/bias", axes=1)}


def _dense_pair(source: StateDict, theirs: str, ours: str) -> dict[str, Tensor]:
    return {f"{ours}.weight": dense(source, f"{theirs}/weight"), f"{ours}.bias": source.take(f"{theirs}/bias", axes=1)}
