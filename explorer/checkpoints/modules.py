"""From inert objects to `ModuleRecord`: which parts of a pickle are modules, by the shape of their state.

Both ways of pickling a module are met: wrapped in `PERSISTENT_OBJECT`, and by plain class reference. Either way
the state is a module's ``__dict__``, of any age: old files lack the newer hook attributes, and none is needed.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import Any

import numpy as np
from torch import Tensor

from explorer.checkpoints.allowed import PERSISTENT_OBJECT
from explorer.checkpoints.inert import InertObject
from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError

__all__ = ["is_module", "module_class", "plain", "read_module"]

MAX_MODULES = 20_000
MAX_MODULE_DEPTH = 64
MAX_PLAIN_DEPTH = 8
MAX_PLAIN_VALUES = 10_000
MAX_PLAIN_TEXT = 2_000

_TENSOR_TABLES = ("_parameters", "_buffers", "_modules")
_HOOK_ENDINGS = ("_hooks", "_hooks_with_kwargs", "_hooks_always_called", "_backward_hook", "_persistent_buffers_set")


def is_module(value: object) -> bool:
    """Whether ``value`` was a module when it was pickled."""
    return _state(value) is not None


def module_class(value: object) -> str:
    """The bare class name of an inert object, for messages: a claim of the file."""
    if not isinstance(value, InertObject):
        return type(value).__name__
    if value.symbol == PERSISTENT_OBJECT and isinstance(value.args[0], dict):
        name = value.args[0].get("class_name")
        return name[:80] if isinstance(name, str) else "an unnamed class"
    return value.symbol.name[:80]


def _state(value: object) -> dict[object, object] | None:
    """The ``__dict__`` of a pickled module, or ``None`` for anything else."""
    if not isinstance(value, InertObject):
        return None
    wrapped = value.symbol == PERSISTENT_OBJECT and isinstance(value.args[0], dict)
    state = value.args[0].get("state") if wrapped else value.state
    if isinstance(state, dict) and any(isinstance(state.get(name), dict) for name in _TENSOR_TABLES):
        return state
    return None


def read_module(value: object, *, size: int) -> ModuleRecord:
    """The module and all below it.

    Args:
        value: An object for which `is_module` holds.
        size: Of the file in bytes: all tensors together cannot be larger.

    Raises:
        CheckpointError: Cycles, thousands of modules, parameters that are no tensors, more tensors than the file holds.
    """
    state = _state(value)
    if state is None:
        raise CheckpointError("this snapshot's generator is not a module")
    root = ModuleRecord(module_class(value))
    pending = [(root, state, 0)]
    modules = 0
    total = 0
    while pending:
        record, state, depth = pending.pop()
        modules += 1
        if modules > MAX_MODULES or depth > MAX_MODULE_DEPTH:
            raise CheckpointError("this snapshot's modules contain each other without end: refused")
        total += _fill(record, state)
        # Many tensors that view the same bytes would each become a copy later.
        if total > size:
            raise CheckpointError("this snapshot claims more tensors than its size allows: refused")
        for name, child in _table(state, "_modules").items():
            below = _state(child)
            record.children[name] = None if below is None else ModuleRecord(module_class(child))
            if below is not None:
                pending.append((record.children[name], below, depth + 1))
    return root


def _fill(record: ModuleRecord, state: Mapping[object, object]) -> int:
    """Tensors and attributes of one module; returns the tensors' bytes."""
    total = 0
    for name, value in _table(state, "_parameters").items():
        if isinstance(value, Tensor):
            record.parameters[name] = value
            total += value.nbytes
        elif value is not None:
            raise CheckpointError(f"this snapshot is damaged: parameter {name[:80]} is not a tensor")
    for name, value in _table(state, "_buffers").items():
        if value is not None and not isinstance(value, Tensor):
            raise CheckpointError(f"this snapshot is damaged: buffer {name[:80]} is not a tensor")
        record.buffers[name] = value
        total += 0 if value is None else value.nbytes
    for name, value in state.items():
        if isinstance(name, str) and name not in _TENSOR_TABLES and not name.endswith(_HOOK_ENDINGS):
            record.attributes[name] = value
    return total


def _table(state: Mapping[object, object], name: str) -> dict[str, object]:
    """One of a module's tables; names are text without dots, as torch itself demands."""
    table = state.get(name)
    if table is None:
        return {}
    if not isinstance(table, dict) or not all(isinstance(key, str) and "." not in key for key in table):
        raise CheckpointError(f"this snapshot is damaged: a module's {name} cannot be read")
    return table


def plain(value: object) -> object:
    """``value`` with nothing but scalars, text, lists and dictionaries in it, ready for JSON.

    Cut off where it is deep or long, so that a structure that contains itself does no harm.
    """
    return _plain(value, MAX_PLAIN_DEPTH, [MAX_PLAIN_VALUES])


def _plain(value: object, depth: int, left: list[int]) -> object:
    left[0] -= 1
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, str):
        return value[:MAX_PLAIN_TEXT]
    if isinstance(value, float):
        return value if np.isfinite(value) else str(value)
    if depth == 0 or left[0] <= 0:
        return "..."
    if isinstance(value, dict):
        return {str(key)[:200]: _plain(item, depth - 1, left) for key, item in _few(value.items(), left)}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(item, depth - 1, left) for item in _few(value, left)]
    if isinstance(value, np.ndarray):
        return _plain(value.tolist(), depth, left) if value.size <= 64 else f"array {list(value.shape)}"
    if isinstance(value, Tensor):
        return f"tensor {list(value.shape)}"
    return repr(value)[:200] if isinstance(value, InertObject) else type(value).__name__


def _few(values: Iterable[Any], left: list[int]) -> list[Any]:
    """As many elements as may still be shown."""
    return list(islice(values, max(0, left[0])))
