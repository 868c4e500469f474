"""Write a StyleGAN of ours as the TensorFlow era pickled it, to read it back: what the goldens do not cover."""

import math

from torch import Tensor

from explorer.generators.stylegan1 import Generator
from tests.checkpoints.pickle_writer import NewObject
from tests.checkpoints.tensorflow_writer import network


def stylegan1(g: Generator, options: dict[str, object]) -> NewObject:
    """The generator as the network ``Gs``; ``use_wscale`` in the options says how weights are stored."""
    wscale = options.get("use_wscale", True)
    synthesis = {"lod": 9.0, **_synthesis(g, wscale=bool(wscale))}
    mapping = _mapping(g, wscale=bool(wscale))
    parts = {
        "synthesis": network(synthesis, version=3, function="G_synthesis", options=options),
        "mapping": network(mapping, version=3, function="G_mapping", options=options),
    }
    top = {"lod": float(g.lod), "dlatent_avg": g.w_avg()[0].numpy()}
    return network(top, version=3, function="G_style", options=options, components=parts)


def _stored(weight: Tensor, *, gain: float, wscale: bool) -> Tensor:
    """As it is kept: of unit variance, or as it is used."""
    return weight if wscale else weight * (gain / math.sqrt(weight[0].numel()))


def _conv(weight: Tensor) -> Tensor:
    return weight.permute(2, 3, 1, 0)


def _mapping(g: Generator, *, wscale: bool) -> dict[str, object]:
    found: dict[str, object] = {}
    if g.config.c_dim:
        found["LabelConcat/weight"] = g.mapping.embed
    for i in range(g.config.mapping_layers):
        layer = g.mapping.get_submodule(f"fc{i}")
        found[f"Dense{i}/weight"] = _stored(layer.weight, gain=math.sqrt(2), wscale=wscale).t()
        # There the activation's gain stands before the bias.
        found[f"Dense{i}/bias"] = layer.bias * math.sqrt(2)
    return found


def _synthesis(g: Generator, *, wscale: bool) -> dict[str, object]:
    found: dict[str, object] = {}
    if g.config.const_input:
        found["4x4/Const/const"] = g.synthesis.const[None]
    for i, spec in enumerate(g.spec.layers):
        block, _, kind = spec.name.partition(".")
        size = f"{block[1:]}x{block[1:]}"
        first = "Const" if g.config.const_input else "Dense"
        kinds = {"const": first, "conv0": "Conv0_up", "conv1": "Conv" if block == "b4" else "Conv1"}
        name = f"{size}/{kinds[kind]}"
        layer = g.synthesis.get_submodule(spec.name)
        found[f"{name}/bias"] = layer.bias
        if kind == "const" and not g.config.const_input:
            found[f"{name}/weight"] = _stored(layer.conv.weight, gain=math.sqrt(2) / 4, wscale=wscale).t()
        elif kind != "const":
            found[f"{name}/weight"] = _conv(_stored(layer.conv.weight, gain=math.sqrt(2), wscale=wscale))
        if g.config.use_noise:
            found[f"{name}/Noise/weight"] = layer.noise_weight
            found[f"noise{i}"] = layer.noise_const[None, None]
        if g.config.use_styles:
            found[f"{name}/StyleMod/weight"] = _stored(layer.affine.weight, gain=1.0, wscale=wscale).t()
            found[f"{name}/StyleMod/bias"] = layer.affine.bias
    for level, size in enumerate(reversed(g.config.block_resolutions)):
        if g.config.grows or level == 0:
            torgb = g.synthesis.get_submodule(f"b{size}.torgb")
            found[f"ToRGB_lod{level}/weight"] = _conv(_stored(torgb.conv.weight, gain=1.0, wscale=wscale))
            found[f"ToRGB_lod{level}/bias"] = torgb.bias
    return found
