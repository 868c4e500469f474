import numpy as np
import pytest

import explorer
from explorer.checkpoints.allowed import SNAPSHOT_CONSTRUCTORS
from explorer.checkpoints.inert import InertObject, Symbol
from explorer.checkpoints.pickle_machine import Budget, PickleMachine
from explorer.errors import CheckpointError
from tests.checkpoints.networks import stylegan3_generator
from tests.checkpoints.pickle_writer import Call, Global, NewObject
from tests.checkpoints.published_writer import module, record_of
from tests.checkpoints.test_opening import dumped, written

DILL = "dill._dill"
RECONSTRUCT = Global("numpy._core.multiarray", "_reconstruct")
DTYPE = Call(Global("numpy", "dtype"), ("i8", False, True), state=(3, "<", None, None, None, -1, -1, 0))


def read(value: object) -> object:
    data = memoryview(bytearray(dumped(value)))
    return PickleMachine(data, SNAPSHOT_CONSTRUCTORS, Budget(len(data))).run()


def array(values: list[int], *, shape: tuple[int, ...], maker: Global = RECONSTRUCT) -> Call:
    state = (1, shape, DTYPE, False, np.array(values, "<i8").tobytes())
    return Call(Global(DILL, "_create_array"), (maker, (Global("numpy", "ndarray"), (0,), b"b"), state, None))


def function(name: str) -> Call:
    """About what dill writes for a function that is not found by name."""
    code = Call(Global(DILL, "_create_code"), (1, 0, 0, 1, 1, 3, b"\x97\x00|\x00S\x00", (None,), ("x",), name))
    return Call(Global(DILL, "_create_function"), (code, {}, name, None, ()), state=({}, {"__qualname__": name}))


def unusual_discriminator() -> NewObject:
    """A module with a method and a hook of its own, as the published discriminators of StyleGAN-XL have."""
    backbone = NewObject(Global("timm.models.vision_transformer", "VisionTransformer"), state={"_modules": {}})
    state = {
        "_modules": {"backbone": backbone},
        "_forward_hooks": {0: function("hook")},
        "forward_flex": Call(Global("builtins", "getattr"), (backbone, "forward_flex")),
        "kind": Call(Global(DILL, "_load_type"), ("MethodType",)),
        "later": Call(
            Global("builtins", "getattr"), (Global("dill", "_dill"), "_setattr", Global("builtins", "setattr"))
        ),
    }
    return NewObject(Global("pg_modules.discriminator", "ProjectedDiscriminator"), state=state)


def test_arrays_are_read():
    read_back = read(array([1, 2, 3, 4], shape=(2, 2)))
    assert isinstance(read_back, np.ndarray)
    assert read_back.tolist() == [[1, 2], [3, 4]]


@pytest.mark.parametrize("maker", [Global(DILL, "_create_array"), Global("os", "system"), Global("numpy", "dtype")])
def test_an_array_that_is_made_otherwise_is_refused(maker):
    with pytest.raises(CheckpointError):
        read(array([1], shape=(1,), maker=maker))


def test_an_array_larger_than_its_bytes_is_refused():
    with pytest.raises(CheckpointError, match="does not take"):
        read(array([1], shape=(1 << 20,)))


def test_functions_and_methods_are_inert():
    made = read(unusual_discriminator())
    assert isinstance(made, InertObject)
    assert isinstance(made.state["_forward_hooks"][0], InertObject)
    assert made.state["forward_flex"].args[1] == "forward_flex"
    assert made.state["kind"] == Symbol("dill.types", "MethodType")
    assert made.state["later"] == Symbol("dill._dill", "_setattr")


@pytest.mark.parametrize(
    "args",
    [
        (Global("os", "path"), "os"),
        (Global("dill", "_dill"), "loads"),
        (Global("dill", "_dill"), "a.b", None),
        (Global("dill", "_dill"), 3, None),
        (Global("dill", "settings"), "x", None),
        (function("f"), 3),
        ({}, "get"),
        (),
    ],
)
def test_attributes_of_anything_else_are_refused(args):
    with pytest.raises(CheckpointError):
        read(Call(Global("builtins", "getattr"), args))


@pytest.mark.parametrize("args", [(), (3,), ("a.b",), ("a", "b")])
def test_types_without_a_name_are_refused(args):
    with pytest.raises(CheckpointError):
        read(Call(Global(DILL, "_load_type"), args))


def test_a_snapshot_with_such_a_discriminator_opens(tmp_path):
    snapshot = {"G_ema": module(record_of(stylegan3_generator())), "D": unusual_discriminator()}
    checkpoint = explorer.open_checkpoint(written(tmp_path, dumped(snapshot)))
    assert checkpoint.discriminator is None
    assert "ProjectedDiscriminator" in checkpoint.info.notes[0]
