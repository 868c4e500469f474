import collections
import io
import pickle
import struct

import numpy as np
import pytest
import torch

from explorer.checkpoints.allowed import SNAPSHOT_CONSTRUCTORS
from explorer.checkpoints.inert import InertObject, Symbol
from explorer.checkpoints.modules import plain, read_module
from explorer.checkpoints.pickle_machine import Budget, PickleMachine
from explorer.errors import CheckpointError
from tests.checkpoints.pickle_writer import Call, Global, NewObject, Persistent, PickleWriter, storage_stream

SHARED = ["shared"]
PLAIN = {
    "scalars": [
        None,
        True,
        False,
        0,
        1,
        -1,
        255,
        256,
        65535,
        65536,
        -(2**31),
        2**31,
        2**62,
        -(2**62),
        2**100,
        0.5,
        -1e300,
    ],
    "text": ["", "a", "é€\U0001f600", "x" * 300, "line\nfeed", "back\\slash 'quote'"],
    "bytes": [b"", b"\x00\xff", b"y" * 256],
    "nested": {"a": (1, (2, 3), [4, {"b": ()}]), (1, "two"): {1, 2}, 3: frozenset([1])},
    "shared": [SHARED, SHARED, (SHARED,)],
    "many": list(range(3000)),
    "ordered": collections.OrderedDict([("b", 1), ("a", 2)]),
}


def run(content: bytes, *, budget: Budget | None = None) -> object:
    data = memoryview(bytearray(content))
    return PickleMachine(data, SNAPSHOT_CONSTRUCTORS, budget or Budget(len(data))).run()


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", PLAIN)
def test_plain_data_reads_as_pickle_itself_reads_it(name, protocol):
    value = PLAIN[name]
    if protocol == 0 and name == "bytes":
        value = value[1:]  # Protocol 0 writes empty bytes as a call of `bytes`, which no snapshot contains.
    assert run(pickle.dumps(value, protocol=protocol)) == value


def test_objects_that_were_shared_stay_shared():
    first, second, (third,) = run(pickle.dumps(PLAIN["shared"], protocol=4))
    assert first is second is third


def test_a_structure_that_contains_itself_is_read_and_shown():
    loop = []
    loop.append(loop)
    read = run(pickle.dumps(loop))
    assert read[0] is read
    assert "..." in str(plain(read))


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", ">f4", "?"])
def test_numpy_values_read_as_they_were(dtype, protocol):
    values = np.arange(24).reshape(2, 3, 4).astype(dtype)
    for array in (values, values.T, values[0, 0, 0], values[:0]):
        read = run(pickle.dumps(array, protocol=protocol))
        assert np.array_equal(read, array)
        assert isinstance(array, np.generic) or read.dtype == array.dtype.newbyteorder("=")


@pytest.mark.parametrize(
    "dtype", [torch.float32, torch.float64, torch.float16, torch.bfloat16, torch.int64, torch.bool]
)
def test_tensors_of_every_type_read_as_they_were(dtype):
    tensor = (torch.arange(12) % 3).reshape(3, 4).to(dtype)
    out = io.BytesIO()
    PickleWriter(out).dump(tensor)
    assert torch.equal(run(out.getvalue()), tensor)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_tensors_that_torch_itself_pickled_read_as_they_were(protocol):
    base = torch.randn(6, 5)
    tensors = [base, base.t(), base[1:4, ::2], torch.nn.Parameter(base), base[2, 3], torch.empty(0, 3)]
    for tensor, read in zip(tensors, run(pickle.dumps(tensors, protocol=protocol)), strict=True):
        assert torch.equal(tensor, read)
        assert read.shape == tensor.shape


def tensor_call(size: tuple[object, ...], stride: tuple[object, ...], offset: object = 0, count: int = 12) -> bytes:
    head, raw = storage_stream(torch.arange(float(count)))
    storage = Call(Global("torch.storage", "_load_from_bytes"), (head + raw.tobytes(),))
    out = io.BytesIO()
    PickleWriter(out).dump(Call(Global("torch._utils", "_rebuild_tensor_v2"), (storage, offset, size, stride, False)))
    return out.getvalue()


def test_a_view_inside_its_storage_is_read():
    assert torch.equal(run(tensor_call((3, 2), (4, 1), 2)), torch.arange(12.0).reshape(3, 4)[:, 2:])


@pytest.mark.parametrize(
    ("size", "stride", "offset"),
    [
        ((13,), (1,), 0),
        ((12,), (1,), 1),
        ((2,), (12,), 0),
        ((2**62,), (1,), 0),
        ((2**32, 2**32), (0, 0), 0),
        ((2**31 - 1, 2**31 - 1), (0, 0), 0),
        ((100,), (0,), 0),
        ((2**16,) * 4, (1,) * 4, 0),
        ((0, 2**62), (1, 1), 0),
        ((-1,), (1,), 0),
        ((3,), (-1,), 2),
        ((3,), (1,), -1),
        ((3,), (2**62,), 0),
        ((1,) * 100, (1,) * 100, 0),
        ((3,), (1, 1), 0),
        ((True,), (1,), 0),
        ((3.0,), (1,), 0),
        (("3",), (1,), 0),
        ((3,), (1,), None),
    ],
)
def test_a_view_that_does_not_fit_its_storage_is_refused(size, stride, offset):
    with pytest.raises(CheckpointError):
        run(tensor_call(size, stride, offset))


@pytest.mark.parametrize("count", [0, 11, 13, 2**40, 2**62, -1])
def test_a_storage_of_a_false_length_is_refused(count):
    out = io.BytesIO()
    writer = PickleWriter(out, protocol=2)
    for value in (0x1950A86A20F9469CFC6C, 1001, {"little_endian": True}):
        writer.dump(value)
    writer.dump(Persistent(("storage", Global("torch", "FloatStorage"), "0", "cpu", count, None)))
    writer.dump(["0"])
    content = out.getvalue() + struct.pack("<q", 12) + bytes(48)
    call = io.BytesIO()
    PickleWriter(call).dump(Call(Global("torch.storage", "_load_from_bytes"), (content,)))
    with pytest.raises(CheckpointError):
        run(call.getvalue())


@pytest.mark.parametrize(
    "state",
    [
        (1, (2**62,), "dtype", False, b"1234"),
        (1, (2**31 - 1, 2**31 - 1, 2**31 - 1), "dtype", False, b""),
        (1, (-1,), "dtype", False, b""),
        (1, (2,), "dtype", False, b"1234"),
        (1, (1,), "dtype", False, [None]),
        (1, (1,), None, False, b"1234"),
        (1, 1, "dtype", False, b"1234"),
        None,
        (),
    ],
)
def test_an_array_that_does_not_fit_its_bytes_is_refused(state):
    kind = Call(Global("numpy", "dtype"), ("f4", False, True), (3, "<", None, None, None, -1, -1, 0))
    state = tuple(kind if part == "dtype" else part for part in state) if state is not None else [1]
    target = Global("numpy._core.multiarray", "_reconstruct")
    out = io.BytesIO()
    PickleWriter(out).dump(Call(target, (Global("numpy", "ndarray"), (0,), b"b"), state))
    with pytest.raises(CheckpointError):
        run(out.getvalue())


@pytest.mark.parametrize("value", [np.array([None, 1]), np.array([{"a": 1}], dtype=object)])
def test_an_array_of_objects_is_refused(value):
    with pytest.raises(CheckpointError, match="objects"):
        run(pickle.dumps(value, protocol=4))


def test_an_array_of_records_is_refused():
    with pytest.raises(CheckpointError):
        run(pickle.dumps(np.zeros(3, dtype=[("a", "f4"), ("b", "i4")]), protocol=4))


def test_an_unknown_class_becomes_an_object_without_behaviour():
    out = io.BytesIO()
    PickleWriter(out).dump(NewObject(Global("somewhere.parts", "Widget"), items={"a": 1}, state={"b": [2]}))
    value = run(out.getvalue())
    assert (str(value.symbol), value.items, value.state) == ("somewhere.parts.Widget", [("a", 1)], {"b": [2]})
    assert repr(value) == "<inert somewhere.parts.Widget>"


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("name", ["Widget.inner", ".", "OrderedDict.fromkeys"])
def test_a_dotted_name_is_refused_even_where_it_could_only_become_data(name, protocol):
    out = io.BytesIO()
    PickleWriter(out, protocol=protocol).dump([Global("somewhere.parts", name)])
    with pytest.raises(CheckpointError, match="dotted"):
        run(out.getvalue())


def test_modules_that_contain_each_other_are_refused():
    # {'_modules': {'x': <the object itself>}}
    text = b"(X\x08\0\0\0_modules}X\x01\0\0\0xh\0su"
    content = b"\x80\x04ca.b\nPart\n)\x81q\0}" + text + b"b."
    with pytest.raises(CheckpointError, match="without end"):
        read_module(run(content), size=1000)


def test_modules_shared_over_and_over_are_refused():
    out = io.BytesIO()
    writer = PickleWriter(out)
    # Forty levels, each holding the one below twice: 2 ** 40 modules when counted along paths.
    content = b"\x80\x04ca.b\nPart\n)\x81}X\x08\0\0\0_modules}sb" + b"q\0"
    for level in range(40):
        below = bytes([level])
        content += b"ca.b\nPart\n)\x81}X\x08\0\0\0_modules}(X\x01\0\0\0xh" + below + b"X\x01\0\0\0yh" + below + b"usb"
        content += b"q" + bytes([level + 1])
    writer.file.write(content + b".")
    with pytest.raises(CheckpointError, match="without end"):
        read_module(run(out.getvalue()), size=10_000)


def test_tensors_that_share_their_bytes_cannot_exceed_the_file():
    tensor = torch.zeros(100)
    record_size = tensor.nbytes * 3
    value = InertObject(Symbol("a.b", "Part"), ())
    value.state = {"_parameters": {f"p{i}": tensor for i in range(4)}}
    with pytest.raises(CheckpointError, match="more tensors"):
        read_module(value, size=record_size)
