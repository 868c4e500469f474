import argparse
import struct
import zipfile
from collections import OrderedDict
from io import BytesIO

import numpy as np
import pytest
import torch

import explorer
from explorer.checkpoints.torch_container import read_torch_container
from explorer.errors import CheckpointError
from tests import golden_formats as checks
from tests.checkpoints.pickle_writer import Call, Global, PickleWriter
from tests.checkpoints.test_opening import written

ROSINALITY = ("rosinality_64_converted", "rosinality_32_training")
CONTAINERS = {"zip": True, "legacy": False}


def saved(value: object, *, modern: bool = True) -> bytes:
    out = BytesIO()
    torch.save(value, out, _use_new_zipfile_serialization=modern)
    return out.getvalue()


def read(content: bytes) -> object:
    return read_torch_container(memoryview(bytearray(content)))


def rezipped(content: bytes, *, change=None, compress: int = zipfile.ZIP_STORED) -> bytes:
    """The archive written again with every part passed through ``change(name, raw)``; ``None`` drops a part."""
    out = BytesIO()
    with zipfile.ZipFile(BytesIO(content)) as old, zipfile.ZipFile(out, "w", compress) as new:
        for name in old.namelist():
            raw = old.read(name) if change is None else change(name, old.read(name))
            if raw is not None:
                new.writestr(name, raw)
    return out.getvalue()


def with_pickle(value: object) -> bytes:
    out = BytesIO()
    PickleWriter(out, protocol=2).dump(value)
    return rezipped(saved({}), change=lambda name, raw: out.getvalue() if name.endswith("data.pkl") else raw)


@pytest.fixture(params=ROSINALITY)
def file(request):
    return checks.open_file(request.param)


def test_rosinalitys_mapping_gives_its_styles(file):
    checks.check_mapping(file)


def test_rosinalitys_truncation_is_ours(file):
    checks.check_truncation(file, file["truncation_latent"])


def test_rosinalitys_pictures_are_the_same(file):
    checks.check_images(file)


def test_rosinalitys_pictures_without_noise_are_the_same(file):
    checks.check_without_noise(file)


def test_rosinalitys_mixed_pictures_are_the_same(file):
    checks.check_mixing(file)


def test_rosinalitys_discriminator_gives_its_scores():
    checks.check_scores(checks.open_file("rosinality_32_training"))


def test_a_file_says_where_its_centre_comes_from():
    converted, trained = (checks.open_file(name).checkpoint for name in ROSINALITY)
    assert converted.info.notes == ()
    assert any("centre of W" in note for note in trained.info.notes)
    z = torch.randn([20_000, trained.spec.z_dim], generator=torch.Generator().manual_seed(5))
    w = trained.generator.map(z)
    # The error of a mean of 10,000 samples, and of one of 20,000.
    assert ((w.mean(dim=0) - trained.generator.w_avg()[0]).abs() < 6 * w.std(dim=0) / 80).all()


@pytest.mark.parametrize("modern", CONTAINERS.values(), ids=CONTAINERS)
@pytest.mark.parametrize("wrap", [lambda table: table, lambda table: {"g": table}, lambda table: {"g_ema": table}])
def test_a_generator_opens_alone_and_in_both_containers(tmp_path, modern, wrap):
    original = torch.load(checks.GOLDEN / "rosinality_64_converted.pt", weights_only=True)["g_ema"]
    checkpoint = explorer.open_checkpoint(written(tmp_path, saved(wrap(original), modern=modern)))
    assert checkpoint.discriminator is None
    file = checks.open_file("rosinality_64_converted")
    w_plus = checks.everywhere(file, file["w"][:1])
    assert torch.equal(
        checkpoint.generator.synthesize(checkpoint.generator.style(w_plus)), checks.picture(file, w_plus)
    )


@pytest.mark.parametrize("name", ROSINALITY)
def test_saving_and_opening_again_changes_no_number(tmp_path, name):
    checkpoint = checks.open_file(name).checkpoint
    explorer.save_checkpoint(checkpoint, tmp_path / "ours.safetensors")
    again = explorer.open_checkpoint(tmp_path / "ours.safetensors")
    ours, theirs = again.generator.state_dict(), checkpoint.generator.state_dict()
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)
    assert again.spec == checkpoint.spec


@pytest.mark.parametrize("modern", CONTAINERS.values(), ids=CONTAINERS)
def test_both_containers_give_back_what_was_saved(modern):
    base = torch.arange(24, dtype=torch.float32)
    value = OrderedDict(
        whole=base,
        view=base.reshape(4, 6).t()[1:3],
        half=torch.randn(5).half(),
        parameter=torch.nn.Parameter(torch.ones(3)),
        nothing=torch.zeros(0, 4),
        numbers=[1, 2.5, "text", None, True, (3,)],
        args=argparse.Namespace(size=32),
    )
    result = read(saved(value, modern=modern))
    for key in ("whole", "view", "half", "parameter", "nothing"):
        assert torch.equal(result[key], value[key].detach()), key
        assert result[key].dtype == value[key].dtype
    assert result["numbers"] == value["numbers"]
    assert "argparse" in repr(result["args"])


def test_a_packed_archive_is_unpacked():
    value = {"w": torch.randn(1000)}
    packed = rezipped(saved(value), compress=zipfile.ZIP_DEFLATED)
    assert torch.equal(read(packed)["w"], value["w"])


def test_an_archive_that_unpacks_without_end_is_refused():
    packed = rezipped(saved({"w": torch.zeros(4 << 20)}), compress=zipfile.ZIP_DEFLATED)
    assert len(packed) < 1 << 20
    with pytest.raises(CheckpointError, match="far more than its size"):
        read(packed)


@pytest.mark.parametrize("lie", [0, 1, 1 << 40])
def test_a_packed_part_that_lies_about_its_size_is_refused(lie):
    packed = bytearray(rezipped(saved({"w": torch.randn(1000)}), compress=zipfile.ZIP_DEFLATED))
    with zipfile.ZipFile(BytesIO(packed)) as archive:
        entry = next(entry for entry in archive.infolist() if entry.filename.endswith("data/0"))
    name = packed.rindex(entry.filename.encode())
    struct.pack_into("<I", packed, name - 46 + 24, lie & 0xFFFFFFFF)
    with pytest.raises(CheckpointError):
        read(bytes(packed))


CALLS = [
    Call(Global("os", "system"), ("true",)),
    Call(Global("builtins", "eval"), ("1",)),
    Call(Global("torch", "load"), ("x",)),
    Call(Global("torch.jit", "load"), ("x",)),
    Call(Global("numpy", "load"), ("x",)),
    Call(Global("somewhere", "anything"), ()),
    Global("posix", "system"),
]


@pytest.mark.parametrize("call", CALLS, ids=str)
def test_weights_that_name_anything_else_are_refused(tmp_path, call):
    with pytest.raises(CheckpointError, match="nothing was run"):
        explorer.open_checkpoint(written(tmp_path, with_pickle({"g_ema": {}, "more": call})))


def test_a_saved_module_is_refused_in_words(tmp_path):
    with pytest.raises(CheckpointError, match="state_dict"):
        explorer.open_checkpoint(written(tmp_path, saved(torch.nn.Linear(2, 2))))


@pytest.mark.parametrize("modern", CONTAINERS.values(), ids=CONTAINERS)
def test_files_cut_anywhere_are_refused(tmp_path, modern):
    content = saved({"g_ema": {"style.1.weight": torch.randn(4, 4)}, "n": [1, 2, 3]}, modern=modern)
    for length in [*range(1, len(content), max(1, len(content) // 150)), len(content) - 1]:
        with pytest.raises(CheckpointError):
            explorer.open_checkpoint(written(tmp_path, content[:length]))


@pytest.mark.parametrize("modern", CONTAINERS.values(), ids=CONTAINERS)
def test_files_with_changed_bytes_are_read_or_refused_in_words(modern):
    content = saved({"g_ema": {"a": torch.randn(40)}, "n": [1, 2, 3]}, modern=modern)
    random = np.random.RandomState(0)
    for _ in range(300):
        changed = bytearray(content)
        for place in random.randint(0, len(content), size=random.randint(1, 4)):
            changed[place] = random.randint(256)
        try:
            read(bytes(changed))
        except CheckpointError:
            continue


def test_a_storage_of_another_length_is_refused():
    def longer(name, raw):
        return raw + bytes(4) if name.endswith("data/0") else raw

    with pytest.raises(CheckpointError, match=r"storage|fit"):
        read(rezipped(saved({"w": torch.randn(8)}), change=longer))
    with pytest.raises(CheckpointError, match="lacks its part"):
        read(rezipped(saved({"w": torch.randn(8)}), change=lambda name, raw: None if "data/0" in name else raw))


def test_many_tensors_over_the_same_bytes_are_refused(tmp_path):
    table = torch.load(checks.GOLDEN / "rosinality_64_converted.pt", weights_only=True)["g_ema"]
    shared = torch.zeros(10_000)
    table |= {f"more.{i}": shared for i in range(100)}
    with pytest.raises(CheckpointError, match="more tensors"):
        explorer.open_checkpoint(written(tmp_path, saved({"g_ema": table})))
    spread = torch.zeros(1).expand(1, 4096, 4096, 3, 3)
    with pytest.raises(CheckpointError, match="reaches past"):
        explorer.open_checkpoint(written(tmp_path, saved({"g_ema": {"conv1.conv.weight": spread}})))


@pytest.mark.parametrize("spoil", ["missing", "extra", "shape", "text"])
def test_a_state_dict_that_does_not_fit_is_refused_by_name(tmp_path, spoil):
    table = dict(torch.load(checks.GOLDEN / "rosinality_64_converted.pt", weights_only=True)["g_ema"])
    name = "convs.2.conv.modulation.weight"
    if spoil == "missing":
        del table[name]
    elif spoil == "extra":
        table["convs.9.conv.weird"] = torch.zeros(3)
        name = "weird"
    elif spoil == "shape":
        table[name] = torch.zeros(3, 3)
        name = "conv0.affine.weight"
    else:
        table[name] = "text"
        name = "no kind"
    with pytest.raises(CheckpointError, match=name):
        explorer.open_checkpoint(written(tmp_path, saved({"g_ema": table})))


def test_weights_of_another_kind_are_refused_in_words(tmp_path):
    for value in ({"layer.weight": torch.zeros(2)}, [1, 2], torch.zeros(3)):
        with pytest.raises(CheckpointError, match="no kind that is known"):
            explorer.open_checkpoint(written(tmp_path, saved(value)))
