"""States and histories as plain JSON values and back: tagged, versioned by the caller, strict.

A value that comes back is one that the program itself could have made: unknown tags and fields, missing
fields, wrong types, NaN, infinities and numbers out of range are refused, in words that name the place.
"""

import math
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache

from explorer.errors import ProjectFileError
from explorer.state.edit_state import (
    CENTRES,
    NEAREST,
    Blend,
    BlobRef,
    CheckpointRef,
    ClassMix,
    EditState,
    Mix,
    NoCondition,
    Noise,
    Output,
    Prompt,
    SeedBlend,
    SeedPad,
    Slider,
    Stored,
    Transform,
    Truncation,
    Tuning,
)
from explorer.state.history import History, Node
from explorer.state.points import Point

__all__ = [
    "decode_history",
    "decode_node",
    "decode_points",
    "decode_state",
    "encode_history",
    "encode_node",
    "encode_points",
    "encode_state",
]

# The tag that tells the members of a union apart. A name is part of the file format and never changes.
_TAGS: dict[str, type] = {
    "none": NoCondition,
    "class_mix": ClassMix,
    "prompt": Prompt,
    "seed_pad": SeedPad,
    "seed_blend": SeedBlend,
    "stored": Stored,
    "blend": Blend,
}
_NAMES = {kind: tag for tag, kind in _TAGS.items()}

# Numbers are bounded so that a file cannot ask for absurd work; each range is far beyond any use.
_LARGEST = 1e9
_LONGEST = 65536
_RANGES: dict[tuple[type, str], tuple[int, int]] = {
    (ClassMix, "weights"): (0, 2**31 - 1),
    (SeedBlend, "weights"): (-(2**63), 2**63 - 1),
    (Slider, "index"): (0, 2**31 - 1),
    (Slider, "layers"): (0, 4095),
    (Mix, "layers"): (0, 4095),
    (Truncation, "cutoff"): (0, 2**31 - 1),
    (Truncation, "centre"): (NEAREST, CENTRES - 1),
    (Noise, "seed"): (-(2**63), 2**63 - 1),
    (Output, "base_channel"): (0, 2**31 - 1),
    (Node, "id"): (0, 2**31 - 1),
    (Node, "parent"): (0, 2**31 - 1),
    (History, "cursor"): (0, 2**31 - 1),
    (History, "pinned"): (0, 2**31 - 1),
}
# Fields that older files lack: what is missing has its default. Every other field must be there.
_ADDED = {
    (Transform, "scale"),
    (Transform, "shear"),
    (EditState, "output"),
    (EditState, "tuning"),
    (Slider, "name"),
    (Truncation, "centre"),
    (Noise, "layers"),
    (Output, "noise_only"),
    (History, "pinned"),
}
_HASHES = {(BlobRef, "sha256"), (CheckpointRef, "sha256"), (Tuning, "model")}
_HISTORY_LIMIT = 1_000_000


def encode_state(state: EditState) -> dict[str, object]:
    """A state as JSON values.

    Raises:
        ProjectFileError: The state holds what cannot be read back: NaN, a number out of range.
    """
    return typing.cast(dict[str, object], _checked(EditState, state, "state"))


def decode_state(document: object) -> EditState:
    """A state from JSON values.

    Raises:
        ProjectFileError: The values are not what `encode_state` gives.
    """
    return typing.cast(EditState, _decode(EditState, document, "state", (EditState, "")))


def encode_history(history: History) -> dict[str, object]:
    """A history, all its branches and its cursor as JSON values.

    Raises:
        ProjectFileError: A state holds what cannot be read back.
    """
    return typing.cast(dict[str, object], _checked(History, history, "history"))


def decode_history(document: object) -> History:
    """A history from JSON values.

    Raises:
        ProjectFileError: The values are not what `encode_history` gives.
    """
    return typing.cast(History, _decode(History, document, "history", (History, "")))


def encode_node(node: Node) -> dict[str, object]:
    """One step of a history as JSON values.

    Raises:
        ProjectFileError: Its state holds what cannot be read back.
    """
    return typing.cast(dict[str, object], _checked(Node, node, "step"))


def decode_node(document: object) -> Node:
    """One step of a history from JSON values.

    Raises:
        ProjectFileError: The values are not what `encode_node` gives.
    """
    return typing.cast(Node, _decode(Node, document, "step", (Node, "")))


def encode_points(points: tuple[Point, ...]) -> list[object]:
    """Saved points as JSON values.

    Raises:
        ProjectFileError: A state holds what cannot be read back.
    """
    return typing.cast(list[object], _checked(tuple[Point, ...], points, "points"))


def decode_points(document: object) -> tuple[Point, ...]:
    """Saved points from JSON values.

    Raises:
        ProjectFileError: The values are not what `encode_points` gives.
    """
    return typing.cast(tuple[Point, ...], _decode(tuple[Point, ...], document, "points", (Point, "")))


def _checked(kind: typing.Any, value: object, place: str) -> object:
    # What is written must be readable, so the reader judges before anything reaches a disk.
    document = _encode(value)
    if _decode(kind, document, place, (kind, "")) != value:
        raise ProjectFileError(f"{place} cannot be written: it does not read back equal")
    return document


def _encode(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        document: dict[str, object] = {"type": _NAMES[type(value)]} if type(value) in _NAMES else {}
        document.update({field.name: _encode(getattr(value, field.name)) for field in fields(value)})
        return document
    if isinstance(value, tuple):
        return [_encode(item) for item in value]
    return value


@cache
def _hints(kind: type) -> dict[str, typing.Any]:
    return typing.get_type_hints(kind)


def _decode(hint: typing.Any, document: object, place: str, field: tuple[type, str]) -> object:
    origin = typing.get_origin(hint)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(typing.get_args(hint), document, place, field)
    if origin is typing.Literal:
        if not isinstance(document, str) or document not in typing.get_args(hint):
            raise ProjectFileError(f"{place} is {_shown(document)}: expected one of {', '.join(typing.get_args(hint))}")
        return document
    if origin is tuple:
        return _decode_tuple(typing.get_args(hint), document, place, field)
    if is_dataclass(hint):
        return _decode_dataclass(typing.cast(type, hint), document, place)
    return _decode_plain(hint, document, place, field)


def _decode_union(kinds: tuple[typing.Any, ...], document: object, place: str, field: tuple[type, str]) -> object:
    if type(None) in kinds:
        if document is None:
            return None
        rest = [kind for kind in kinds if kind is not type(None)]
        return _decode(rest[0], document, place, field)
    tag = document.get("type") if isinstance(document, Mapping) else None
    kind = _TAGS.get(tag) if isinstance(tag, str) else None
    if kind is None or kind not in kinds:
        known = ", ".join(sorted(_NAMES[kind] for kind in kinds))
        raise ProjectFileError(f"{place} has the type {_shown(tag)}: expected one of {known}")
    return _decode_dataclass(kind, document, place)


def _decode_tuple(items: tuple[typing.Any, ...], document: object, place: str, field: tuple[type, str]) -> object:
    if not isinstance(document, list):
        raise ProjectFileError(f"{place} is {_shown(document)}: expected a list")
    limit = _HISTORY_LIMIT if field == (History, "nodes") else _LONGEST
    if len(document) > limit:
        raise ProjectFileError(f"{place} has {len(document)} entries: at most {limit} are read")
    if len(items) == 2 and items[1] is Ellipsis:
        return tuple(_decode(items[0], item, f"{place}[{i}]", field) for i, item in enumerate(document))
    if len(document) != len(items):
        raise ProjectFileError(f"{place} has {len(document)} entries: expected {len(items)}")
    pairs = zip(items, document, strict=True)
    return tuple(_decode(kind, item, f"{place}[{i}]", field) for i, (kind, item) in enumerate(pairs))


def _decode_dataclass(kind: type, document: object, place: str) -> object:
    if not isinstance(document, Mapping):
        raise ProjectFileError(f"{place} is {_shown(document)}: expected an object")
    hints = _hints(kind)
    known = {"type", *hints} if kind in _NAMES else set(hints)
    if unknown := sorted(str(name) for name in set(document) - known):
        raise ProjectFileError(f"{place} has the unknown field {_shown(unknown[0])}")
    if missing := sorted(name for name in known - set(document) if (kind, name) not in _ADDED):
        raise ProjectFileError(f"{place} lacks the field {missing[0]!r}")
    values = {
        name: _decode(hint, document[name], f"{place}.{name}", (kind, name))
        for name, hint in hints.items()
        if name in document
    }
    try:
        return kind(**values)
    except ValueError as error:
        raise ProjectFileError(f"{place}: {error}") from None


def _decode_plain(hint: object, document: object, place: str, field: tuple[type, str]) -> object:
    if hint is bool:
        if type(document) is not bool:
            raise ProjectFileError(f"{place} is {_shown(document)}: expected true or false")
        return document
    if hint is float:
        return _number(document, place)
    if hint is int:
        low, high = _RANGES.get(field, (-(2**63), 2**63 - 1))
        # True and False are integers to Python, but not in a project.
        if type(document) is not int or not low <= document <= high:
            raise ProjectFileError(f"{place} is {_shown(document)}: expected a whole number from {low} to {high}")
        return document
    if not isinstance(document, str) or len(document) > _LONGEST:
        raise ProjectFileError(f"{place} is {_shown(document)}: expected a text")
    if field in _HASHES and (len(document) != 64 or set(document) - set("0123456789abcdef")):
        raise ProjectFileError(f"{place} is {_shown(document)}: expected 64 hexadecimal digits")
    return document


def _number(document: object, place: str) -> float:
    if type(document) not in (int, float):
        raise ProjectFileError(f"{place} is {_shown(document)}: expected a number")
    number = typing.cast(float, document)
    if not -_LARGEST <= number <= _LARGEST or not math.isfinite(number):
        raise ProjectFileError(f"{place} is {_shown(document)}: expected a number from {-_LARGEST:g} to {_LARGEST:g}")
    return float(number)


def _shown(value: object) -> str:
    text = repr(value) if not isinstance(value, Mapping | list) else f"a {type(value).__name__}"
    return text if len(text) <= 60 else text[:57] + "..."
