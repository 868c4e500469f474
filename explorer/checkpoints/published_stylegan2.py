"""Published StyleGAN2 and StyleGAN2-ADA snapshots: options and weights out of the records of their modules.

Options are read from what each layer says of itself and from the shapes of its tensors, never from
the arguments that a file claims to have been made with. Whatever is read is checked before a network
is built, and the network is built around the tensors of the file.
"""

import re
from collections.abc import Iterator

from explorer.checkpoints.filter_taps import taps_of
from explorer.checkpoints.published_fields import Fields, agreed
from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError
from explorer.generators.assign import build_from_tensors
from explorer.generators.config import config_from_json
from explorer.generators.stylegan2 import Generator
from explorer.generators.stylegan2_config import DiscriminatorConfig, GeneratorConfig
from explorer.generators.stylegan2_discriminator import Discriminator

__all__ = ["is_discriminator", "is_generator", "read_discriminator", "read_generator"]

# Every published convolution carries a filter, also where nothing is resampled.
FILTER_NAME = "resample_filter"

LARGEST_RESOLUTION = 1 << 14


def is_generator(record: ModuleRecord) -> bool:
    """Whether this is a StyleGAN2 generator: a mapping network, and a synthesis that starts at a 4² constant.

    Projected GAN's has a table of class embeddings, and is not.
    """
    synthesis, mapping = record.children.get("synthesis"), record.children.get("mapping")
    first = None if synthesis is None else synthesis.children.get("b4")
    if mapping is None or any(child and child.class_name == "Embedding" for child in mapping.children.values()):
        return False
    return first is not None and "const" in first.parameters


def is_discriminator(record: ModuleRecord) -> bool:
    """Whether this is the discriminator of StyleGAN2 and StyleGAN3: blocks down to 4², and two layers at its end."""
    last = record.children.get("b4")
    return last is not None and {"conv", "fc", "out"} <= last.children.keys()


def read_generator(record: ModuleRecord) -> Generator:
    """Build the generator around the record's tensors.

    Raises:
        CheckpointError: An option is missing, of the wrong type, out of range, or contradicts a tensor.
    """
    config = _generator_config(Fields(record, "G"))
    generator = build_from_tensors(lambda: Generator(config), record.state_dict(), idle=FILTER_NAME)
    rows = Fields(record, "G").whole("num_ws")
    if rows != generator.spec.num_ws:
        raise CheckpointError(f"this snapshot's G.num_ws is {rows}, and its layers need {generator.spec.num_ws}")
    return generator


def read_discriminator(record: ModuleRecord) -> Discriminator:
    """Build the discriminator around the record's tensors.

    Raises:
        CheckpointError: An option is missing, of the wrong type, out of range, or contradicts a tensor.
    """
    config = _discriminator_config(Fields(record, "D"))
    return build_from_tensors(lambda: Discriminator(config), record.state_dict(), idle=FILTER_NAME)


def _generator_config(root: Fields) -> GeneratorConfig:
    synthesis, mapping = root.child("synthesis"), root.child("mapping")
    blocks = [synthesis.child(f"b{r}") for r in _resolutions(synthesis)]
    convs = [block.child(name) for block in blocks for name in ("conv0", "conv1") if block.has(name)]
    pictures = [block.child("torgb") for block in blocks if block.has("torgb")]
    w_dim, c_dim = root.whole("w_dim"), root.whole("c_dim")
    options = {
        "resolution": root.whole("img_resolution"),
        "channels": [block.child("conv1").shape("weight", axes=4)[0] for block in blocks],
        "z_dim": root.whole("z_dim"),
        "c_dim": c_dim,
        "w_dim": w_dim,
        "img_channels": root.whole("img_channels"),
        "architecture": agreed("architecture", [block.text("architecture") for block in blocks]),
        "w_avg_beta": _w_avg_beta(mapping),
        "kernel_size": agreed("kernel size", [conv.shape("weight", axes=4)[2] for conv in convs]),
        "activation": agreed("activation", [conv.text("activation") for conv in convs]),
        "conv_clamp": agreed("conv_clamp", [layer.number_or_none("conv_clamp") for layer in convs + pictures]),
        "use_noise": agreed("use_noise", [conv.flag("use_noise") for conv in convs]),
        **_mapping_options(mapping, c_dim=c_dim),
    }
    if len(blocks) > 1:
        options["resample_filter"] = taps_of(blocks[1].child("conv0").tensor(FILTER_NAME))
    return config_from_json(GeneratorConfig, options)


def _discriminator_config(root: Fields) -> DiscriminatorConfig:
    blocks = [root.child(f"b{r}") for r in _resolutions(root)]
    last, blocks = blocks[0], blocks[1:]
    if not blocks:
        raise CheckpointError("this snapshot's D has no blocks above 4 pixels: it is damaged")
    layers = [block.child(name) for block in reversed(blocks) for name in _layer_names(block)]
    convs = [layer for layer in layers if not layer.name.endswith(".skip")]
    c_dim = root.whole("c_dim")
    options = {
        "resolution": root.whole("img_resolution"),
        "channels": [layer.shape("weight", axes=4)[0] for layer in (last.child("conv"), *_firsts(blocks))],
        "c_dim": c_dim,
        "img_channels": root.whole("img_channels"),
        "architecture": agreed("architecture", [block.text("architecture") for block in (last, *blocks)]),
        "activation": agreed("activation", [conv.text("activation") for conv in convs]),
        "epilogue_activation": agreed("last activation", [last.child(x).text("activation") for x in ("conv", "fc")]),
        "conv_clamp": agreed(
            "conv_clamp", [conv.number_or_none("conv_clamp") for conv in (*convs, last.child("conv"))]
        ),
        "resample_filter": taps_of(blocks[0].child("conv1").tensor(FILTER_NAME)),
        "freeze_layers": _frozen(layers),
        **_deviation_options(last),
    }
    if c_dim > 0:
        mapping = root.child("mapping")
        options |= {"cmap_dim": last.whole("cmap_dim"), **_mapping_options(mapping, c_dim=c_dim)}
    return config_from_json(DiscriminatorConfig, options)


def _resolutions(blocks: Fields) -> Iterator[int]:
    """4, 8, 16, ... as long as there is such a block; every block must be one of these."""
    resolution = 4
    while resolution <= LARGEST_RESOLUTION and blocks.has(f"b{resolution}"):
        yield resolution
        resolution *= 2
    strange = [n for n in blocks.record.children if re.fullmatch(r"b\d{1,6}", n) and int(n[1:]) >= resolution]
    if strange:
        raise CheckpointError(f"this snapshot's {blocks.name} has {strange[0]} but not b{resolution}: it is damaged")


def _mapping_options(mapping: Fields, *, c_dim: int) -> dict[str, object]:
    count = mapping.whole("num_layers")
    names = [name for name in mapping.record.children if re.fullmatch(r"fc\d{1,3}", name)]
    if count != len(names):
        raise CheckpointError(f"this snapshot's {mapping.name} says it has {count} layers, and has {len(names)}")
    layers = [mapping.child(f"fc{i}") for i in range(count)]
    options: dict[str, object] = {"mapping_layers": count}
    if c_dim > 0:
        options["embed_features"] = mapping.child("embed").shape("weight", axes=2)[0]
    if layers:
        options["mapping_activation"] = agreed("mapping activation", [layer.text("activation") for layer in layers])
        options["lr_multiplier"] = agreed("lr_multiplier", [layer.number("bias_gain") for layer in layers])
    if len(layers) > 1:
        options["layer_features"] = layers[0].shape("weight", axes=2)[0]
    return options


def _w_avg_beta(mapping: Fields) -> float | None:
    beta = mapping.number_or_none("w_avg_beta")
    if (beta is None) != (mapping.record.buffers.get("w_avg") is None):
        raise CheckpointError(f"this snapshot's {mapping.name} tells a w_avg_beta of {beta}, and its w_avg contradicts")
    return beta


def _layer_names(block: Fields) -> list[str]:
    """A discriminator block's layers in the order in which freezing counts them."""
    return [name for name in ("fromrgb", "conv0", "conv1", "skip") if block.has(name)]


def _firsts(blocks: list[Fields]) -> list[Fields]:
    return [block.child("conv0") for block in blocks]


def _frozen(layers: list[Fields]) -> int:
    """How many layers, from the picture on, keep their weights as buffers."""
    frozen = [layer.record.buffers.get("weight") is not None for layer in layers]
    count = sum(frozen)
    if not all(frozen[:count]):
        raise CheckpointError("this snapshot's D has learning layers before frozen ones: such a model cannot be opened")
    return count


def _deviation_options(last: Fields) -> dict[str, object]:
    if not last.has("mbstd"):
        return {"mbstd_num_channels": 0}
    layer = last.child("mbstd")
    return {
        "mbstd_group_size": layer.whole_or_none("group_size"),
        "mbstd_num_channels": layer.whole("num_channels"),
    }
