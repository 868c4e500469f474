"""A network of the TensorFlow era as plain data: its options and its variables, each doubted."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor

from explorer.checkpoints.inert import InertObject, Symbol
from explorer.checkpoints.state_dict import StateDict
from explorer.errors import CheckpointError

__all__ = [
    "NETWORK_CLASSES",
    "Options",
    "TensorFlowNetwork",
    "conv",
    "dense",
    "read_network",
    "resolutions",
    "unscaled",
]

NETWORK_CLASSES = frozenset({Symbol("dnnlib.tflib.network", "Network"), Symbol("tfutil", "Network")})

MAX_VARIABLES = 5_000
MAX_DEPTH = 3
VERSIONS = (2, 3, 4, 5)

_DAMAGED = "this pickle of the TensorFlow era is damaged"


class Options:
    """The options that a network's function was given; what is not there has the function's default.

    Every method raises `CheckpointError` on a value of another kind.
    """

    def __init__(self, given: Mapping[str, object]) -> None:
        self._given = given

    def flag(self, name: str, default: bool) -> bool:
        """True or false."""
        value = self._given.get(name, default)
        if not isinstance(value, bool):
            raise self._wrong(name, "true or false")
        return value

    def whole_or_none(self, name: str, default: int | None) -> int | None:
        """A whole number or ``None``."""
        value = self._given.get(name, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_whole(value):
            raise self._wrong(name, "a whole number")
        return int(value)

    def whole(self, name: str, default: int) -> int:
        """A whole number."""
        value = self.whole_or_none(name, default)
        if value is None:
            raise self._wrong(name, "a whole number")
        return value

    def number_or_none(self, name: str, default: float | None) -> float | None:
        """A finite number or ``None``."""
        value = self._given.get(name, default)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not _is_finite(value):
            raise self._wrong(name, "a finite number")
        return float(value)

    def number(self, name: str, default: float) -> float:
        """A finite number."""
        value = self.number_or_none(name, default)
        if value is None:
            raise self._wrong(name, "a finite number")
        return value

    def text(self, name: str, default: str) -> str:
        """Text."""
        value = self._given.get(name, default)
        if not isinstance(value, str):
            raise self._wrong(name, "text")
        return value

    def choice(self, name: str, default: object) -> object:
        """Any plain value, for the caller to check."""
        return self._given.get(name, default)

    def taps(self, name: str, default: tuple[float, ...] | None) -> tuple[Any, ...] | None:
        """A filter: numbers, or rows of numbers; ``None`` or nothing for no filter."""
        value = self._given.get(name, default)
        if isinstance(value, np.ndarray):
            value = value.tolist()
        if value is None or (isinstance(value, list | tuple) and not value):
            return None
        rows = value if isinstance(value, list | tuple) else [value]
        if len(rows) > 64:
            raise self._wrong(name, "a filter")
        if all(_is_number(row) for row in rows):
            return tuple(float(row) for row in rows)
        if all(isinstance(row, list | tuple) and len(row) <= 64 and all(map(_is_number, row)) for row in rows):
            return tuple(tuple(float(tap) for tap in row) for row in rows)
        raise self._wrong(name, "a filter")

    def _wrong(self, name: str, wanted: str) -> CheckpointError:
        value = self._given.get(name)
        shown = repr(value) if isinstance(value, str | float) and len(str(value)) < 60 else f"a {type(value).__name__}"
        return CheckpointError(f"this pickle's option {name} is {shown}, and should be {wanted}")


@dataclass(frozen=True, slots=True)
class TensorFlowNetwork:
    """What one network of a file is made of."""

    version: int
    """Of the pickle's layout: 2 ProGAN, 3 StyleGAN, 4 StyleGAN2, 5 StyleGAN2-ADA."""
    function: str
    """Name of the function that builds it: a claim of the file."""
    options: Options
    """What that function was given."""
    variables: Mapping[str, Tensor]
    """By name; numbers have no axes."""
    components: Mapping[str, "TensorFlowNetwork"] = field(default_factory=dict)
    """Sub-networks: ``mapping``, ``synthesis``."""

    def tensors(self, what: str) -> StateDict:
        """Its variables, to be taken one by one."""
        return StateDict(self.variables, what=what)

    def component(self, name: str) -> "TensorFlowNetwork":
        """A sub-network, which must exist."""
        if name not in self.components:
            raise CheckpointError(f"{_DAMAGED}: the generator has no part {name}")
        return self.components[name]

    def number(self, name: str, default: float) -> float:
        """A variable without axes."""
        value = self.variables.get(name)
        if value is None:
            return default
        if value.numel() != 1 or not math.isfinite(float(value)):
            raise CheckpointError(f"{_DAMAGED}: its variable {name} should be a finite number")
        return float(value)


def read_network(value: object, *, size: int, depth: int = 0) -> TensorFlowNetwork:
    """The network in an inert object.

    Args:
        value: From the pickle.
        size: Of the file in bytes: all variables together cannot be larger.
        depth: How many networks it lies in.

    Raises:
        CheckpointError: It is no network, or its state cannot be read.
    """
    if not isinstance(value, InertObject) or value.symbol not in NETWORK_CLASSES or not isinstance(value.state, dict):
        raise CheckpointError(f"{_DAMAGED}: a network in it has no state")
    state = value.state
    version, function = state.get("version"), state.get("build_func_name")
    if type(version) is not int or not isinstance(function, str):
        raise CheckpointError(f"{_DAMAGED}: a network in it does not tell its version and function")
    if version not in VERSIONS:
        raise CheckpointError(f"this pickle's network is of version {version}: versions 2 to 5 of that era are read")
    options, below = state.get("static_kwargs", {}), state.get("components") or {}
    if not isinstance(options, dict) or not isinstance(below, dict) or depth >= MAX_DEPTH or len(below) > 8:
        raise CheckpointError(f"{_DAMAGED}: a network's options or parts cannot be read")
    return TensorFlowNetwork(
        version=version,
        function=function[:200],
        options=Options({name: item for name, item in options.items() if isinstance(name, str)}),
        variables=_variables(state.get("variables"), size=size),
        components={str(name): read_network(item, size=size, depth=depth + 1) for name, item in below.items()},
    )


def _variables(value: object, *, size: int) -> dict[str, Tensor]:
    if not isinstance(value, list | tuple) or len(value) > MAX_VARIABLES:
        raise CheckpointError(f"{_DAMAGED}: a network's variables cannot be read")
    found: dict[str, Tensor] = {}
    total = 0
    for pair in value:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not isinstance(pair[0], str):
            raise CheckpointError(f"{_DAMAGED}: a network's variables cannot be read")
        name, item = pair
        if isinstance(item, np.ndarray) and item.dtype.kind == "f":
            tensor = torch.from_numpy(item)
        elif isinstance(item, int | float) and not isinstance(item, bool) and _is_finite(item):
            tensor = torch.tensor(float(item))
        elif isinstance(item, np.ndarray) and item.dtype.kind in "iu":
            tensor = torch.from_numpy(item.astype(np.float64))
        else:
            raise CheckpointError(f"{_DAMAGED}: its variable {name[:80]} holds no numbers")
        total += tensor.nbytes
        # One array under many names would become as many copies later.
        if total > size + 4 * MAX_VARIABLES:
            raise CheckpointError("this pickle claims more variables than its size allows: refused")
        found[name] = tensor
    return found


def unscaled(weight: Tensor, *, gain: float) -> Tensor:
    """What a weight ``[out, in, ...]`` is stored as where the learning rate is equalised.

    Networks without ``use_wscale`` keep the weight as it is used; ours divide by the root of the inputs when they use
    theirs, and multiply by `gain`.
    """
    return weight * (math.sqrt(weight[0].numel()) / gain)


def conv(source: StateDict, name: str, *, flip: bool = False) -> Tensor:
    """A convolution's weight, ``[kh, kw, in, out]`` there and ``[out, in, kh, kw]`` here.

    Args:
        source: Where from.
        name: Of the variable.
        flip: Turn the taps around, for the transposed convolutions of that code.
    """
    weight = source.take(name, axes=4).permute(3, 2, 0, 1)
    return (weight.flip([2, 3]) if flip else weight).contiguous()


def dense(source: StateDict, name: str) -> Tensor:
    """A fully connected layer's weight, ``[in, out]`` there and ``[out, in]`` here."""
    return source.take(name, axes=2).t().contiguous()


def resolutions(source: StateDict, ending: str) -> list[int]:
    """8, 16, ... as long as there is a variable ``RxR/ending`` for each.

    Raises:
        CheckpointError: One is missing in between.
    """
    found = source.numbers(rf"(\d+)x\d+/{re.escape(ending)}")
    if found != [8 << i for i in range(len(found))]:
        raise CheckpointError(f"{_DAMAGED}: its blocks are of the sizes {found[:12]}, and should double from 8")
    return found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _is_whole(value: float) -> bool:
    return _is_finite(value) and abs(value) < 1 << 53 and value == int(value)
