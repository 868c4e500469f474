"""Bare weights of StyleGAN-XL: the plan of every stage is found again from the layers' names and filters.

Names count on by one where a stage ends, which tells how many layers each has. Widths and factors are tried among
the published kinds, and what fits the names and every filter is the plan.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from torch import Tensor

from explorer.checkpoints.state_dict import StateDict
from explorer.errors import CheckpointError
from explorer.generators import stylegan_xl

__all__ = ["is_bare_xl", "read_bare_xl"]

# Published widths are these at 1 pixel, halved or doubled.
_BASES = tuple(1 << power for power in range(6, 19))
_CRITICAL = 2
_MAX_STAGES = 8
_UNUSED = ("synthesis.input.transform", "mapping.embed.weight")

Config = stylegan_xl.GeneratorConfig
Fits = Callable[[Config, Mapping[str, Tensor]], bool]


def is_bare_xl(source: StateDict, names: list[str]) -> bool:
    """Whether a table with StyleGAN3's input is StyleGAN-XL's: a table of classes, or layers in several stages."""
    table = "mapping.embed.weight" in source and "mapping.embed.bias" not in source
    staged = int(names[-1][1:].partition("_")[0]) >= len(names)
    return "mapping.embed_proj.weight" in source or table or staged


def read_bare_xl(
    source: StateDict, table: Mapping[str, Tensor], *, names: list[str], margin_size: int, fits: Fits
) -> stylegan_xl.Generator:
    """Build the generator around the file's tensors.

    Args:
        source: The same table, for questions.
        table: Every tensor by name.
        names: Of the layers, in order.
        margin_size: Of the plan.
        fits: Whether a plan's filters are those in the file.

    Raises:
        CheckpointError: No plan fits, or a tensor is missing, of another shape or without a place.
    """
    options = _mapping(source)
    first = source.shape(f"synthesis.{names[0]}.weight", axes=4)
    options |= {"variant": "r" if first[2] == 1 else "t", "img_channels": int(names[-1].rpartition("_")[2])}
    stages = _stages(names)
    tensors = {name: tensor for name, tensor in table.items() if name not in _UNUSED}
    if options["c_dim"]:
        tensors["mapping.embed.weight"] = table["mapping.embed.weight"][: options["c_dim"]]
    # Many widths make the same plan.
    for config in dict.fromkeys(_plans(stages, options, margin_size)):
        if fits(config, table):
            return stylegan_xl.Generator.from_tensors(config, tensors)
    raise CheckpointError(
        f"the layers of this StyleGAN-XL ({names[0]}, ..., {names[-1]}) follow no published plan, and "
        "weights alone do not tell cutoffs and filter widths: open the snapshot (.pkl) that they are from"
    )


def _mapping(source: StateDict) -> dict[str, Any]:
    layers = source.count(r"mapping\.fc(\d+)\.weight")
    w_dim, inputs = source.shape("mapping.fc0.weight", axes=2)
    if "mapping.embed_proj.weight" not in source:
        return {"z_dim": inputs, "c_dim": 0, "w_dim": w_dim, "mapping_layers": layers}
    projected, features = source.shape("mapping.embed_proj.weight", axes=2)
    classes = source.shape("mapping.w_avg", axes=2)[0]
    held, width = source.shape("mapping.embed.weight", axes=2)
    if inputs != 2 * projected or width != features or classes > held:
        raise CheckpointError(
            "this file's mapping is no StyleGAN-XL's: its embedding, projection and layers do not fit"
        )
    told = {"z_dim": projected, "c_dim": classes, "w_dim": w_dim, "mapping_layers": layers}
    return {**told, "embed_features": features}


def _stages(names: list[str]) -> list[list[str]]:
    """Layers of each stage: a number is left out between two."""
    if names[0].partition("_")[0] != "L0":
        raise CheckpointError(f"this file's layers begin at {names[0]}: the ones before it are missing, from L0_... on")
    stages: list[list[str]] = [[]]
    before = -1
    for name in names:
        match = re.fullmatch(r"L(\d{1,3})_(\d{1,5})_(\d{1,5})", name)
        number = int(match[1]) if match else -1
        if number != before + 1:
            stages.append([])
        if number not in (before + 1, before + 2) or len(stages) > _MAX_STAGES:
            raise CheckpointError(f"this file's layers are not numbered as StyleGAN-XL's: {name} is out of order")
        stages[-1].append(name)
        before = number
    return stages


def _plans(stages: list[list[str]], options: dict[str, Any], margin_size: int) -> Iterator[Config]:
    """Every plan whose names are the file's."""
    last = len(stages) == 1
    resolutions = [int(stages[0][-1].split("_")[1])] if last else [8 << i for i in range(6)]
    count = len(stages[0]) - 1 if last else len(stages[0]) + _CRITICAL
    shape = {"channel_max": _widest(stages[0]), "num_layers": count, "margin_size": margin_size}
    stems: dict[object, Config] = {}
    for resolution in resolutions:
        for base in _BASES:
            config = _made(Config.standard, **options, **shape, resolution=resolution, channel_base=base)
            if config is not None and _begins(config, stages[0]):
                stems.setdefault(_stem(config, whole=last), config)
    for stem in stems.values():
        yield from _grown(stem, stages[1:], margin_size)


def _grown(config: Config, stages: list[list[str]], margin_size: int) -> Iterator[Config]:
    if not stages:
        yield config
        return
    names, *rest = stages
    size = int(names[-1].split("_")[1])
    factors = (2, 4, 8) if rest else (size // config.resolution,)
    heads = len(names) + _CRITICAL if rest else len(names) - 1
    shape = {"head_layers": heads, "margin_size": margin_size, "channel_max": _widest(names)}
    found: dict[object, Config] = {}
    for factor in factors:
        for base in _BASES:
            grown = _made(config.grown, **shape, up_factor=factor, channel_base=base)
            if grown is not None and _begins(grown, names):
                found.setdefault(_stem(grown, whole=not rest), grown)
    for plan in found.values():
        yield from _grown(plan, rest, margin_size)


def _stem(config: Config, *, whole: bool) -> object:
    """What tells plans apart: of a stage that a later one stands on, only the layers that it keeps."""
    kept = tuple(layer for layer in config.layers if whole or not layer.is_critically_sampled)
    return config.resolution, config.input, kept


def _begins(config: Config, names: list[str]) -> bool:
    """Whether a stage's layers are these, those left out that a later stage replaces."""
    made = [layer.name for layer in config.layers]
    return names[0] in made and made[made.index(names[0]) :][: len(names)] == names


def _widest(names: list[str]) -> int:
    widths = [int(name.rpartition("_")[2]) for name in names]
    return max(widths)


def _made(make: Callable[..., Config], **options: Any) -> Config | None:
    try:
        return make(**options)
    except CheckpointError:
        return None
