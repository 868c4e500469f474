"""Published StyleGAN3 snapshots, T and R: options and weights out of the records of their modules.

The attributes of every layer say what it does, so they are the source; what follows from others is compared
with what the file says of it, since a contradiction means that the file is damaged or of another family.
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.checkpoints.published_fields import Fields
from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError
from explorer.generators.stylegan3 import INPUT_STYLE, Generator
from explorer.generators.stylegan3_config import GeneratorConfig
from explorer.generators.stylegan3_plan import InputPlan, LayerPlan

__all__ = [
    "agree",
    "check_agreement",
    "check_finite",
    "check_linear",
    "is_generator",
    "read_generator",
    "shared_options",
    "stored_transform",
]


def is_generator(record: ModuleRecord) -> bool:
    """Whether this is a StyleGAN3 generator, by its state; StyleGAN-XL, whose centre of W has a row a class, is not."""
    synthesis, mapping = record.children.get("synthesis"), record.children.get("mapping")
    if synthesis is None or mapping is None or not isinstance(synthesis.attributes.get("layer_names"), list):
        return False
    w_avg = mapping.buffers.get("w_avg")
    per_class = w_avg is not None and w_avg.ndim == 2
    layers = [child for child in synthesis.children.values() if child is not None]
    return not per_class and any("magnitude_ema" in layer.buffers for layer in layers)


def read_generator(record: ModuleRecord) -> Generator:
    """Build the generator around the record's tensors.

    Raises:
        CheckpointError: An option is missing, of the wrong type, out of range, or contradicts another or a tensor.
    """
    config = _generator_config(Fields(record, "G"))
    tensors = record.state_dict()
    # Our transform is an argument; one that the file has set is already in the configuration.
    tensors.pop("synthesis.input.transform", None)
    return Generator.from_tensors(config, tensors)


def _generator_config(root: Fields) -> GeneratorConfig:
    config = GeneratorConfig(**shared_options(root))
    check_agreement(root, config)
    _check_mapping(root.child("mapping"), config)
    return config


def shared_options(root: Fields) -> dict[str, Any]:
    """The options of StyleGAN3, which StyleGAN-XL has too.

    Raises:
        CheckpointError: One is missing, of the wrong type or out of range.
    """
    synthesis, mapping = root.child("synthesis"), root.child("mapping")
    names = synthesis.record.attributes.get("layer_names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CheckpointError(f"this snapshot's {synthesis.name}.layer_names is no list of names: it is damaged")
    w_dim = synthesis.whole("w_dim")
    first = mapping.child("fc0")
    return {
        "z_dim": mapping.whole("z_dim"),
        "c_dim": mapping.whole("c_dim"),
        "w_dim": w_dim,
        "resolution": synthesis.whole("img_resolution"),
        "img_channels": synthesis.whole("img_channels"),
        "mapping_layers": mapping.whole("num_layers"),
        "input": _input_plan(synthesis.child("input"), w_dim),
        "layers": tuple(_layer_plan(synthesis.child(name), name, w_dim) for name in names),
        # The bias is scaled by the multiplier alone.
        "mapping_lr_multiplier": first.number("bias_gain"),
        "w_avg_beta": mapping.number("w_avg_beta"),
        "output_scale": synthesis.number("output_scale"),
        "stored_transform": stored_transform(synthesis.child("input")),
    }


def check_agreement(root: Fields, config: GeneratorConfig) -> None:
    """Refuse what a generator's parts say otherwise than its options."""
    for part in (root, root.child("synthesis"), root.child("mapping")):
        agree(part, num_ws=config.num_ws, w_dim=config.w_dim, z_dim=config.z_dim, c_dim=config.c_dim)
    agree(root, img_resolution=config.resolution, img_channels=config.img_channels)


def _input_plan(part: Fields, w_dim: int) -> InputPlan:
    agree(part, w_dim=w_dim)
    check_linear(part.child("affine"), in_features=w_dim, out_features=INPUT_STYLE)
    for name in ("freqs", "phases"):
        check_finite(part, name)
    return InputPlan(
        channels=part.whole("channels"),
        size=_side(part, "size"),
        sampling_rate=part.number("sampling_rate"),
        bandwidth=part.number("bandwidth"),
    )


def _layer_plan(part: Fields, name: str, w_dim: int) -> LayerPlan:
    plan = LayerPlan(
        name=name,
        in_channels=part.whole("in_channels"),
        out_channels=part.whole("out_channels"),
        in_size=_side(part, "in_size"),
        out_size=_side(part, "out_size"),
        in_sampling_rate=part.number("in_sampling_rate"),
        out_sampling_rate=part.number("out_sampling_rate"),
        tmp_sampling_rate=part.number("tmp_sampling_rate"),
        in_cutoff=part.number("in_cutoff"),
        out_cutoff=part.number("out_cutoff"),
        in_half_width=part.number("in_half_width"),
        out_half_width=part.number("out_half_width"),
        up_taps=part.whole("up_taps"),
        down_taps=part.whole("down_taps"),
        down_radial=part.flag("down_radial"),
        conv_kernel=part.whole("conv_kernel"),
        is_torgb=part.flag("is_torgb"),
        is_critically_sampled=part.flag("is_critically_sampled"),
        use_fp16=part.flag("use_fp16"),
        conv_clamp=part.number_or_none("conv_clamp"),
        magnitude_ema_beta=part.number("magnitude_ema_beta"),
    )
    padding = [*plan.padding, *plan.padding]
    agree(part, up_factor=plan.up_factor, down_factor=plan.down_factor, padding=padding, w_dim=w_dim)
    check_linear(part.child("affine"), in_features=w_dim, out_features=plan.in_channels)
    for buffer in ("up_filter", "down_filter", "magnitude_ema"):
        check_finite(part, buffer)
    if bool((part.tensor("magnitude_ema") <= 0).any()):
        raise CheckpointError(f"this snapshot's {part.name}.magnitude_ema is not above 0: it is damaged")
    return plan


def stored_transform(part: Fields) -> tuple[tuple[float, ...], ...] | None:
    """The matrix that the file has set, if it is not the identity."""
    matrix = part.record.buffers.get("transform")
    if matrix is None:
        return None
    if matrix.shape != (3, 3):
        raise CheckpointError(f"this snapshot's {part.name}.transform has shape {list(matrix.shape)}, not [3, 3]")
    check_finite(part, "transform")
    if torch.equal(matrix, torch.eye(3).to(matrix)):
        return None
    return tuple(tuple(float(entry) for entry in row) for row in matrix.tolist())


def _check_mapping(mapping: Fields, config: GeneratorConfig) -> None:
    embedded = config.w_dim if config.c_dim > 0 else 0
    if embedded:
        check_linear(mapping.child("embed"), in_features=config.c_dim, out_features=embedded)
    for i in range(config.mapping_layers):
        check_linear(
            mapping.child(f"fc{i}"),
            in_features=config.w_dim if i > 0 else config.z_dim + embedded,
            out_features=config.w_dim,
            activation="lrelu",
            lr_multiplier=config.mapping_lr_multiplier,
        )


def check_linear(
    part: Fields, *, in_features: int, out_features: int, activation: str = "linear", lr_multiplier: float = 1.0
) -> None:
    """Refuse a fully connected layer that scales or activates otherwise than ours does."""
    agree(
        part,
        in_features=in_features,
        out_features=out_features,
        activation=activation,
        weight_gain=lr_multiplier / math.sqrt(max(in_features, 1)),
        bias_gain=lr_multiplier,
    )


def check_finite(part: Fields, name: str) -> None:
    """Refuse a tensor that holds values that are not numbers."""
    buffer: Tensor | None = part.record.buffers.get(name, part.record.parameters.get(name))
    if buffer is not None and not bool(torch.isfinite(buffer).all()):
        raise CheckpointError(f"this snapshot's {part.name}.{name} holds values that are not numbers: it is damaged")


def _side(part: Fields, name: str) -> int:
    """The side of a square, which the published code keeps as an array of width and height."""
    value = _simple(part.record.attributes.get(name))
    sides = value if isinstance(value, list) else [value]
    if len(sides) not in (1, 2) or any(type(side) is not int or side != sides[0] for side in sides):
        raise CheckpointError(f"this snapshot's {part.name}.{name} should be the side of a square: it is damaged")
    return sides[0]


def agree(part: Fields, **expected: object) -> None:
    """Refuse attributes that are there and say something else.

    Raises:
        CheckpointError: One does.
    """
    for name, wanted in expected.items():
        if name not in part.record.attributes:
            continue
        given = _simple(part.record.attributes[name])
        if isinstance(wanted, float):
            same = type(given) in (int, float) and abs(given - wanted) <= 1e-6 * abs(wanted)
        else:
            same = type(given) is type(wanted) and given == wanted
        if not same:
            raise CheckpointError(
                f"this snapshot's {part.name}.{name} should be {wanted} by the rest of the file, and is not: "
                "it is damaged, or of a family that is not supported"
            )


def _simple(value: object) -> object:
    """Small arrays and tuples as lists."""
    if isinstance(value, np.ndarray | np.generic) and value.size <= 16:
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value
