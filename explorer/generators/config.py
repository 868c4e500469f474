"""Read a frozen dataclass of options back from JSON, and refuse what does not fit in words."""

import dataclasses
import math
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from explorer.errors import CheckpointError

__all__ = ["check_at_least", "check_between", "config_from_json"]

C = TypeVar("C")


def config_from_json(kind: type[C], data: object) -> C:
    """Build `kind`, a dataclass, from what `json.loads` made of its `dataclasses.asdict`.

    Lists stand for tuples and whole numbers for floats; anything else must have the declared type.

    Raises:
        CheckpointError: An option is unknown, missing, or of another type.
    """
    title = kind.__name__
    if not isinstance(data, Mapping):
        raise CheckpointError(f"{title} should be an object with one entry an option, not {_shown(data)}")
    fields = {f.name: f for f in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(str(key) for key in data if key not in fields)
    if unknown:
        raise CheckpointError(f"{title} does not know the option {unknown[0]!r}: the file may be from a newer version")
    absent = dataclasses.MISSING
    missing = [f.name for f in fields.values() if f.default is absent and f.default_factory is absent]
    missing = [name for name in missing if name not in data]
    if missing:
        raise CheckpointError(f"{title} lacks the option {missing[0]!r}")
    hints = get_type_hints(kind)
    return kind(**{key: _convert(f"{title}.{key}", value, hints[key]) for key, value in data.items()})


def _convert(name: str, value: object, hint: Any) -> object:
    if dataclasses.is_dataclass(hint):
        return config_from_json(hint, value)
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        return _convert_union(name, value, get_args(hint))
    if origin is Literal:
        if value not in get_args(hint):
            raise CheckpointError(f"{name} is {_shown(value)}, and can be {', '.join(map(repr, get_args(hint)))}")
        return value
    if origin is tuple and isinstance(value, list | tuple):
        return tuple(_convert(f"{name}[{i}]", item, get_args(hint)[0]) for i, item in enumerate(value))
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value):
        return float(value)
    if hint in (bool, int, str) and type(value) is hint:
        return value
    wanted = {float: "a finite number", int: "a whole number", bool: "true or false", str: "text"}
    raise CheckpointError(f"{name} is {_shown(value)}, and should be {wanted.get(hint, 'a list')}")


def _convert_union(name: str, value: object, choices: tuple[Any, ...]) -> object:
    if value is None and type(None) in choices:
        return None
    failure: CheckpointError | None = None
    for choice in choices:
        if choice is type(None):
            continue
        try:
            return _convert(name, value, choice)
        except CheckpointError as error:
            failure = error
    assert failure is not None, "a union has at least one choice beside None"
    raise failure


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False


def _shown(value: object) -> str:
    text = repr(value) if isinstance(value, str | int | float | bool | None) and _is_short(value) else ""
    return text if 0 < len(text) <= 60 else f"a {type(value).__name__}"


def _is_short(value: object) -> bool:
    return not isinstance(value, int) or value.bit_length() < 200


def check_between(name: str, value: float, low: float, high: float) -> None:
    """Refuse a `value` outside ``[low, high]``, not a number included.

    Raises:
        CheckpointError: It is outside.
    """
    if not low <= value <= high:
        raise CheckpointError(f"{name} is {_shown(value)}, and can be from {low} to {high}")


def check_at_least(name: str, value: float | None, low: float) -> None:
    """Refuse a `value` below `low`, infinite or not a number; ``None`` passes.

    Raises:
        CheckpointError: It is refused.
    """
    if value is not None and not (value >= low and _is_finite(value)):
        raise CheckpointError(f"{name} is {_shown(value)}, and should be at least {low}")
