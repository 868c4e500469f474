"""StyleGAN2 and StyleGAN2-ADA of the TensorFlow era: into our StyleGAN2.

What differs there: the modulation's bias counts from -1; up-sampling convolutions keep their taps the other way
around; the first release joins a label to the latent before both are normalised; a filter of ``None`` is a box.
"""

import torch
from torch import Tensor

from explorer.checkpoints.filter_taps import generator_filters
from explorer.checkpoints.state_dict import StateDict
from explorer.checkpoints.tensorflow_network import TensorFlowNetwork, conv, dense, resolutions
from explorer.errors import CheckpointError
from explorer.generators.assign import build_from_tensors
from explorer.generators.config import config_from_json
from explorer.generators.stylegan2 import Generator
from explorer.generators.stylegan2_config import GeneratorConfig

__all__ = ["box_or", "default_truncation", "mapping_options", "mapping_tensors", "read_generator"]

_BOX = (1.0, 1.0)


def box_or(taps: tuple[object, ...] | None) -> tuple[object, ...]:
    """The filter, where none means the mean of neighbours."""
    return _BOX if taps is None else taps


def default_truncation(network: TensorFlowNetwork) -> tuple[float | None, int | None]:
    """Psi and cutoff of a call that asks for none; a cutoff of ``None`` is all rows."""
    psi = network.options.number_or_none("truncation_psi", 0.5)
    return psi, None if psi is None else network.options.whole_or_none("truncation_cutoff", None)


def read_generator(network: TensorFlowNetwork) -> Generator:
    """Build the generator.

    Raises:
        CheckpointError: A variable is missing, of another shape, or has no place; or an option is not known.
    """
    options = network.component("synthesis").options
    synthesis = network.component("synthesis").tensors("synthesis network")
    mapping = network.component("mapping").tensors("mapping network")
    sizes = [4, *resolutions(synthesis, "Conv1/weight")]
    architecture = _architecture(synthesis, options.text("architecture", "skip"), sizes)
    convs = ["4x4/Conv/weight", *(f"{size}x{size}/Conv1/weight" for size in sizes[1:])]
    const = synthesis.shape("4x4/Const/const", axes=4)[1]
    channels = [synthesis.shape(name, axes=4)[3] for name in convs]
    w_dim = synthesis.shape("4x4/Conv/mod_weight", axes=2)[0]
    values: dict[str, object] = {
        "resolution": sizes[-1],
        "channels": channels,
        "const_channels": None if const == channels[0] else const,
        "w_dim": w_dim,
        "img_channels": synthesis.shape(_to_rgb(synthesis, sizes[-1], sizes[-1]) + "/weight", axes=4)[3],
        "architecture": architecture,
        "kernel_size": synthesis.shape("4x4/Conv/weight", axes=4)[0],
        "activation": options.text("nonlinearity", "lrelu"),
        "conv_clamp": options.number_or_none("conv_clamp", None),
        "use_noise": "4x4/Conv/noise_strength" in synthesis,
        "resample_filter": box_or(options.taps("resample_kernel", (1.0, 3.0, 3.0, 1.0))),
        "lod": network.number("lod", 0.0) if architecture == "revised" else 0.0,
        **mapping_options(network, mapping, w_dim=w_dim),
    }
    config = config_from_json(GeneratorConfig, values)
    tensors = {**generator_filters(config), **mapping_tensors(network, mapping, config)}
    tensors["synthesis.b4.const"] = synthesis.take("4x4/Const/const", axes=4)[0]
    for i, size in enumerate(sizes):
        tensors |= _block(synthesis, config, index=i, size=size)
    # The numbers of noise and growth that a network keeps without use.
    synthesis.drop(r"lod|noise\d+")
    synthesis.finish()
    return build_from_tensors(lambda: Generator(config), tensors)


def _architecture(source: StateDict, told: str, sizes: list[int]) -> str:
    """The option, or what the variables say where its default was another network function's."""
    if "ToRGB_lod0/mod_weight" in source:
        # Without growth, only the last block has colours, as in `orig`.
        return "revised" if f"ToRGB_lod{len(sizes) - 1}/mod_weight" in source and len(sizes) > 1 else "orig"
    if told not in ("skip", "resnet", "orig"):
        raise CheckpointError(f"this pickle's synthesis has the architecture {told[:40]!r}, which is not known")
    return told


def _to_rgb(source: StateDict, size: int, largest: int) -> str:
    level = (largest // size).bit_length() - 1
    return f"ToRGB_lod{level}" if f"ToRGB_lod{level}/weight" in source else f"{size}x{size}/ToRGB"


def _block(source: StateDict, config: GeneratorConfig, *, index: int, size: int) -> dict[str, Tensor]:
    theirs, ours = f"{size}x{size}", f"synthesis.b{size}"
    if index == 0:
        tensors = _layer(source, config, f"{theirs}/Conv", f"{ours}.conv1", noise=0)
    else:
        tensors = _layer(source, config, f"{theirs}/Conv0_up", f"{ours}.conv0", noise=2 * index - 1, flip=True)
        tensors |= _layer(source, config, f"{theirs}/Conv1", f"{ours}.conv1", noise=2 * index)
        if config.architecture == "resnet":
            tensors[f"{ours}.skip.weight"] = conv(source, f"{theirs}/Skip/weight", flip=True)
    if config.architecture in ("skip", "revised") or size == config.resolution:
        name = _to_rgb(source, size, config.resolution)
        tensors |= _modulated(source, name, f"{ours}.torgb")
    return tensors


def _layer(
    source: StateDict, config: GeneratorConfig, theirs: str, ours: str, *, noise: int, flip: bool = False
) -> dict[str, Tensor]:
    tensors = _modulated(source, theirs, ours, flip=flip)
    if config.use_noise:
        tensors[f"{ours}.noise_strength"] = source.take(f"{theirs}/noise_strength", axes=0)
        tensors[f"{ours}.noise_const"] = source.take(f"noise{noise}", axes=4)[0, 0]
    return tensors


def _modulated(source: StateDict, theirs: str, ours: str, *, flip: bool = False) -> dict[str, Tensor]:
    return {
        f"{ours}.weight": conv(source, f"{theirs}/weight", flip=flip),
        f"{ours}.bias": source.take(f"{theirs}/bias", axes=1),
        f"{ours}.affine.weight": dense(source, f"{theirs}/mod_weight"),
        f"{ours}.affine.bias": source.take(f"{theirs}/mod_bias", axes=1) + 1,
    }


def mapping_options(network: TensorFlowNetwork, source: StateDict, *, w_dim: int) -> dict[str, object]:
    """The options of `GeneratorConfig` that concern the mapping network."""
    options = network.component("mapping").options
    layers = source.numbers(r"Dense(\d+)/weight")
    if layers != list(range(len(layers))):
        raise CheckpointError("this pickle of the TensorFlow era is damaged: a layer of its mapping network is missing")
    embedding = next((name for name in ("LabelConcat", "LabelEmbed") if f"{name}/weight" in source), None)
    c_dim, embedded = (0, 0) if embedding is None else source.shape(f"{embedding}/weight", axes=2)
    if layers:
        joined, width = source.shape("Dense0/weight", axes=2)
    else:
        joined, width = w_dim, w_dim
    return {
        "z_dim": joined - embedded,
        "c_dim": c_dim,
        "mapping_layers": len(layers),
        "embed_features": embedded or None,
        "layer_features": width,
        "mapping_activation": options.text("mapping_nonlinearity", "lrelu"),
        "lr_multiplier": options.number("mapping_lrmul", 0.01),
        "normalize_latents": options.flag("normalize_latents", True),
        "label_mode": "concat" if embedding == "LabelConcat" else "embed",
        "w_avg_beta": network.options.number_or_none("dlatent_avg_beta", 0.995),
    }


def mapping_tensors(network: TensorFlowNetwork, source: StateDict, config: GeneratorConfig) -> dict[str, Tensor]:
    """The mapping network's tensors, and the centre of W."""
    tensors: dict[str, Tensor] = {}
    if config.w_avg_beta is not None:
        centre = network.variables.get("dlatent_avg")
        tensors["mapping.w_avg"] = torch.zeros(config.w_dim) if centre is None else centre
    if "LabelConcat/weight" in source:
        tensors["mapping.embed"] = source.take("LabelConcat/weight", axes=2)
    elif "LabelEmbed/weight" in source:
        tensors["mapping.embed.weight"] = dense(source, "LabelEmbed/weight")
        tensors["mapping.embed.bias"] = source.take("LabelEmbed/bias", axes=1)
    for i in range(config.mapping_layers):
        tensors[f"mapping.fc{i}.weight"] = dense(source, f"Dense{i}/weight")
        tensors[f"mapping.fc{i}.bias"] = source.take(f"Dense{i}/bias", axes=1)
    source.finish()
    return tensors
