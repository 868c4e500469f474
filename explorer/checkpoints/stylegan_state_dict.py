"""Bare state dicts of the published PyTorch StyleGAN2, StyleGAN2-ADA, StyleGAN3, StyleGAN-XL and -T, as hubs keep them.

In a file of ``torch.save`` or of safetensors, alone or with others (``G_ema``, ``G``, ``D``), or all in one table with
such a prefix. Options follow from names and shapes. What weights cannot tell is taken from ``config.json`` beside them
where it says so, and is the published default otherwise.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from explorer.checkpoints.bare_stylegan_t import MARKS, read_bare_t
from explorer.checkpoints.bare_stylegan_xl import is_bare_xl, read_bare_xl
from explorer.checkpoints.filter_taps import taps_of
from explorer.checkpoints.snapshot import Snapshot
from explorer.checkpoints.state_dict import StateDict, is_table_of_tensors
from explorer.errors import CheckpointError
from explorer.generators import stylegan2, stylegan3
from explorer.generators.assign import build_from_tensors
from explorer.generators.config import config_from_json

__all__ = ["is_stylegan", "read_stylegan", "side_config"]

MAX_SIDE_BYTES = 1 << 18
# The averaged generator first.
_NAMES = ("G_ema", "g_ema", "ema", "params_ema", "generator", "G", "g", "model", "state_dict", "module")
_FILTER = "resample_filter"
_TRANSFORM = "synthesis.input.transform"
_DEFAULT_LR = 0.01
_DEFAULT_CLAMP = 256.0
# Published widths are these at 1 pixel, halved or doubled.
_BASES = tuple(1 << power for power in range(6, 19))


def is_stylegan(top: object) -> bool:
    """Whether the object that a file holds is of this kind."""
    return _generator_table(top)[0] is not None


def side_config(path: Path) -> Mapping[str, object]:
    """What ``config.json`` beside a file says; empty without one."""
    place = path.with_name("config.json")
    try:
        if place.is_file() and place.stat().st_size <= MAX_SIDE_BYTES:
            found = json.loads(place.read_text("utf-8"))
            return found if isinstance(found, dict) else {}
    except (OSError, ValueError, RecursionError):
        pass
    return {}


def read_stylegan(top: object, *, size: int, options: Mapping[str, object]) -> Snapshot:
    """Build the generator around the file's tensors.

    Args:
        top: An object for which `is_stylegan` holds.
        size: Of the file in bytes.
        options: From `side_config`.

    Raises:
        CheckpointError: A tensor is missing, of another shape or without a place, or options cannot be told.
    """
    table, used, others = _generator_table(top)
    assert table is not None
    source = StateDict(table, what="generator", size=size)
    told = {**_mapping_of(options.get("mapping_kwargs")), **_mapping_of(options.get("synthesis_kwargs")), **options}
    read = _stylegan3 if "synthesis.input.freqs" in source else _stylegan2
    read = read_bare_t if table.keys() >= MARKS else read
    generator, notes = read(source, table, told)
    if any(name in others for name in ("D", "d", "discriminator")):
        notes = (*notes, "Only the generator was read: its state dict has a discriminator beside it.")
    return Snapshot(
        generator=generator,
        discriminator=None,
        format="StyleGAN state dict",
        entries=others or ("generator",),
        used=used or "generator",
        notes=notes,
    )


def _generator_table(top: object) -> tuple[dict[str, Tensor] | None, str, tuple[str, ...]]:
    """The generator's table, its name, and the names of all that is there."""
    if not isinstance(top, dict):
        return None, "", ()
    if is_table_of_tensors(top):
        if _is_generator(top):
            return top, "", ()
        prefixes = tuple(dict.fromkeys(str(name).partition(".")[0] for name in top))
        tables = {name: _below(top, f"{name}.") for name in prefixes[:64]}
    else:
        tables = {name: top[name] for name in top if isinstance(name, str) and isinstance(top[name], dict)}
        prefixes = tuple(tables)
    for name in _NAMES:
        if _is_generator(tables.get(name)):
            return tables[name], name, tuple(prefix[:40] for prefix in prefixes)
    return None, "", ()


def _below(table: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in table.items() if name.startswith(prefix)}


def _is_generator(table: object) -> bool:
    return is_table_of_tensors(table) and (
        {"mapping.fc0.weight", "synthesis.b4.const"} <= table.keys()  # type: ignore[union-attr]
        or {"mapping.fc0.weight", "synthesis.input.freqs"} <= table.keys()  # type: ignore[union-attr]
        or table.keys() >= MARKS  # type: ignore[union-attr]
    )


def _mapping_of(value: object) -> Mapping[str, object]:
    return value if isinstance(value, dict) else {}


def _number(told: Mapping[str, object], name: str, default: float | None) -> float | None:
    value = told.get(name, default)
    if value is None or (isinstance(value, int | float) and not isinstance(value, bool)):
        return value
    raise CheckpointError(f"config.json says {name} is {str(value)[:40]!r}, which is no number")


def _stylegan2(
    source: StateDict, table: dict[str, Tensor], told: Mapping[str, object]
) -> tuple[stylegan2.Generator, tuple[str, ...]]:
    sizes = source.numbers(r"synthesis\.b(\d+)\.conv1\.weight")
    if not sizes or sizes != [4 << i for i in range(len(sizes))]:
        raise CheckpointError("this file's generator lacks blocks: there should be synthesis.b4, b8, ... without a gap")
    first, last = "synthesis.b4", f"synthesis.b{sizes[-1]}"
    pictures = source.numbers(r"synthesis\.b(\d+)\.torgb\.weight")
    branches = source.numbers(r"synthesis\.b(\d+)\.skip\.weight")
    options: dict[str, Any] = {
        "resolution": sizes[-1],
        "channels": [source.shape(f"synthesis.b{size}.conv1.weight", axes=4)[0] for size in sizes],
        "w_dim": source.shape(f"{first}.conv1.affine.weight", axes=2)[1],
        "img_channels": source.shape(f"{last}.torgb.weight", axes=4)[0],
        "architecture": "resnet" if branches else "skip" if pictures == sizes else "orig",
        "kernel_size": source.shape(f"{first}.conv1.weight", axes=4)[2],
        "use_noise": f"{first}.conv1.noise_strength" in source,
        "w_avg_beta": 0.998 if "mapping.w_avg" in source else None,
        "conv_clamp": _number(told, "conv_clamp", _DEFAULT_CLAMP),
        **_mapping_options(source, told),
    }
    taps = f"synthesis.b8.conv0.{_FILTER}"
    if taps in source:
        options["resample_filter"] = taps_of(table[taps].float())
    config = config_from_json(stylegan2.GeneratorConfig, options)
    generator = build_from_tensors(lambda: stylegan2.Generator(config), table, idle=_FILTER)
    return generator, _taken_notes(told)


def _mapping_options(source: StateDict, told: Mapping[str, object]) -> dict[str, Any]:
    layers = source.count(r"mapping\.fc(\d+)\.weight")
    width, inputs = source.shape("mapping.fc0.weight", axes=2)
    options: dict[str, Any] = {"mapping_layers": layers, "lr_multiplier": _number(told, "lr_multiplier", _DEFAULT_LR)}
    embedded = 0
    if "mapping.embed.weight" in source:
        embedded, classes = source.shape("mapping.embed.weight", axes=2)
        options |= {"c_dim": classes, "embed_features": embedded}
    if layers > 1:
        options["layer_features"] = width
    return {**options, "z_dim": inputs - embedded}


def _taken_notes(told: Mapping[str, object]) -> tuple[str, ...]:
    taken = {"lr_multiplier": _DEFAULT_LR, "conv_clamp": _DEFAULT_CLAMP}
    words = " and ".join(f"{name} {value:g}" for name, value in taken.items() if name not in told)
    return (f"Weights do not tell {words}: taken as published.",) if words else ()


def _stylegan3(
    source: StateDict, table: dict[str, Tensor], told: Mapping[str, object]
) -> tuple[torch.nn.Module, tuple[str, ...]]:
    names = sorted(
        {match[1] for name in table if (match := re.match(r"synthesis\.(L\d{1,3}_\d{1,5}_\d{1,5})\.", name))},
        key=lambda name: int(name[1:].partition("_")[0]),
    )
    if not names:
        raise CheckpointError(
            "this file's generator has no layers: there should be synthesis.L0_..., L1_..., and so on"
        )
    margin = int(_number(told, "margin_size", 10) or 0)
    if is_bare_xl(source, names):
        xl = read_bare_xl(source, table, names=names, margin_size=margin, fits=_has_filters)
        return xl, _taken_notes(told)
    _, size, colours = names[-1].rsplit("_", 2)
    mapping = _mapping_options(source, told)
    if mapping["lr_multiplier"] != _DEFAULT_LR or mapping.get("embed_features", 0) not in (
        0,
        source.shape("mapping.w_avg", axes=1)[0],
    ):
        raise CheckpointError("this file's mapping is no StyleGAN3's: open the snapshot (.pkl) that it is from")
    first = source.shape(f"synthesis.{names[0]}.weight", axes=4)
    plan: dict[str, Any] = {
        "resolution": int(size),
        "img_channels": int(colours),
        "variant": "r" if first[2] == 1 else "t",
        "z_dim": mapping["z_dim"],
        "c_dim": mapping.get("c_dim", 0),
        "w_dim": source.shape("mapping.w_avg", axes=1)[0],
        "mapping_layers": mapping["mapping_layers"],
        "num_layers": len(names) - 1,
        "channel_max": max(int(name.rpartition("_")[2]) for name in names),
        "margin_size": margin,
    }
    for base in _BASES:
        try:
            config = stylegan3.GeneratorConfig.standard(channel_base=base, **plan)
        except CheckpointError:
            continue
        if [layer.name for layer in config.layers] == names and _has_filters(config, table):
            found = replace(config, stored_transform=_stored_transform(table.get(_TRANSFORM)))
            # Our transform is an argument; one that the file has set is in the configuration.
            tensors = {name: tensor for name, tensor in table.items() if name != _TRANSFORM}
            return stylegan3.Generator.from_tensors(found, tensors), _taken_notes(told)
    raise CheckpointError(
        f"the layers of this StyleGAN3 ({names[0]}, ..., {names[-1]}) follow no published plan, and weights alone do "
        "not tell theirs (cutoffs, transition widths and sampling rates): open the snapshot (.pkl) that they are from"
    )


def _has_filters(config: stylegan3.GeneratorConfig, table: Mapping[str, Tensor]) -> bool:
    """Whether the filters of a plan are those in the file: names alone do not tell cutoffs."""
    for name, filter_ in stylegan3.filters(config).items():
        held = table.get(name)
        if held is None or held.shape != filter_.shape or not bool((held.float() - filter_).abs().max() < 1e-4):
            return False
    return True


def _stored_transform(matrix: Tensor | None) -> tuple[tuple[float, ...], ...] | None:
    """The matrix that a file has set; ``None`` for none or the identity."""
    if matrix is None:
        return None
    if matrix.shape != (3, 3) or not matrix.is_floating_point() or not bool(torch.isfinite(matrix).all()):
        raise CheckpointError("this file's synthesis.input.transform is no matrix of 3 by 3: it is damaged")
    rows = tuple(tuple(row) for row in matrix.double().tolist())
    return None if torch.equal(matrix, torch.eye(3).to(matrix)) else rows
