"""Published StyleGAN-T snapshots, pickled by plain class reference: options and weights out of the modules' records.

Options are read from what each layer says of itself and from the shapes of its tensors. The text encoder that a
snapshot carries is read elsewhere.
"""

import math
import re

from explorer.checkpoints.filter_taps import taps_of
from explorer.checkpoints.published_fields import Fields, agreed
from explorer.checkpoints.published_stylegan2 import FILTER_NAME
from explorer.checkpoints.published_stylegan3 import agree, check_finite, check_linear, stored_transform
from explorer.checkpoints.published_text_encoder import PREFIX
from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError
from explorer.generators.assign import build_from_tensors
from explorer.generators.config import config_from_json
from explorer.generators.stylegan3 import INPUT_STYLE
from explorer.generators.stylegan_t import Generator, GeneratorConfig

__all__ = ["is_generator", "read_generator"]


def is_generator(record: ModuleRecord) -> bool:
    """Whether this is a StyleGAN-T generator: z goes through layers of its own, and blocks hold lists of layers."""
    synthesis, mapping = record.children.get("synthesis"), record.children.get("mapping")
    if synthesis is None or mapping is None or "x_avg" not in mapping.buffers or not mapping.children.get("mlp"):
        return False
    return any("convs1" in child.children for child in synthesis.children.values() if child)


def read_generator(record: ModuleRecord) -> Generator:
    """Build the generator around the record's tensors.

    Raises:
        CheckpointError: An option is missing, of the wrong type, out of range, or contradicts another or a tensor.
    """
    root = Fields(record, "G")
    blocks = _blocks(root.child("synthesis"))
    config = _generator_config(root, blocks)
    tensors = {name: tensor for name, tensor in record.state_dict().items() if not name.startswith(PREFIX)}
    # Our transform is an argument; one that the file has set is already in the configuration.
    tensors.pop(f"synthesis.b{config.block_resolutions[0]}.input.transform", None)
    generator = build_from_tensors(lambda: Generator(config), tensors, idle=FILTER_NAME)
    agree(root, num_ws=generator.spec.num_ws, w_dim=config.w_dim)
    return generator


def _generator_config(root: Fields, blocks: list[Fields]) -> GeneratorConfig:
    convs = [conv for block in blocks for conv in _convolutions(block)]
    residual = [conv for conv in convs if conv.has("norm")]
    pictures = [block.child("torgb") for block in blocks if block.has("torgb")]
    mapping, start = root.child("mapping"), blocks[0].child("input")
    mlp = mapping.child("mlp")
    layers = [mlp.child(f"fc{i}") for i in range(_count(mlp, r"fc\d{1,3}"))]
    options = {
        "resolution": root.whole("img_resolution"),
        "channels": [block.whole("out_channels") for block in blocks],
        "res_blocks": agreed("number of layers", [_pairs(block) for block in blocks]),
        "z_dim": mapping.whole("z_dim"),
        "c_dim": mapping.whole("c_dim"),
        "img_channels": root.whole("img_channels"),
        "architecture": agreed("architecture", [block.text("architecture") for block in blocks]),
        "mapping_layers": len(layers),
        "lr_multiplier": agreed("lr_multiplier", [layer.number("bias_gain") for layer in layers]),
        "x_avg_beta": mapping.number("x_avg_beta"),
        "kernel_size": agreed("kernel size", [conv.shape("weight", axes=4)[2] for conv in convs]),
        "activation": agreed("activation", [conv.text("activation") for conv in convs]),
        "conv_clamp": agreed("conv_clamp", [layer.number_or_none("conv_clamp") for layer in convs + pictures]),
        "use_noise": agreed("use_noise", [conv.flag("use_noise") for conv in convs]),
        "norm_groups": agreed("number of groups", [conv.child("norm").whole("num_groups") for conv in residual]),
        "norm_epsilon": agreed("eps", [conv.child("norm").number("eps") for conv in residual]),
        "input_rate": start.number("sampling_rate"),
        "input_bandwidth": start.number("bandwidth"),
        "stored_transform": stored_transform(start),
    }
    if len(layers) > 1:
        hidden = [layer.text("activation") for layer in layers[:-1]]
        options["mapping_activation"] = agreed("mapping activation", hidden)
    if len(blocks) > 1:
        options["resample_filter"] = taps_of(blocks[1].child("conv0").tensor(FILTER_NAME))
    config = config_from_json(GeneratorConfig, options)
    _check(config, root, blocks, layers)
    return config


def _blocks(synthesis: Fields) -> list[Fields]:
    """The blocks from the smallest on, each twice the size of the one before."""
    names = [name for name in synthesis.record.children if re.fullmatch(r"b[1-9]\d{0,4}", name)]
    sizes = sorted(int(name[1:]) for name in names)
    if not sizes or sizes != [sizes[0] << i for i in range(len(sizes))]:
        found = ", ".join(names[:8]) or "none"
        raise CheckpointError(f"this snapshot's blocks should each be twice the size of the one before; found {found}")
    return [synthesis.child(f"b{size}") for size in sizes]


def _count(part: Fields, pattern: str) -> int:
    return sum(re.fullmatch(pattern, name) is not None for name in part.record.children)


def _pairs(block: Fields) -> int:
    count = _count(block.child("convs1"), r"\d{1,3}")
    if count < 2 or count % 2:
        raise CheckpointError(f"this snapshot's {block.name} has {count} layers, and should have pairs: it is damaged")
    return count // 2


def _convolutions(block: Fields) -> list[Fields]:
    listed = block.child("convs1")
    convs = [listed.child(str(i)) for i in range(2 * _pairs(block))]
    return [block.child("conv0"), *convs] if block.has("conv0") else convs


def _check(config: GeneratorConfig, root: Fields, blocks: list[Fields], layers: list[Fields]) -> None:
    """Refuse what the parts say otherwise than the options, or compute otherwise than ours."""
    synthesis, mapping = root.child("synthesis"), root.child("mapping")
    for part in (root, synthesis, mapping):
        agree(part, z_dim=config.z_dim, c_dim=config.c_dim, w_dim=config.w_dim)
    agree(synthesis, img_resolution=config.resolution, img_channels=config.img_channels)
    for i, layer in enumerate(layers):
        check_linear(
            layer,
            in_features=config.z_dim,
            out_features=config.z_dim,
            activation="linear" if i == len(layers) - 1 else config.mapping_activation,
            lr_multiplier=config.lr_multiplier,
        )
    start = blocks[0].child("input")
    check_linear(start.child("affine"), in_features=config.w_dim, out_features=INPUT_STYLE)
    for name in ("freqs", "phases"):
        check_finite(start, name)
    agree(start, channels=config.channels[0], size=[config.block_resolutions[0]] * 2)
    _check_blocks(config, blocks)


def _check_blocks(config: GeneratorConfig, blocks: list[Fields]) -> None:
    for size, block in zip(config.block_resolutions, blocks, strict=True):
        agree(block, resolution=size, is_last=size == config.resolution)
        for conv in _convolutions(block):
            above = conv.name.endswith(".conv0")
            residual = not above and int(conv.name.rpartition(".")[2]) % 2 == 1
            if conv.has("norm") != residual:
                raise CheckpointError(f"this snapshot's {conv.name} should be one of a pair: it is damaged")
            agree(conv, up=2 if above else 1, residual=residual, padding=config.kernel_size // 2, resolution=size)
            _check_style(conv, config, width=conv.shape("weight", axes=4)[1])
        if block.has("torgb"):
            picture = block.child("torgb")
            width = picture.shape("weight", axes=4)[1]
            agree(picture, weight_gain=1 / math.sqrt(max(width, 1)))
            _check_style(picture, config, width=width)


def _check_style(part: Fields, config: GeneratorConfig, *, width: int) -> None:
    check_linear(part.child("affine").child("proj"), in_features=config.w_dim, out_features=3 * width)
