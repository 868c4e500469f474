"""What the pickler dill writes in its own way: arrays, types and methods. Nothing of it is made or run.

Its functions (``_create_function``, ``_create_code``, ...) stay inert like any unknown object. A discriminator whose
backbone carries a method of its own, as StyleGAN-XL's does, is a reason for each of the calls below.

Source: dill 0.3 and 0.4; StyleGAN-XL saves its snapshots with it.
"""

from collections.abc import Mapping
from types import MappingProxyType

from explorer.checkpoints.inert import InertObject, Pending, Symbol, refuse_code
from explorer.checkpoints.pickle_machine import Constructor, PickleMachine
from explorer.errors import CheckpointError

__all__ = ["DILL_CONSTRUCTORS"]

_GETATTR = Symbol("builtins", "getattr")


def _create_array(machine: PickleMachine, args: tuple[object, ...]) -> object:
    """``_create_array(reconstruct, arguments, state, attributes)``: an array made and filled in one call."""
    if len(args) not in (3, 4) or not isinstance(args[0], Symbol) or args[0].name != "_reconstruct":
        raise CheckpointError("this snapshot is damaged: an array in it cannot be read")
    made = machine.call(args[0], args[1])
    if not isinstance(made, Pending):
        raise CheckpointError("this snapshot is damaged: an array in it cannot be read")
    return made.finish(machine, args[2])


def _load_type(machine: PickleMachine, args: tuple[object, ...]) -> Symbol:
    """``_load_type(name)``: a type of Python's own machinery, such as that of functions."""
    if len(args) != 1 or not isinstance(args[0], str):
        raise CheckpointError("this snapshot is damaged: a class in it has no name")
    return machine.symbol("dill.types", args[0])


def _attribute(machine: PickleMachine, args: tuple[object, ...]) -> object:
    """``getattr(object, name)``: a method of an inert object, or one of dill's own functions; else it is refused."""
    if len(args) == 2 and isinstance(args[0], InertObject) and isinstance(args[1], str):
        return InertObject(_GETATTR, args)
    # With something to fall back on: a function that newer versions have.
    if len(args) == 3 and args[0] == Symbol("dill", "_dill"):
        return machine.symbol("dill._dill", args[1])
    refuse_code(_GETATTR, args)
    raise AssertionError("attributes of anything else are refused")


DILL_CONSTRUCTORS: Mapping[Symbol, Constructor] = MappingProxyType(
    {
        Symbol("dill._dill", "_create_array"): _create_array,
        Symbol("dill.dill", "_create_array"): _create_array,
        Symbol("dill._dill", "_load_type"): _load_type,
        Symbol("dill.dill", "_load_type"): _load_type,
        Symbol("builtins", "getattr"): _attribute,
        Symbol("__builtin__", "getattr"): _attribute,
    }
)
