"""A published StyleGAN3 snapshot, T or R, read from its modules' attributes and tensors.

The attributes of every layer say what it does, so they are the source; what can be derived from others is
compared with what the file says, since a contradiction means that the file is damaged or of another family.
"""

import math
from collections.abc import Callable
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError
from explorer.generators.stylegan3 import INPUT_STYLE, Generator
from explorer.generators.stylegan3_plan import GeneratorConfig, InputPlan, LayerPlan

__all__ = ["is_generator", "read_generator"]


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
        CheckpointError: Attributes are missing, impossible or contradict each other or the tensors.
    """
    config = _read_config(record)
    tensors = record.state_dict()
    # Our transform is an argument; one that the file has set is already in the configuration.
    tensors.pop("synthesis.input.transform", None)
    for name in _updated_in_place(config):
        # The others are never written to, and may stay views on the file.
        if name in tensors:
            tensors[name] = tensors[name].clone()
    return Generator.from_tensors(config, tensors)


def _updated_in_place(config: GeneratorConfig) -> list[str]:
    return ["mapping.w_avg", *(f"synthesis.{layer.name}.magnitude_ema" for layer in config.layers)]


def _read_config(record: ModuleRecord) -> GeneratorConfig:
    synthesis, mapping = _child(record, "synthesis"), _child(record, "mapping")
    names = synthesis.attributes.get("layer_names")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise CheckpointError("synthesis.layer_names should be a list of names: the file is damaged")
    about, of_mapping = _Attributes(synthesis, "synthesis"), _Attributes(mapping, "mapping")
    w_dim = about.whole("w_dim")
    config = GeneratorConfig(
        z_dim=of_mapping.whole("z_dim"),
        c_dim=of_mapping.whole("c_dim"),
        w_dim=w_dim,
        resolution=about.whole("img_resolution"),
        img_channels=about.whole("img_channels"),
        mapping_layers=of_mapping.whole("num_layers"),
        input=_read_input(_child(synthesis, "input", within="synthesis."), w_dim),
        layers=tuple(_read_layer(_child(synthesis, name, within="synthesis."), name, w_dim) for name in names),
        mapping_lr_multiplier=_mapping_lr_multiplier(mapping),
        w_avg_beta=of_mapping.number("w_avg_beta"),
        output_scale=about.number("output_scale"),
        stored_transform=_read_transform(_child(synthesis, "input", within="synthesis.")),
    )
    for attributes in (about, of_mapping, _Attributes(record, "the generator")):
        attributes.agree(num_ws=config.num_ws, w_dim=w_dim, z_dim=config.z_dim, c_dim=config.c_dim)
    _check_mapping(mapping, config)
    return config


def _read_input(record: ModuleRecord, w_dim: int) -> InputPlan:
    about = _Attributes(record, "synthesis.input")
    about.agree(w_dim=w_dim)
    _check_linear(record, "affine", about.where, in_features=w_dim, out_features=INPUT_STYLE)
    for name in ("freqs", "phases"):
        _check_finite(record, name, about.where)
    return InputPlan(
        channels=about.whole("channels"),
        size=about.side("size"),
        sampling_rate=about.number("sampling_rate"),
        bandwidth=about.number("bandwidth"),
    )


def _read_layer(record: ModuleRecord, name: str, w_dim: int) -> LayerPlan:
    about = _Attributes(record, f"synthesis.{name}")
    clamp = record.attributes.get("conv_clamp")
    plan = LayerPlan(
        name=name,
        in_channels=about.whole("in_channels"),
        out_channels=about.whole("out_channels"),
        in_size=about.side("in_size"),
        out_size=about.side("out_size"),
        in_sampling_rate=about.number("in_sampling_rate"),
        out_sampling_rate=about.number("out_sampling_rate"),
        tmp_sampling_rate=about.number("tmp_sampling_rate"),
        in_cutoff=about.number("in_cutoff"),
        out_cutoff=about.number("out_cutoff"),
        in_half_width=about.number("in_half_width"),
        out_half_width=about.number("out_half_width"),
        up_taps=about.whole("up_taps"),
        down_taps=about.whole("down_taps"),
        down_radial=about.flag("down_radial"),
        conv_kernel=about.whole("conv_kernel"),
        is_torgb=about.flag("is_torgb"),
        is_critically_sampled=about.flag("is_critically_sampled"),
        use_fp16=about.flag("use_fp16"),
        conv_clamp=None if clamp is None else about.number("conv_clamp"),
        magnitude_ema_beta=about.number("magnitude_ema_beta"),
    )
    padding = [*plan.padding, *plan.padding]
    about.agree(up_factor=plan.up_factor, down_factor=plan.down_factor, padding=padding, w_dim=w_dim)
    _check_linear(record, "affine", about.where, in_features=w_dim, out_features=plan.in_channels)
    for buffer in ("up_filter", "down_filter", "magnitude_ema"):
        _check_finite(record, buffer, about.where)
    magnitude = record.buffers.get("magnitude_ema")
    if magnitude is not None and magnitude.numel() == 1 and magnitude.item() <= 0:
        raise CheckpointError(f"{about.where}.magnitude_ema is not above 0: the file is damaged")
    return plan


def _read_transform(record: ModuleRecord) -> tuple[tuple[float, ...], ...] | None:
    """The matrix that the file has set, if it is not the identity."""
    matrix = record.buffers.get("transform")
    if matrix is None:
        return None
    if matrix.shape != (3, 3):
        raise CheckpointError(f"synthesis.input.transform has shape {list(matrix.shape)}, and should be [3, 3]")
    _check_finite(record, "transform", "synthesis.input")
    if torch.equal(matrix, torch.eye(3).to(matrix)):
        return None
    return tuple(tuple(float(entry) for entry in row) for row in matrix.tolist())


def _mapping_lr_multiplier(mapping: ModuleRecord) -> float:
    first = mapping.children.get("fc0")
    # The bias is scaled by the multiplier alone.
    if first is None or "bias_gain" not in first.attributes:
        return 0.01
    return _Attributes(first, "mapping.fc0").number("bias_gain")


def _check_mapping(mapping: ModuleRecord, config: GeneratorConfig) -> None:
    embedded = config.w_dim if config.c_dim > 0 else 0
    if embedded:
        _check_linear(mapping, "embed", "mapping", in_features=config.c_dim, out_features=embedded)
    features = chain([config.z_dim + embedded], [config.w_dim] * (config.mapping_layers - 1))
    for i, in_features in enumerate(features):
        _check_linear(
            mapping,
            f"fc{i}",
            "mapping",
            in_features=in_features,
            out_features=config.w_dim,
            activation="lrelu",
            lr_multiplier=config.mapping_lr_multiplier,
        )


def _check_linear(
    parent: ModuleRecord,
    name: str,
    where: str,
    *,
    in_features: int,
    out_features: int,
    activation: str = "linear",
    lr_multiplier: float = 1.0,
) -> None:
    """Refuse a fully connected layer that scales or activates otherwise than ours does."""
    attributes = _Attributes(_child(parent, name, within=f"{where}."), f"{where}.{name}")
    attributes.agree(
        in_features=in_features,
        out_features=out_features,
        activation=activation,
        weight_gain=lr_multiplier / math.sqrt(in_features),
        bias_gain=lr_multiplier,
    )


def _check_finite(record: ModuleRecord, name: str, where: str) -> None:
    buffer: Tensor | None = record.buffers.get(name)
    if buffer is not None and not bool(torch.isfinite(buffer).all()):
        raise CheckpointError(f"{where}.{name} holds values that are not numbers: the file is damaged")


def _child(record: ModuleRecord, name: str, *, within: str = "") -> ModuleRecord:
    child = record.children.get(name)
    if child is None:
        raise CheckpointError(f"the generator's {within}{name[:80]} is missing: the file is damaged")
    return child


class _Attributes:
    """A module's attributes, each read as the type it must have."""

    def __init__(self, record: ModuleRecord, where: str) -> None:
        self.where = where
        self._values = record.attributes

    def whole(self, name: str) -> int:
        """A whole number."""
        return self._read(name, "a whole number", _as_whole)

    def number(self, name: str) -> float:
        """A finite number."""
        return self._read(name, "a finite number", _as_number)

    def flag(self, name: str) -> bool:
        """True or false."""
        return self._read(name, "true or false", _as_flag)

    def side(self, name: str) -> int:
        """The side of a square: one whole number, or the same one twice."""
        return self._read(name, "the side of a square", _as_side)

    def agree(self, **expected: object) -> None:
        """Refuse attributes that are there and are something else.

        Raises:
            CheckpointError: One is.
        """
        for name, wanted in expected.items():
            if name in self._values and not _equal(_simplify(self._values[name]), wanted):
                given = _shown(self._values[name])
                raise CheckpointError(
                    f"{self.where}.{name} is {given}, and the rest of the file asks for {wanted}: the file is damaged"
                )

    def _read(self, name: str, kind: str, convert: Callable[[object], object]) -> object:
        if name not in self._values:
            raise CheckpointError(f"{self.where} lacks the attribute {name}: the file is damaged or of another family")
        value = convert(_simplify(self._values[name]))
        if value is None:
            raise CheckpointError(f"{self.where}.{name} should be {kind}, and is {_shown(self._values[name])}")
        return value


def _simplify(value: object) -> object:
    """NumPy's and torch's small values as Python's own."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray | Tensor) and math.prod(value.shape) <= 16:
        return value.tolist()
    return list(value) if isinstance(value, tuple) else value


def _as_whole(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if type(value) is int and abs(value) < 2**62 else None


def _as_number(value: object) -> float | None:
    whole = _as_whole(value)
    if whole is not None:
        return float(whole)
    return value if type(value) is float and math.isfinite(value) else None


def _as_flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _as_side(value: object) -> int | None:
    sides = value if isinstance(value, list) else [value]
    if len(sides) not in (1, 2) or any(side != sides[0] for side in sides):
        return None
    return _as_whole(sides[0])


def _equal(given: object, wanted: object) -> bool:
    if isinstance(wanted, float):
        number = _as_number(given)
        return number is not None and math.isclose(number, wanted, rel_tol=1e-6)
    return type(given) is type(wanted) and given == wanted


def _shown(value: object) -> str:
    value = _simplify(value)
    if isinstance(value, int) and value.bit_length() > 200:
        return "a huge number"
    if isinstance(value, bool | int | float | str | None):
        return repr(value)[:60]
    if isinstance(value, list) and len(value) <= 4 and all(isinstance(entry, bool | int | float) for entry in value):
        return f"[{', '.join(map(_shown, value))}]"
    return f"a {type(value).__name__}"
