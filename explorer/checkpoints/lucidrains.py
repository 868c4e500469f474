"""State dicts of stylegan2-pytorch by lucidrains: ``{'GAN': {...}, 'version': ...}``.

The averaged networks (``SE``, ``GE``) are taken where they are there. The factor of the mapping layers, ``lr_mlp``,
cannot be told from the weights: it stands in a file ``.config.json`` beside them, and is 0.1 otherwise.
"""

import json
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from explorer.checkpoints.measured import CENTRE_NOTE, measure_centre
from explorer.checkpoints.snapshot import Snapshot
from explorer.checkpoints.state_dict import StateDict, is_table_of_tensors
from explorer.errors import CheckpointError
from explorer.generators.assign import build_from_tensors
from explorer.generators.config import config_from_json
from explorer.generators.lightweight import Generator
from explorer.generators.lightweight_config import DiscriminatorConfig, GeneratorConfig
from explorer.generators.lightweight_discriminator import Discriminator

__all__ = ["is_lucidrains", "read_lucidrains", "side_options"]

MAX_SIDE_BYTES = 1 << 16
DEFAULT_LR = 0.1
_NOISE_NOTE = "The file holds no noise picture: one was drawn."


def is_lucidrains(top: object) -> bool:
    """Whether the object that a file holds is of this kind."""
    table = _table(top)
    return is_table_of_tensors(table) and any(f"{g}.blocks.0.conv1.weight" in table for g in ("GE", "G"))  # type: ignore[operator]


def _table(top: object) -> object:
    return top["GAN"] if isinstance(top, dict) and isinstance(top.get("GAN"), dict) else top


def _below(table: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in table.items() if name.startswith(prefix)}


def side_options(path: Path) -> Mapping[str, object]:
    """What ``.config.json`` beside a file says, or ``NAME.config.json`` for a file ``NAME.pt``; empty without one."""
    for place in (path.with_name(".config.json"), path.with_suffix(".config.json")):
        try:
            if place.is_file() and place.stat().st_size <= MAX_SIDE_BYTES:
                found = json.loads(place.read_text("utf-8"))
                return found if isinstance(found, dict) else {}
        except (OSError, ValueError, RecursionError):
            continue
    return {}


def read_lucidrains(top: object, *, size: int, options: Mapping[str, object]) -> Snapshot:
    """Build the networks from the file's tensors.

    Args:
        top: An object for which `is_lucidrains` holds.
        size: Of the file in bytes.
        options: From `side_options`.

    Raises:
        CheckpointError: A tensor is missing, of another shape, or has no place.
    """
    table = _table(top)
    assert isinstance(table, dict)
    averaged = "GE.blocks.0.conv1.weight" in table and "SE.net.0.weight" in table
    g, s = ("GE", "SE") if averaged else ("G", "S")
    mapping, synthesis = (StateDict(_below(table, f"{part}."), what=part, size=size) for part in (s, g))
    told = options.get("lr_mlp")
    known = isinstance(told, int | float) and not isinstance(told, bool)
    generator = _generator(mapping, synthesis, lr=float(told) if known else DEFAULT_LR)  # type: ignore[arg-type]
    discriminator, notes = _discriminator(table, size=size)
    if not known:
        notes = (f"The factor of the mapping layers, lr_mlp, was taken to be {DEFAULT_LR}, the default.", *notes)
    prefixes = {name.partition(".")[0] for name in table}
    return Snapshot(
        generator=generator,
        discriminator=discriminator,
        format="lucidrains state dict",
        entries=tuple(name for name in ("S", "G", "SE", "GE", "D") if name in prefixes),
        used=f"{s}, {g}",
        notes=(CENTRE_NOTE, _NOISE_NOTE, *notes),
    )


def _generator(mapping: StateDict, source: StateDict, *, lr: float) -> Generator:
    layers = mapping.numbers(r"net\.(\d+)\.weight")
    if layers != list(range(0, 2 * len(layers), 2)):
        raise CheckpointError("this file's mapping network lacks a layer")
    blocks = source.count(r"blocks\.(\d+)\.conv1\.weight")
    attention = source.numbers(r"attns\.(\d+)\.0\.fn\.fn\.to_q\.weight")
    const = "initial_block" in source
    config = config_from_json(
        GeneratorConfig,
        {
            "resolution": 4 << (blocks - 1),
            "channels": [source.shape(f"blocks.{i}.conv1.weight", axes=4)[0] for i in range(blocks)],
            "first_channels": source.shape("initial_conv.weight", axes=4)[0],
            "w_dim": source.shape("blocks.0.to_style1.weight", axes=2)[1],
            "img_channels": source.shape("blocks.0.to_rgb.conv.weight", axes=4)[0],
            "mapping_layers": len(layers),
            "lr_multiplier": lr,
            "const_input": const,
            "attention": attention,
        },
    )
    noise = torch.rand([1, config.resolution, config.resolution], generator=torch.Generator().manual_seed(0))
    tensors = {"noise_const": noise, "mapping.w_avg": torch.zeros(config.w_dim)}
    for i, number in enumerate(layers):
        tensors[f"mapping.fc{i}.weight"] = mapping.take(f"net.{number}.weight", axes=2)
        tensors[f"mapping.fc{i}.bias"] = mapping.take(f"net.{number}.bias", axes=1)
    mapping.finish()
    start = source.take("initial_block", axes=4)[0] if const else source.take("to_initial_block.weight", axes=4)
    tensors["synthesis.start"] = start
    tensors["synthesis.conv.weight"] = source.take("initial_conv.weight", axes=4)
    tensors["synthesis.conv.bias"] = source.take("initial_conv.bias", axes=1)
    for i, resolution in enumerate(config.block_resolutions):
        tensors |= _block(source, f"blocks.{i}", f"synthesis.b{resolution}")
        if i in attention:
            tensors |= _attention(source, f"attns.{i}", f"synthesis.b{resolution}.attention")
    # Filters of fixed taps.
    source.drop(r".*\.f")
    source.finish()
    generator = build_from_tensors(lambda: Generator(config), tensors)
    measure_centre(generator)
    return generator


def _block(source: StateDict, theirs: str, ours: str) -> dict[str, Tensor]:
    tensors = {f"{ours}.torgb.weight": source.take(f"{theirs}.to_rgb.conv.weight", axes=4)}
    tensors |= _linear(source, f"{theirs}.to_rgb.to_style", f"{ours}.torgb.style")
    for number, name in ((1, "conv0"), (2, "conv1")):
        tensors[f"{ours}.{name}.weight"] = source.take(f"{theirs}.conv{number}.weight", axes=4)
        tensors |= _linear(source, f"{theirs}.to_style{number}", f"{ours}.{name}.style")
        tensors[f"{ours}.{name}.noise_weight"] = source.take(f"{theirs}.to_noise{number}.weight", axes=2)[:, 0]
        tensors[f"{ours}.{name}.noise_bias"] = source.take(f"{theirs}.to_noise{number}.bias", axes=1)
    return tensors


def _attention(source: StateDict, theirs: str, ours: str) -> dict[str, Tensor]:
    tensors = {
        f"{ours}.query.weight": source.take(f"{theirs}.0.fn.fn.to_q.weight", axes=4),
        f"{ours}.near.weight": source.take(f"{theirs}.0.fn.fn.to_kv.net.0.weight", axes=4),
        f"{ours}.key_value.weight": source.take(f"{theirs}.0.fn.fn.to_kv.net.1.weight", axes=4),
    }
    convs = (("0.fn.fn.to_out", "out"), ("1.fn.fn.0", "widen"), ("1.fn.fn.2", "narrow"))
    for there, here in convs:
        tensors[f"{ours}.{here}.weight"] = source.take(f"{theirs}.{there}.weight", axes=4)
        tensors[f"{ours}.{here}.bias"] = source.take(f"{theirs}.{there}.bias", axes=1)
    for number, here in ((0, "norm"), (1, "widen_norm")):
        tensors[f"{ours}.{here}.scale"] = source.take(f"{theirs}.{number}.fn.norm.g", axes=4).flatten()
        tensors[f"{ours}.{here}.shift"] = source.take(f"{theirs}.{number}.fn.norm.b", axes=4).flatten()
    return tensors


def _linear(source: StateDict, theirs: str, ours: str) -> dict[str, Tensor]:
    return {
        f"{ours}.weight": source.take(f"{theirs}.weight", axes=2),
        f"{ours}.bias": source.take(f"{theirs}.bias", axes=1),
    }


def _discriminator(table: Mapping[str, Tensor], *, size: int) -> tuple[Discriminator | None, tuple[str, ...]]:
    """The discriminator, or why there is none: a picture can be made without it."""
    tensors = _below(table, "D.")
    if not tensors:
        return None, ()
    try:
        return _read_discriminator(StateDict(tensors, what="discriminator", size=size)), ()
    except CheckpointError as error:
        return None, (f"The discriminator could not be read: {error}.",)


def _read_discriminator(source: StateDict) -> Discriminator:
    blocks = source.count(r"blocks\.(\d+)\.conv_res\.weight")
    attention = source.numbers(r"attn_blocks\.(\d+)\.0\.fn\.fn\.to_q\.weight")
    config = config_from_json(
        DiscriminatorConfig,
        {
            "channels": [source.shape(f"blocks.{i}.conv_res.weight", axes=4)[0] for i in range(blocks)],
            "img_channels": source.shape("blocks.0.conv_res.weight", axes=4)[1],
            "attention": attention,
        },
    )
    pairs = {"final_conv": "conv", "to_logit": "out"}
    for i in range(blocks):
        pairs |= {f"blocks.{i}.{a}": f"block{i}.{b}" for a, b in (("conv_res", "around"), ("net.0", "conv0"))}
        pairs[f"blocks.{i}.net.2"] = f"block{i}.conv1"
        if i < blocks - 1:
            pairs[f"blocks.{i}.downsample.1"] = f"block{i}.down"
    tensors = {}
    for theirs, ours in pairs.items():
        tensors[f"{ours}.weight"] = source.take(f"{theirs}.weight", axes=2 if ours == "out" else 4)
        tensors[f"{ours}.bias"] = source.take(f"{theirs}.bias", axes=1)
    for i in attention:
        tensors |= _attention(source, f"attn_blocks.{i}", f"block{i}.attention")
    source.drop(r".*\.f")
    source.finish()
    return build_from_tensors(lambda: Discriminator(config), tensors)
