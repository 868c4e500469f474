import os
import pickle
import struct
from pathlib import Path

import pytest

import explorer
from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError
from tests.checkpoints.networks import snapshot_bytes, stylegan2_generator
from tests.checkpoints.published_writer import module, record_of
from tests.checkpoints.test_opening import dumped, written

HOSTILE = Path(__file__).parents[1] / "golden" / "hostile"
COMMAND = 'touch "$GOLDEN_MARKER"'

U4, U8 = struct.Struct("<I"), struct.Struct("<Q")


@pytest.fixture
def marker(tmp_path, monkeypatch):
    path = tmp_path / "marker"
    monkeypatch.setenv("GOLDEN_MARKER", str(path))
    yield path
    assert not path.exists(), "code in the file was run"


def text(value: str) -> bytes:
    return b"X" + U4.pack(len(value.encode())) + value.encode()


def name(module: str, attribute: str) -> bytes:
    return f"c{module}\n{attribute}\n".encode()


def stack_name(module: str, attribute: str) -> bytes:
    return text(module) + text(attribute) + b"\x93"


def entry(value: bytes) -> bytes:
    """A snapshot with one entry made by ``value``."""
    return b"\x80\x04}" + text("G_ema") + value + b"s."


def beside(value: bytes) -> bytes:
    """A whole snapshot with one more entry made by ``value``."""
    whole = snapshot_bytes(stylegan2_generator())
    assert whole.endswith(b"u.")
    return whole[:-1] + text("more") + value + b"s."


ARGS = b"(" + text(COMMAND) + b"t"
LOAD = name("torch.storage", "_load_from_bytes")


class Spawn:
    def __reduce__(self):
        return os.system, (COMMAND,)


ATTACKS = {
    "reduce": name("os", "system") + ARGS + b"R",
    "reduce posix": name("posix", "system") + ARGS + b"R",
    "reduce stack global": stack_name("os", "system") + ARGS + b"R",
    "reduce nt": name("nt", "system") + ARGS + b"R",
    "eval": name("builtins", "eval") + b"(" + text(f"__import__('os').system('{COMMAND}')") + b"tR",
    "exec of python 2": name("__builtin__", "eval") + b"(" + text("1") + b"tR",
    "getattr": name("builtins", "getattr") + b"(" + name("os", "path") + text("os") + b"tR",
    "getattr chain": name("builtins", "getattr") + b"(" + name("torch", "nn") + text("x") + b"tR" + ARGS + b"R",
    "import": name("builtins", "__import__") + b"(" + text("os") + b"tR",
    "dotted name": stack_name("torch", "serialization.os.system") + ARGS + b"R",
    "dotted global": name("torch.storage", "_load_from_bytes.__globals__") + ARGS + b"R",
    "dotted allowed": name("collections", "OrderedDict.fromkeys") + ARGS + b"R",
    "inst": b"(" + text(COMMAND) + b"ios\nsystem\n",
    "obj": b"(" + name("os", "system") + text(COMMAND) + b"o",
    "newobj": name("subprocess", "Popen") + b"(" + text(COMMAND) + b"t\x81",
    "newobj without arguments": name("subprocess", "Popen") + b")\x81",
    "newobj_ex": name("subprocess", "Popen") + ARGS + b"}\x92",
    "newobj_ex with names": name("a.b", "C") + b")}" + text("shell") + b"\x88s\x92",
    "copyreg newobj": name("copyreg", "__newobj__") + b"(" + name("subprocess", "Popen") + text(COMMAND) + b"tR",
    "copyreg reconstructor": name("copyreg", "_reconstructor") + b"(" + name("os", "system") + b"NNtR",
    "build of a class": name("torch.nn", "Module") + b"}" + text("__setstate__") + name("os", "system") + b"sb",
    "call of a called": name("a", "make") + b")R" + ARGS + b"R",
    "call of text": text("os.system") + ARGS + b"R",
    "call with a list": name("os", "system") + b"](" + text(COMMAND) + b"eR",
    "runpy": name("runpy", "run_path") + ARGS + b"R",
    "numpy loader": name("numpy", "load") + ARGS + b"R",
    "numpy runstring": name("numpy.testing._private.utils", "runstring") + b"(" + text("1") + b"}tR",
    "torch loader": name("torch", "load") + ARGS + b"R",
    "torch hub": name("torch.hub", "load") + ARGS + b"R",
    "pip": name("pip", "main") + ARGS + b"R",
    "pickle in pickle": name("pickle", "loads") + b"(B" + U4.pack(3) + b"N.." + b"tR",
    "persistent id": text("x") + b"Q",
    "text persistent id": b"Pos.system\n",
    "extension": b"\x82\x01",
    "outside buffer": b"\x97",
    "nested": LOAD + b"(B" + U4.pack(len(pickle.dumps(Spawn(), 2))) + pickle.dumps(Spawn(), 2) + b"tR",
    "nested late": LOAD
    + b"(B"
    + U4.pack(len(b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + pickle.dumps(Spawn(), 2)))
    + b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
    + pickle.dumps(Spawn(), 2)
    + b"tR",
    "unhashable key": b"}]Ns",
    "dictionary as key": b"}}Ns",
    "deep key": b"}" + b"(" * 50 + b"t" * 50 + b"Ns",
    "key of huge integers": b"}\x8a\x20" + b"\x01" * 32 + b"Ns",
    "long integer": b"\x8b" + U4.pack(2**31 - 1),
    "long integer that is there": b"\x8b" + U4.pack(10_000) + b"\x01" * 10_000,
    "long digits": b"L" + b"9" * 100_000 + b"L\n",
    "integer digits": b"I" + b"9" * 70_000 + b"\n",
    "float digits": b"F" + b"1" * 70_000 + b"\n",
    "bytes of 2 ** 62": b"\x8e" + U8.pack(2**62),
    "bytes of 2 ** 64 - 1": b"\x8e" + U8.pack(2**64 - 1),
    "text of 2 ** 62": b"\x8d" + U8.pack(2**62),
    "byte array of 2 ** 62": b"\x96" + U8.pack(2**62),
    "negative text": b"T" + struct.pack("<i", -1),
    "frame of 2 ** 62": b"\x95" + U8.pack(2**62),
    "memo far away": b"j" + U4.pack(2**32 - 1),
    "memo text": b"g99999999999999999999999\n",
    "negative memo": b"g-1\n",
    "nothing to pop": b"0000000",
    "mark without end": b"(" * 1000,
    "setitems on text": text("a") + b"(NNu",
    "append on a symbol": name("a", "b") + b"Na",
    "array class": name("numpy._core.multiarray", "_reconstruct") + b"(" + name("numpy", "memmap") + b"(K\0tC\x01btR",
    "encode": name("_codecs", "encode") + b"(" + text("a") + text("zlib") + b"tR",
}


@pytest.mark.parametrize("place", [entry, beside])
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_and_nothing_is_run(attack, place, tmp_path, marker):
    with pytest.raises(CheckpointError):
        explorer.open_checkpoint(written(tmp_path, place(ATTACKS[attack])))


def test_the_tests_would_notice_code_that_runs(tmp_path, monkeypatch):
    monkeypatch.setenv("GOLDEN_MARKER", str(tmp_path / "marker"))
    pickle.loads(b"\x80\x04" + ATTACKS["reduce"] + b".")
    assert (tmp_path / "marker").exists()


@pytest.mark.parametrize("path", sorted(HOSTILE.iterdir()), ids=lambda path: path.stem)
def test_golden_hostile_files_are_refused(path, marker):
    with pytest.raises(CheckpointError):
        explorer.open_checkpoint(path)


def test_a_refused_call_is_named(tmp_path, marker):
    with pytest.raises(CheckpointError, match=r"os\.system.*nothing was run"):
        explorer.open_checkpoint(HOSTILE / "os_system_reduce.pkl")


def test_a_file_cut_anywhere_is_refused(tmp_path):
    whole = snapshot_bytes(stylegan2_generator())
    for part in range(64):
        with pytest.raises(CheckpointError):
            explorer.open_checkpoint(written(tmp_path, whole[: len(whole) * part // 64]))


NESTED = {
    "lists": b"]" * 490_000 + b"a" * 489_999,
    "tuples": b")" + b"\x85" * 990_000,
    "dictionaries": b"}" + b"N}" * 240_000 + b"s" * 240_000,
    "calls": name("a.b", "c") + b"q\0" + b"h\0" * 200_000 + b"N" + b"\x85R" * 200_001,
    "objects": name("a.b", "C") + b"q\0" + b")\x81" + b"h\0)\x81" * 200_000 + b"N" + b"b" * 200_001,
    "modules": b"N"
    + (b"q\x010" + name("a", "C") + b")\x81}" + text("_modules") + b"}" + text("x") + b"h\1ssb") * 20_000,
}


@pytest.mark.parametrize("kind", NESTED)
def test_deep_nesting_is_refused_without_a_crash(kind, tmp_path):
    with pytest.raises(CheckpointError):
        explorer.open_checkpoint(written(tmp_path, entry(NESTED[kind])))
    with pytest.raises(CheckpointError):
        explorer.open_checkpoint(written(tmp_path, b"\x80\x04" + NESTED[kind] + b"."))


def test_a_value_that_doubles_a_thousand_times_costs_nothing(tmp_path):
    # Each level is a pair of the one below: 2 ** 1000 leaves, shared.
    bomb = b"]q\0" + b"0h\0h\0\x86q\0" * 1000
    assert explorer.open_checkpoint(written(tmp_path, beside(bomb))).spec.family == "stylegan2"
    with pytest.raises(CheckpointError, match="G_ema"):
        explorer.open_checkpoint(written(tmp_path, entry(bomb)))


def test_settings_that_double_a_thousand_times_are_shown_cut_off(tmp_path):
    bomb = b"]q\0" + b"0h\0h\0\x86q\0" * 1000
    whole = snapshot_bytes(stylegan2_generator())
    content = whole[:-1] + text("training_set_kwargs") + b"}" + text("a") + bomb + b"ss."
    checkpoint = explorer.open_checkpoint(written(tmp_path, content))
    assert len(str(checkpoint.to_json())) < 1_000_000


def test_copying_the_same_list_over_and_over_is_refused(tmp_path):
    bomb = b"](" + b"N" * 10_000 + b"eq\0" + (name("builtins", "set") + b"(h\0tR0") * 1000
    with pytest.raises(CheckpointError, match="far more than its size"):
        explorer.open_checkpoint(written(tmp_path, entry(bomb + b"N")))


def test_more_steps_than_any_snapshot_needs_are_refused(tmp_path):
    with pytest.raises(CheckpointError, match="steps"):
        explorer.open_checkpoint(written(tmp_path, entry(b"N0" * 600_000 + b"N")))


def test_embedded_source_is_never_read(tmp_path, marker):
    whole = snapshot_bytes(stylegan2_generator())
    source = f"import os\nos.system('{COMMAND}')\n".encode()
    plain = b"# source elided"
    assert whole.count(plain) == 1
    content = whole.replace(U4.pack(len(plain)) + plain, U4.pack(len(source)) + source)
    assert explorer.open_checkpoint(written(tmp_path, content)).spec.family == "stylegan2"


def test_a_persistent_object_without_a_state_is_refused(tmp_path):
    target = name("torch_utils.persistence", "_reconstruct_persistent_obj")
    for args in (b")", b"(Nt", b"(]t", b"(}t", b"(}}t", b"(}" + text("state") + b"Nst"):
        with pytest.raises(CheckpointError):
            explorer.open_checkpoint(written(tmp_path, entry(target + args + b"R")))


def test_a_generator_of_claims_without_tensors_is_refused(tmp_path):
    record = record_of(stylegan2_generator())
    for part in [child for _, child in record.modules()]:
        part.attributes |= {"img_resolution": 2**20, "w_dim": 2**40, "z_dim": 10**30, "num_layers": 2**31}
    with pytest.raises(CheckpointError):
        explorer.open_checkpoint(written(tmp_path, dumped({"G_ema": module(record)})))
    with pytest.raises(CheckpointError):
        explorer.open_checkpoint(written(tmp_path, dumped({"G_ema": module(ModuleRecord("Generator"))})))
