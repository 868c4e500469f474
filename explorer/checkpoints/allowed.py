"""The calls that a published snapshot really makes, by exact (module, name), and what each stands for here."""

import re
from collections.abc import Mapping
from types import MappingProxyType

from explorer.checkpoints.dill_values import DILL_CONSTRUCTORS
from explorer.checkpoints.inert import InertObject, Symbol
from explorer.checkpoints.numpy_values import NUMPY_CONSTRUCTORS
from explorer.checkpoints.pickle_machine import Constructor, PickleMachine
from explorer.checkpoints.torch_values import load_from_bytes, rebuild_parameter, rebuild_tensor
from explorer.errors import CheckpointError

__all__ = ["PERSISTENT_OBJECT", "SNAPSHOT_CONSTRUCTORS"]

PERSISTENT_OBJECT = Symbol("torch_utils.persistence", "_reconstruct_persistent_obj")
"""How published snapshots wrap a module: with one dict of type, version, module_src, class_name and state."""

# What one element of a Python container costs in memory, about.
_ELEMENT_BYTES = 64


def _persistent(machine: PickleMachine, args: tuple[object, ...]) -> InertObject:
    if len(args) != 1 or not isinstance(args[0], dict):
        raise CheckpointError("this snapshot is damaged: a module's description is not a dictionary")
    # The text of the module's source is dropped unread: what a module is follows from its name and state.
    args[0].pop("module_src", None)
    return InertObject(PERSISTENT_OBJECT, args)


def _dictionary(machine: PickleMachine, args: tuple[object, ...]) -> dict[object, object]:
    """An empty dictionary, or one from pairs as protocol 2 writes them."""
    made: dict[object, object] = {}
    if not args:
        return made
    source = args[0]
    pairs = list(source.items()) if isinstance(source, dict) else source
    if len(args) != 1 or not isinstance(pairs, list):
        raise CheckpointError("this snapshot is damaged: a dictionary in it cannot be read")
    machine.budget.charge(len(pairs) * _ELEMENT_BYTES)
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise CheckpointError("this snapshot is damaged: a dictionary in it cannot be read")
        made[machine.key(pair[0])] = pair[1]
    return made


def _set(machine: PickleMachine, args: tuple[object, ...]) -> set[object]:
    if not args:
        return set()
    if len(args) != 1 or not isinstance(args[0], list | tuple):
        raise CheckpointError("this snapshot is damaged: a set in it cannot be read")
    machine.budget.charge(len(args[0]) * _ELEMENT_BYTES)
    return {machine.key(value) for value in args[0]}


def _no_bytes(machine: PickleMachine, args: tuple[object, ...]) -> bytes:
    """``bytes()``: how protocol 2 writes no bytes at all."""
    if args:
        raise CheckpointError("this snapshot is damaged: bytes in it cannot be read")
    return b""


def _encode(machine: PickleMachine, args: tuple[object, ...]) -> bytes:
    """``_codecs.encode(text, 'latin1')``: how protocol 2 writes bytes."""
    if len(args) != 2 or not isinstance(args[0], str) or args[1] not in ("latin1", "latin-1"):
        raise CheckpointError("this snapshot is damaged: bytes in it cannot be read")
    machine.budget.charge(len(args[0]))
    if re.search(r"[^\x00-\xff]", args[0]):
        raise CheckpointError("this snapshot is damaged: bytes in it cannot be read")
    return args[0].encode("latin-1")


def _new_object(machine: PickleMachine, args: tuple[object, ...]) -> object:
    """``copyreg.__newobj__(cls, *args)``."""
    if not args:
        raise CheckpointError("this pickle is damaged: an object lacks its class")
    return machine.call(args[0], tuple(args[1:]))


def _old_object(machine: PickleMachine, args: tuple[object, ...]) -> object:
    """``copyreg._reconstructor(cls, base, state)``: an object of protocol 1 and before."""
    if len(args) != 3:
        raise CheckpointError("this pickle is damaged: an object lacks its class")
    made = machine.call(args[0], ())
    if isinstance(made, dict) and isinstance(args[2], dict):
        made.update(_dictionary(machine, (args[2],)))
    return made


SNAPSHOT_CONSTRUCTORS: Mapping[Symbol, Constructor] = MappingProxyType(
    {
        PERSISTENT_OBJECT: _persistent,
        Symbol("dnnlib.util", "EasyDict"): _dictionary,
        Symbol("dnnlib", "EasyDict"): _dictionary,
        Symbol("collections", "OrderedDict"): _dictionary,
        Symbol("builtins", "dict"): _dictionary,
        Symbol("builtins", "set"): _set,
        Symbol("__builtin__", "set"): _set,
        Symbol("builtins", "frozenset"): _set,
        Symbol("__builtin__", "frozenset"): _set,
        Symbol("builtins", "bytes"): _no_bytes,
        Symbol("__builtin__", "bytes"): _no_bytes,
        Symbol("_codecs", "encode"): _encode,
        Symbol("copyreg", "__newobj__"): _new_object,
        Symbol("copy_reg", "__newobj__"): _new_object,
        Symbol("copyreg", "_reconstructor"): _old_object,
        Symbol("copy_reg", "_reconstructor"): _old_object,
        Symbol("torch._utils", "_rebuild_parameter"): rebuild_parameter,
        Symbol("torch._utils", "_rebuild_parameter_with_state"): rebuild_parameter,
        Symbol("torch._utils", "_rebuild_tensor_v2"): rebuild_tensor,
        Symbol("torch._utils", "_rebuild_tensor"): rebuild_tensor,
        Symbol("torch.storage", "_load_from_bytes"): load_from_bytes,
        **NUMPY_CONSTRUCTORS,
        **DILL_CONSTRUCTORS,
    }
)
