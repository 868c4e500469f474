import json
import os
import pickle
import struct
import subprocess
import sys
import zipfile
from io import BytesIO
from pathlib import Path

import pytest
import torch

import explorer
from explorer.checkpoints import CheckpointParts, save_checkpoint
from explorer.errors import CheckpointError, KernelUnavailable
from tests.checkpoints.networks import discriminator, snapshot_bytes, stylegan2_generator, stylegan3_generator
from tests.checkpoints.pickle_writer import Call, Global, NewObject, PickleWriter
from tests.checkpoints.published_writer import module, record_of, write_snapshot

GOLDEN = Path(__file__).parents[1] / "golden"
NETS = [
    "sg2_64_rgb",
    "sg2_32_cond3",
    "sg2_32_resnet",
    "sg2_32_orig",
    "sg2_32_gray",
    "sg3t_64",
    "sg3t_32_cond4",
    "sg3r_64",
]


def written(folder: Path, content: bytes) -> Path:
    path = folder / "some-file"
    path.write_bytes(content)
    return path


def dumped(value: object, *, protocol: int = 4) -> bytes:
    out = BytesIO()
    PickleWriter(out, protocol=protocol).dump(value)
    return out.getvalue()


@pytest.mark.parametrize("name", NETS)
def test_every_golden_snapshot_opens_with_its_discriminator(name):
    checkpoint = explorer.open_checkpoint(GOLDEN / "nets" / f"{name}.pkl")
    assert checkpoint.spec.family == checkpoint.info.family == {"2": "stylegan2", "3": "stylegan3"}[name[2]]
    assert checkpoint.discriminator is not None
    assert checkpoint.info.notes == ()
    assert checkpoint.info.used == "G_ema"
    assert set(checkpoint.info.entries) >= {"G", "D", "G_ema"}
    assert checkpoint.spec.resolution[0] == int(name.split("_")[1])
    json.dumps(checkpoint.to_json(), allow_nan=False)


@pytest.mark.parametrize(("name", "family"), [("sgxl_t_32", "stylegan_xl"), ("sgt_32", "stylegan_t")])
def test_a_snapshot_whose_discriminator_is_not_known_opens_without_it(name, family):
    checkpoint = explorer.open_checkpoint(GOLDEN / "nets" / f"{name}.pkl")
    assert checkpoint.spec.family == checkpoint.info.family == family
    assert checkpoint.discriminator is None
    assert "only the generator was read" in checkpoint.info.notes[0]
    json.dumps(checkpoint.to_json(), allow_nan=False)


def test_a_family_that_is_not_supported_is_named(tmp_path):
    strange = NewObject(Global("networks.other", "Painter"), state={"_modules": {"brush": None}})
    with pytest.raises(CheckpointError, match="'Painter'"):
        explorer.open_checkpoint(written(tmp_path, dumped({"G_ema": strange})))


def test_the_average_is_preferred_and_the_generator_serves_without_it(tmp_path):
    plain, average = stylegan2_generator(), stylegan2_generator()
    with torch.no_grad():
        average.mapping.w_avg += 1
    for ema, used, wanted in ((average, "G_ema", average), (None, "G", plain)):
        out = BytesIO()
        write_snapshot(out, generator=plain, average=ema)
        checkpoint = explorer.open_checkpoint(written(tmp_path, out.getvalue()))
        assert checkpoint.info.used == used
        assert torch.equal(checkpoint.generator.w_avg(), wanted.w_avg())


@pytest.mark.parametrize("layout", [{}, {"old": True}, {"plain_classes": True}])
@pytest.mark.parametrize("options", [{"img_channels": 4}, {"resolution": 32, "c_dim": 2, "architecture": "orig"}])
def test_every_layout_gives_back_the_same_numbers(tmp_path, layout, options):
    generator = stylegan2_generator(**options)
    shared = {key: options[key] for key in options if key != "architecture"}
    critic = discriminator(**shared)
    checkpoint = explorer.open_checkpoint(written(tmp_path, snapshot_bytes(generator, critic, **layout)))
    assert checkpoint.spec == generator.spec
    for ours, read in ((generator, checkpoint.generator), (critic, checkpoint.discriminator)):
        ours, read = ours.state_dict(), read.state_dict()
        assert ours.keys() == read.keys()
        assert all(torch.equal(ours[name], read[name]) for name in ours)


@pytest.mark.parametrize("variant", ["t", "r"])
@pytest.mark.parametrize("layout", [{}, {"old": True}])
def test_stylegan3_of_other_sizes_opens(tmp_path, variant, layout):
    generator = stylegan3_generator(resolution=20, variant=variant, img_channels=4, c_dim=2)
    checkpoint = explorer.open_checkpoint(written(tmp_path, snapshot_bytes(generator, **layout)))
    assert checkpoint.spec == generator.spec
    read = checkpoint.generator.state_dict()
    assert all(torch.equal(value, read[name]) for name, value in generator.state_dict().items())


def test_a_module_alone_is_a_snapshot_too(tmp_path):
    checkpoint = explorer.open_checkpoint(written(tmp_path, dumped(module(record_of(stylegan2_generator())))))
    assert checkpoint.info.used == "G_ema"


def test_an_unknown_discriminator_is_left_out_with_a_note(tmp_path):
    unknown = NewObject(Global("pg_modules.discriminator", "ProjectedDiscriminator"), state={"_modules": {"x": None}})
    snapshot = {"G_ema": module(record_of(stylegan2_generator())), "D": unknown}
    checkpoint = explorer.open_checkpoint(written(tmp_path, dumped(snapshot)))
    assert checkpoint.discriminator is None
    assert "ProjectedDiscriminator" in checkpoint.info.notes[0]


def test_changing_and_deleting_the_file_later_changes_nothing(tmp_path):
    path = written(tmp_path, snapshot_bytes(stylegan2_generator()))
    generator = explorer.open_checkpoint(path).generator
    before = {name: value.clone() for name, value in generator.state_dict().items()}
    path.write_bytes(b"\xff" * path.stat().st_size)
    path.unlink()
    assert all(torch.equal(value, before[name]) for name, value in generator.state_dict().items())


def test_tensors_are_aligned_and_hold_no_more_than_their_own_numbers(tmp_path):
    checkpoint = explorer.open_checkpoint(written(tmp_path, snapshot_bytes(stylegan2_generator(), discriminator())))
    for network in (checkpoint.generator, checkpoint.discriminator):
        for tensor in network.state_dict().values():
            assert tensor.data_ptr() % tensor.element_size() == 0
            assert tensor.untyped_storage().nbytes() == tensor.nbytes


def test_opening_does_not_import_the_compiler_of_torch(tmp_path):
    path = written(tmp_path, snapshot_bytes(stylegan2_generator(), discriminator()))
    code = f"import sys, explorer; explorer.open_checkpoint({str(path)!r}); print('torch._dynamo' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_a_device_that_is_not_there_is_named(tmp_path):
    path = written(tmp_path, snapshot_bytes(stylegan2_generator()))
    with pytest.raises(KernelUnavailable, match="no device"):
        explorer.open_checkpoint(path, device="toaster")


def test_a_file_never_opens_because_of_its_name(tmp_path):
    path = tmp_path / "network-snapshot.pkl"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    with pytest.raises(CheckpointError, match="PNG picture"):
        explorer.open_checkpoint(path)
    path = tmp_path / "picture.png"
    path.write_bytes(snapshot_bytes(stylegan2_generator()))
    assert explorer.open_checkpoint(path).info.format == "published pickle"


def zipped(*names: str) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name in names:
            archive.writestr(name, b"x")
    return out.getvalue()


KINDS = {
    "JPEG picture": b"\xff\xd8\xff\xe0" + bytes(20),
    "GIF picture": b"GIF89a" + bytes(20),
    "WebP picture": b"RIFF\x10\0\0\0WEBPVP8 ",
    "MP4 or QuickTime video": b"\0\0\0\x20ftypisom" + bytes(20),
    "AVIF or HEIC picture": b"\0\0\0\x20ftypavif" + bytes(20),
    "Matroska or WebM video": b"\x1aE\xdf\xa3" + bytes(20),
    "PDF document": b"%PDF-1.7\n",
    "gzip archive": b"\x1f\x8b\x08" + bytes(20),
    "data set": zipped("00000/img00000000.png", "dataset.json"),
    "Latent Explorer project": zipped("project.json", "blobs/a.npy"),
    "no pickle instruction": zipped("archive/data.pkl", "archive/data/0"),
    "TorchScript": zipped("net/data.pkl", "net/code/model.py"),
    "NumPy archive": zipped("w.npy"),
    "zip archive": zipped("readme"),
    "damaged zip": zipped("readme")[:20],
    "web page": b"<!DOCTYPE html>\n<html><body>404 Not Found",
    "text file": b"Hello, this is a text.\n",
    "JSON document": b'{"a": 1}',
    "Git LFS pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3\n",
    "empty": b"",
    "ONNX model": b"\x08\x07\x12\x07pytorch\x1a\x052.1.0" + bytes(40),
    "HDF5": b"\x89HDF\r\n\x1a\n" + bytes(20),
    "NumPy array": b"\x93NUMPY\x01\0" + bytes(20),
    "unknown kind": bytes(range(1, 60)),
    "not made by Latent Explorer": struct.pack("<Q", 2) + b"{}",
    "no generator": dumped({"weights": [1, 2]}),
    "no snapshot but a list": dumped([1, 2, 3]),
    "no snapshot but text": dumped("hello"),
    "no pickle": b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + bytes(20),
}


@pytest.mark.parametrize("phrase", KINDS)
def test_a_file_that_is_no_model_is_told_for_what_it_is(tmp_path, phrase):
    with pytest.raises(CheckpointError) as caught:
        explorer.open_checkpoint(written(tmp_path, KINDS[phrase]))
    assert phrase in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_is_no_file_is_told(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path, phrase in ((tmp_path, "folder"), (tmp_path / "nothing", "does not exist"), (tmp_path / "pipe", "pipe")):
        with pytest.raises(CheckpointError, match=phrase):
            explorer.open_checkpoint(path)
    with pytest.raises(CheckpointError):
        explorer.open_checkpoint("a\0b")


def test_pickles_of_every_protocol_are_recognised(tmp_path):
    for protocol in range(6):
        with pytest.raises(CheckpointError, match="holds no generator"):
            explorer.open_checkpoint(written(tmp_path, pickle.dumps({"a": (1, 2)}, protocol=protocol)))


def test_a_layer_of_the_wrong_shape_is_refused(tmp_path):
    record = record_of(stylegan2_generator())
    record.children["mapping"].children["fc0"].parameters["weight"] = torch.zeros(3, 3)
    with pytest.raises(CheckpointError, match="shape"):
        explorer.open_checkpoint(written(tmp_path, dumped({"G_ema": module(record)})))


def test_a_broken_discriminator_leaves_the_generator_usable(tmp_path):
    record = record_of(discriminator())
    record.children["b4"].children["out"].parameters["weight"] = torch.zeros(3, 3)
    snapshot = {"G_ema": module(record_of(stylegan2_generator())), "D": module(record)}
    checkpoint = explorer.open_checkpoint(written(tmp_path, dumped(snapshot)))
    assert checkpoint.discriminator is None
    assert "could not be read" in checkpoint.info.notes[0]


def test_class_names_of_the_card_reach_the_spec(tmp_path):
    path = tmp_path / "named.safetensors"
    card = {
        "class_names": ["cat", "dog"],
        "kimg": 12,
        "licence": "CC0-1.0",
        "data": "drawings",
        "metrics": {"fid": 3.5},
    }
    save_checkpoint(CheckpointParts(stylegan2_generator(c_dim=2)), path, card=card)
    checkpoint = explorer.open_checkpoint(path)
    assert checkpoint.spec.class_names == checkpoint.generator.spec.class_names == ("cat", "dog")
    assert (checkpoint.info.kimg, checkpoint.info.licence, checkpoint.info.data) == (12.0, "CC0-1.0", "drawings")
    assert checkpoint.info.metrics == {"fid": 3.5}


def test_optimiser_state_and_other_modules_in_a_snapshot_do_no_harm(tmp_path):
    snapshot = {
        "G_ema": module(record_of(stylegan2_generator())),
        "optimiser": NewObject(Global("torch.optim.adam", "Adam"), state={"state": {0: {"step": 3}}}),
        "augment_pipe": Call(Global("torch_utils.persistence", "_reconstruct_persistent_obj"), ({"state": {}},)),
        "options": NewObject(Global("types", "SimpleNamespace"), state={"a": 1}),
    }
    assert "augment_pipe" in explorer.open_checkpoint(written(tmp_path, dumped(snapshot))).info.entries
