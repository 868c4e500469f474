"""StyleGAN of the TensorFlow era: into our StyleGAN."""

import math

from torch import Tensor

from explorer.checkpoints.state_dict import StateDict
from explorer.checkpoints.tensorflow_discriminators import fused_from
from explorer.checkpoints.tensorflow_network import TensorFlowNetwork, conv, dense, resolutions, unscaled
from explorer.checkpoints.tensorflow_stylegan2 import mapping_options, mapping_tensors
from explorer.generators.assign import build_from_tensors
from explorer.generators.config import config_from_json
from explorer.generators.stylegan1 import Generator
from explorer.generators.stylegan1_config import GeneratorConfig
from explorer.ops import setup_filter

__all__ = ["default_truncation", "read_generator"]

GAIN = math.sqrt(2)
DENSE_GAIN = GAIN / 4


def default_truncation(network: TensorFlowNetwork) -> tuple[float | None, int | None]:
    """Psi and cutoff of a call that asks for none; without one of them there is no truncation."""
    psi = network.options.number_or_none("truncation_psi", 0.7)
    cutoff = network.options.whole_or_none("truncation_cutoff", 8)
    return (None, None) if psi is None or cutoff is None else (psi, cutoff)


def read_generator(network: TensorFlowNetwork) -> Generator:
    """Build the generator.

    Raises:
        CheckpointError: A variable is missing, of another shape, or has no place; or an option is not known.
    """
    synthesis = network.component("synthesis").tensors("synthesis network")
    mapping = network.component("mapping").tensors("mapping network")
    config = config_from_json(GeneratorConfig, _options(network, synthesis, mapping))
    wscale = network.component("synthesis").options.flag("use_wscale", True)
    tensors = _mapping(network, mapping, config)
    if config.const_input:
        tensors["synthesis.const"] = synthesis.take("4x4/Const/const", axes=4)[0]
    else:
        weight = dense(synthesis, "4x4/Dense/weight")
        tensors["synthesis.b4.const.conv.weight"] = weight if wscale else unscaled(weight, gain=DENSE_GAIN)
    layers = 0
    for i, size in enumerate(config.block_resolutions):
        first = ("Const" if config.const_input else "Dense", "const") if i == 0 else (_up(synthesis, size), "conv0")
        for theirs, ours in (first, ("Conv" if i == 0 else "Conv1", "conv1")):
            place = f"synthesis.b{size}.{ours}"
            tensors |= _layer(synthesis, config, f"{size}x{size}/{theirs}", place, noise=layers, wscale=wscale)
            layers += 1
        level = len(config.channels) - 1 - i
        if config.grows or level == 0:
            weight = conv(synthesis, f"ToRGB_lod{level}/weight")
            place = f"synthesis.b{size}.torgb"
            tensors[f"{place}.conv.weight"] = weight if wscale else unscaled(weight, gain=1.0)
            tensors[f"{place}.bias"] = synthesis.take(f"ToRGB_lod{level}/bias", axes=1)
    synthesis.drop(r"lod|noise\d+")
    synthesis.finish()
    return build_from_tensors(lambda: Generator(config), tensors)


def _options(network: TensorFlowNetwork, synthesis: StateDict, mapping: StateDict) -> dict[str, object]:
    options = network.component("synthesis").options
    sizes = [4, *resolutions(synthesis, "Conv1/weight")]
    const = "4x4/Const/const" in synthesis
    first = "4x4/Const" if const else "4x4/Dense"
    styles = f"{first}/StyleMod/weight" in synthesis
    if styles:
        w_dim = synthesis.shape(f"{first}/StyleMod/weight", axes=2)[0]
    else:
        w_dim = options.whole("dlatent_size", 512) if const else synthesis.shape("4x4/Dense/weight", axes=2)[0]
    grows = len(sizes) == 1 or "ToRGB_lod1/weight" in synthesis
    joint = mapping_options(network, mapping, w_dim=w_dim)
    joint.pop("label_mode")
    # The level of the whole network is copied over its parts' at every call.
    inner = network.component("synthesis").number("lod", 0.0)
    return {
        **joint,
        "resolution": sizes[-1],
        "channels": [
            synthesis.shape("4x4/Conv/weight" if size == 4 else f"{size}x{size}/Conv1/weight", axes=4)[3]
            for size in sizes
        ],
        "w_dim": w_dim,
        "img_channels": synthesis.shape("ToRGB_lod0/weight", axes=4)[3],
        "activation": options.text("nonlinearity", "lrelu"),
        "const_input": const,
        "use_styles": styles,
        "use_noise": f"{first}/Noise/weight" in synthesis,
        "pixel_norm": options.flag("use_pixel_norm", False),
        "instance_norm": options.flag("use_instance_norm", True),
        "smoothing": options.taps("blur_filter", (1.0, 2.0, 1.0)),
        "fused_from": fused_from(options.choice("fused_scale", "auto"), automatic=128),
        "grows": grows,
        "lod": network.number("lod", inner) if grows else 0.0,
    }


def _up(source: StateDict, size: int) -> str:
    return "Conv0_up" if f"{size}x{size}/Conv0_up/weight" in source else "Conv0"


def _mapping(network: TensorFlowNetwork, source: StateDict, config: GeneratorConfig) -> dict[str, Tensor]:
    """The gain of the activation lies in the weights there, and behind the activation here: biases shrink."""
    wscale = network.component("mapping").options.flag("use_wscale", True)
    tensors = mapping_tensors(network, source, config)
    for i in range(config.mapping_layers):
        tensors[f"mapping.fc{i}.bias"] = tensors[f"mapping.fc{i}.bias"] / GAIN
        if not wscale:
            tensors[f"mapping.fc{i}.weight"] = unscaled(tensors[f"mapping.fc{i}.weight"], gain=GAIN)
    return tensors


def _layer(
    source: StateDict, config: GeneratorConfig, theirs: str, ours: str, *, noise: int, wscale: bool
) -> dict[str, Tensor]:
    tensors = {f"{ours}.bias": source.take(f"{theirs}/bias", axes=1)}
    if not theirs.endswith(("Const", "Dense")):
        weight = conv(source, f"{theirs}/weight")
        tensors[f"{ours}.conv.weight"] = weight if wscale else unscaled(weight, gain=GAIN)
    if config.use_noise:
        tensors[f"{ours}.noise_weight"] = source.take(f"{theirs}/Noise/weight", axes=1)
        tensors[f"{ours}.noise_const"] = source.take(f"noise{noise}", axes=4)[0, 0]
    if config.use_styles:
        weight = dense(source, f"{theirs}/StyleMod/weight")
        tensors[f"{ours}.affine.weight"] = weight if wscale else unscaled(weight, gain=1.0)
        tensors[f"{ours}.affine.bias"] = source.take(f"{theirs}/StyleMod/bias", axes=1)
    if ours.endswith("conv0") and config.smoothing is not None:
        tensors[f"{ours}.smoothing"] = setup_filter(config.smoothing)
    return tensors
