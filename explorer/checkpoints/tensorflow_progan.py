"""ProGAN of the TensorFlow era: into our ProGAN."""

import math

from torch import Tensor

from explorer.checkpoints.state_dict import StateDict
from explorer.checkpoints.tensorflow_network import TensorFlowNetwork, conv, dense, resolutions, unscaled
from explorer.generators.assign import build_from_tensors
from explorer.generators.config import config_from_json
from explorer.generators.progan import Generator, GeneratorConfig

__all__ = ["default_truncation", "read_generator"]

GAIN = math.sqrt(2)


def default_truncation(network: TensorFlowNetwork) -> tuple[float | None, int | None]:
    """There is none."""
    return None, None


def read_generator(network: TensorFlowNetwork) -> Generator:
    """Build the generator.

    Raises:
        CheckpointError: A variable is missing, of another shape, or has no place; or an option is not known.
    """
    options, source = network.options, network.tensors("generator")
    sizes = [4, *resolutions(source, "Conv1/weight")]
    joined = source.shape("4x4/Dense/weight", axes=2)[0]
    c_dim = options.whole("label_size", 0)
    grows = len(sizes) == 1 or "ToRGB_lod1/weight" in source
    # Its transposed convolutions have a name of their own, and their weights another order.
    folded = "8x8/Conv0_up/weight" in source
    names = ["4x4/Conv/weight", *(f"{size}x{size}/Conv1/weight" for size in sizes[1:])]
    values = {
        "resolution": sizes[-1],
        "channels": [source.shape(name, axes=4)[3] for name in names],
        "z_dim": joined - c_dim,
        "c_dim": c_dim,
        "img_channels": source.shape("ToRGB_lod0/weight", axes=4)[3],
        "normalize_latents": options.flag("normalize_latents", True),
        "activation": "lrelu" if options.flag("use_leakyrelu", True) else "relu",
        "pixel_norm": options.flag("use_pixelnorm", True),
        "epsilon": options.number("pixelnorm_epsilon", 1e-8),
        "fused_from": 8 if folded else None,
        "grows": grows,
        "lod": network.number("lod", 0.0) if grows else 0.0,
    }
    config = config_from_json(GeneratorConfig, values)
    tensors: dict[str, Tensor] = {}
    for i, size in enumerate(sizes):
        block = f"{size}x{size}"
        if i == 0:
            tensors |= _layer(source, f"{block}/Dense", "b4.dense", dense(source, f"{block}/Dense/weight"))
            tensors |= _layer(source, f"{block}/Conv", "b4.conv1", conv(source, f"{block}/Conv/weight"))
        else:
            name = f"{block}/Conv0_up" if folded else f"{block}/Conv0"
            weight = conv(source, f"{name}/weight")
            weight = weight.transpose(0, 1).contiguous() if folded else weight
            tensors |= _layer(source, name, f"b{size}.conv0", weight)
            tensors |= _layer(source, f"{block}/Conv1", f"b{size}.conv1", conv(source, f"{block}/Conv1/weight"))
        level = len(sizes) - 1 - i
        if grows or level == 0:
            name = f"ToRGB_lod{level}"
            tensors |= _layer(source, name, f"b{size}.torgb", conv(source, f"{name}/weight"))
    if not options.flag("use_wscale", True):
        gains = {"dense": GAIN / 4, "torgb": 1.0}
        for name in [name for name in tensors if name.endswith("weight")]:
            tensors[name] = unscaled(tensors[name], gain=gains.get(name.split(".")[2], GAIN))
    source.drop("lod")
    source.finish()
    return build_from_tensors(lambda: Generator(config), tensors)


def _layer(source: StateDict, theirs: str, ours: str, weight: Tensor) -> dict[str, Tensor]:
    return {f"synthesis.{ours}.conv.weight": weight, f"synthesis.{ours}.bias": source.take(f"{theirs}/bias", axes=1)}
