"""State dicts of the StyleGAN2 of rosinality, as trained there or converted there from the first release.

``{'g_ema': {...}, 'latent_avg': ..., 'g': ..., 'd': ...}``, or a generator's state dict alone. Sizes follow from the
tensors. Weights are in our order; the biases of the modulation count from 0; filters of the up-sampling are stored
with its gain of 4, and the centre of W may be missing.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from explorer.checkpoints.filter_taps import discriminator_filters, generator_filters, taps_of
from explorer.checkpoints.measured import CENTRE_NOTE, measure_centre
from explorer.checkpoints.snapshot import Snapshot
from explorer.checkpoints.state_dict import StateDict, is_table_of_tensors
from explorer.errors import CheckpointError
from explorer.generators.assign import build_from_tensors
from explorer.generators.config import config_from_json
from explorer.generators.stylegan2 import Generator
from explorer.generators.stylegan2_config import DiscriminatorConfig, GeneratorConfig
from explorer.generators.stylegan2_discriminator import Discriminator

__all__ = ["is_rosinality", "read_rosinality"]

_ENTRIES = ("g", "d", "g_ema")
# A zero-inserting up-sampling by 2 along two axes loses three quarters of the brightness.
_UP_GAIN = 4


def is_rosinality(top: object) -> bool:
    """Whether the object that a file holds is of this kind."""
    return isinstance(top, dict) and any(_is_generator(table) for table in (top, top.get("g_ema"), top.get("g")))


def _is_generator(table: object) -> bool:
    return is_table_of_tensors(table) and {"style.1.weight", "input.input", "conv1.conv.weight"} <= table.keys()  # type: ignore[union-attr]


def read_rosinality(top: Mapping[str, object], *, size: int) -> Snapshot:
    """Build the networks around the file's tensors.

    Args:
        top: An object for which `is_rosinality` holds.
        size: Of the file in bytes.

    Raises:
        CheckpointError: A tensor is missing, of another shape, or has no place.
    """
    used = next((name for name in ("g_ema", "g") if _is_generator(top.get(name))), None)
    table = top if used is None else top[used]
    assert isinstance(table, dict)
    centre = top.get("latent_avg")
    generator = _generator(StateDict(table, what="generator", size=size), centre if used is not None else None)
    discriminator, notes = _discriminator(top.get("d"), size=size)
    if generator.config.w_avg_beta is not None and not isinstance(centre, Tensor):
        notes = (CENTRE_NOTE, *notes)
    return Snapshot(
        generator=generator,
        discriminator=discriminator,
        format="rosinality state dict",
        entries=tuple(name for name in _ENTRIES if isinstance(top.get(name), dict)) or ("generator",),
        used=used or "generator",
        notes=notes,
    )


def _generator(source: StateDict, centre: object) -> Generator:
    blocks = 1 + source.count(r"to_rgbs\.(\d+)\.conv\.weight") if "to_rgbs.0.conv.weight" in source else 1
    layers = source.count(r"style\.(\d+)\.weight", first=1)
    if source.numbers(r"convs\.(\d+)\.conv\.weight") != list(range(2 * blocks - 2)):
        raise CheckpointError(f"this file's generator has {blocks} sizes of picture, and its convolutions contradict")
    widths = [source.shape(_conv(2 * i - 1) + ".conv.weight", axes=5)[1] for i in range(blocks)]
    w_dim, z_dim = source.shape(f"style.{layers}.weight", axes=2)[0], source.shape("style.1.weight", axes=2)[1]
    options: dict[str, object] = {
        "resolution": 4 << (blocks - 1),
        "channels": widths,
        "z_dim": z_dim,
        "w_dim": w_dim,
        "img_channels": source.shape("to_rgb1.conv.weight", axes=5)[1],
        "mapping_layers": layers,
        "layer_features": source.shape("style.1.weight", axes=2)[0],
        "kernel_size": source.shape("conv1.conv.weight", axes=5)[3],
    }
    if blocks > 1:
        options["resample_filter"] = taps_of(source.take("convs.0.conv.blur.kernel", axes=2) / _UP_GAIN)
    source.drop(r".*\.kernel")
    config = config_from_json(GeneratorConfig, options)
    tensors = {"mapping.w_avg": _centre(centre, w_dim), **generator_filters(config)}
    for i in range(layers):
        tensors[f"mapping.fc{i}.weight"] = source.take(f"style.{i + 1}.weight", axes=2)
        tensors[f"mapping.fc{i}.bias"] = source.take(f"style.{i + 1}.bias", axes=1)
    tensors["synthesis.b4.const"] = source.take("input.input", axes=4)[0]
    for i, resolution in enumerate(config.block_resolutions):
        block = f"synthesis.b{resolution}"
        for k, name in ((2 * i - 2, "conv0"), (2 * i - 1, "conv1")):
            if k >= -1:
                tensors |= _layer(source, _conv(k), k + 1, f"{block}.{name}")
        tensors |= _to_rgb(source, "to_rgb1" if i == 0 else f"to_rgbs.{i - 1}", f"{block}.torgb")
    source.finish()
    generator = build_from_tensors(lambda: Generator(config), tensors)
    if not isinstance(centre, Tensor):
        measure_centre(generator)
    return generator


def _conv(index: int) -> str:
    """The layer at 4², of index -1, has a name of its own."""
    return "conv1" if index < 0 else f"convs.{index}"


def _centre(centre: object, w_dim: int) -> Tensor:
    """``latent_avg``, ``[w_dim]`` or ``[1, w_dim]``; zeros to be measured later where there is none."""
    if not isinstance(centre, Tensor):
        return torch.zeros(w_dim)
    if centre.numel() != w_dim:
        raise CheckpointError(f"this file's latent_avg has shape {list(centre.shape)}, and should have [{w_dim}]")
    return centre.reshape(w_dim)


def _layer(source: StateDict, theirs: str, noise: int, ours: str) -> dict[str, Tensor]:
    return {
        f"{ours}.weight": source.take(f"{theirs}.conv.weight", axes=5)[0],
        f"{ours}.bias": source.take(f"{theirs}.activate.bias", axes=1),
        f"{ours}.affine.weight": source.take(f"{theirs}.conv.modulation.weight", axes=2),
        f"{ours}.affine.bias": source.take(f"{theirs}.conv.modulation.bias", axes=1),
        f"{ours}.noise_strength": source.take(f"{theirs}.noise.weight", axes=1).reshape([]),
        f"{ours}.noise_const": source.take(f"noises.noise_{noise}", axes=4)[0, 0],
    }


def _to_rgb(source: StateDict, theirs: str, ours: str) -> dict[str, Tensor]:
    return {
        f"{ours}.weight": source.take(f"{theirs}.conv.weight", axes=5)[0],
        f"{ours}.bias": source.take(f"{theirs}.bias", axes=4).flatten(),
        f"{ours}.affine.weight": source.take(f"{theirs}.conv.modulation.weight", axes=2),
        f"{ours}.affine.bias": source.take(f"{theirs}.conv.modulation.bias", axes=1),
    }


def _discriminator(table: object, *, size: int) -> tuple[Discriminator | None, tuple[str, ...]]:
    """The discriminator, or why there is none: a picture can be made without it."""
    if table is None:
        return None, ()
    if not is_table_of_tensors(table):
        return None, ("The discriminator is no table of tensors: only the generator was read.",)
    try:
        return _read_discriminator(StateDict(table, what="discriminator", size=size)), ()  # type: ignore[arg-type]
    except CheckpointError as error:
        return None, (f"The discriminator could not be read: {error}.",)


def _read_discriminator(source: StateDict) -> Discriminator:
    blocks = source.count(r"convs\.(\d+)\.conv1\.0\.weight", first=1)
    last_in = source.shape(f"convs.{blocks}.conv2.1.weight", axes=4)[0]
    width, joined = source.shape("final_conv.0.weight", axes=4)[:2]
    firsts = [source.shape(f"convs.{i}.conv1.0.weight", axes=4)[0] for i in range(blocks, 0, -1)]
    options = {
        "resolution": 4 << blocks,
        "channels": [width, *firsts],
        "img_channels": source.shape("convs.0.0.weight", axes=4)[1],
        "mbstd_num_channels": joined - last_in,
        "resample_filter": taps_of(source.take("convs.1.conv2.0.kernel", axes=2)),
    }
    source.drop(r".*\.kernel")
    config = config_from_json(DiscriminatorConfig, options)
    tensors = dict(discriminator_filters(config))
    pairs = {"convs.0.0.weight": f"b{config.resolution}.fromrgb.weight"}
    pairs["convs.0.1.bias"] = f"b{config.resolution}.fromrgb.bias"
    for i, resolution in enumerate(config.block_resolutions, start=1):
        for theirs, ours in (("conv1.0", "conv0"), ("conv2.1", "conv1"), ("skip.1", "skip")):
            pairs[f"convs.{i}.{theirs}.weight"] = f"b{resolution}.{ours}.weight"
        for theirs, ours in (("conv1.1", "conv0"), ("conv2.2", "conv1")):
            pairs[f"convs.{i}.{theirs}.bias"] = f"b{resolution}.{ours}.bias"
    pairs |= {"final_conv.0.weight": "b4.conv.weight", "final_conv.1.bias": "b4.conv.bias"}
    for theirs, ours in (("final_linear.0", "b4.fc"), ("final_linear.1", "b4.out")):
        pairs |= {f"{theirs}.weight": f"{ours}.weight", f"{theirs}.bias": f"{ours}.bias"}
    for theirs, ours in pairs.items():
        axes = 1 if theirs.endswith("bias") else 2 if theirs.startswith("final_linear") else 4
        tensors[ours] = source.take(theirs, axes=axes)
    source.finish()
    return build_from_tensors(lambda: Discriminator(config), tensors)
