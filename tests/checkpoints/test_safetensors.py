import errno
import json
import os
import stat

import pytest
import safetensors.torch
import torch

import explorer
from explorer.checkpoints import CheckpointParts, open_checkpoint, read_training_extras, save_checkpoint
from explorer.errors import CheckpointError
from tests.checkpoints.networks import discriminator, snapshot_bytes, stylegan2_generator, stylegan3_generator
from tests.tolerances import HALF

GENERATORS = {
    "stylegan2": lambda: stylegan2_generator(resolution=16, c_dim=2),
    "stylegan2 grey": lambda: stylegan2_generator(img_channels=1, architecture="resnet", conv_clamp=256.0),
    "stylegan3 t": stylegan3_generator,
    "stylegan3 r": lambda: stylegan3_generator(variant="r", c_dim=3),
}


def numbers(network):
    return {name: value.clone() for name, value in network.state_dict().items()}


def equal(first, second):
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


@pytest.mark.parametrize("name", GENERATORS)
def test_save_then_open_is_equal_bit_for_bit(name, tmp_path):
    generator, critic = GENERATORS[name](), discriminator()
    save_checkpoint(CheckpointParts(generator, critic), tmp_path / "net.safetensors")
    checkpoint = open_checkpoint(tmp_path / "net.safetensors")
    assert checkpoint.info.format == "latent-explorer safetensors"
    assert checkpoint.spec == generator.spec
    assert checkpoint.generator.config == generator.config
    assert equal(numbers(generator), numbers(checkpoint.generator))
    assert equal(numbers(critic), numbers(checkpoint.discriminator))


def test_a_published_snapshot_survives_conversion_bit_for_bit(tmp_path):
    (tmp_path / "net.pkl").write_bytes(snapshot_bytes(stylegan2_generator(c_dim=2), discriminator(c_dim=2)))
    published = open_checkpoint(tmp_path / "net.pkl")
    explorer.save_checkpoint(published, tmp_path / "net.safetensors")
    ours = open_checkpoint(tmp_path / "net.safetensors")
    assert equal(numbers(published.generator), numbers(ours.generator))
    z, c = torch.randn(2, 8), torch.eye(2)
    w_plus = explorer.broadcast(published.generator.map(z, c), published.spec.num_ws)
    pictures = [p.generator.synthesize(p.generator.style(w_plus)) for p in (published, ours)]
    assert torch.equal(*pictures)
    assert torch.equal(published.discriminator(pictures[0], c), ours.discriminator(pictures[0], c))


def test_half_precision_takes_half_the_space_and_opens_as_single(tmp_path):
    generator = stylegan2_generator(resolution=64)
    save_checkpoint(CheckpointParts(generator), tmp_path / "full.safetensors", dtype="float32")
    save_checkpoint(CheckpointParts(generator), tmp_path / "half.safetensors", dtype="float16")
    full, half = (tmp_path / f"{name}.safetensors" for name in ("full", "half"))
    saved = sum(value.nbytes for value in generator.state_dict().values()) // 2
    assert full.stat().st_size - half.stat().st_size == pytest.approx(saved, abs=2000)
    read = open_checkpoint(half).generator
    for name, value in generator.state_dict().items():
        assert read.state_dict()[name].dtype == torch.float32
        torch.testing.assert_close(read.state_dict()[name], value, **HALF.kwargs)


def test_a_number_too_large_for_half_precision_is_kept(tmp_path):
    generator = stylegan2_generator()
    with torch.no_grad():
        generator.mapping.w_avg[0] = 1e6
    save_checkpoint(CheckpointParts(generator), tmp_path / "half.safetensors", dtype="float16")
    assert torch.equal(open_checkpoint(tmp_path / "half.safetensors").generator.w_avg(), generator.w_avg())


def test_extras_of_a_training_run_come_back_as_they_were(tmp_path):
    extra = {
        "adam.step": torch.arange(5),
        "adam.moment": torch.randn(3, 4, dtype=torch.float64),
        "half": torch.randn(7).half(),
        "flags": torch.tensor([True, False]),
        "none": torch.empty(0, 3),
        "turned": torch.randn(3, 4).t(),
    }
    metadata = {"kimg": 1.5, "options": {"batch": 4}}
    path = tmp_path / "run.safetensors"
    save_checkpoint(CheckpointParts(stylegan2_generator()), path, extra=extra, extra_metadata=metadata)
    read = read_training_extras(path)
    assert read.metadata == metadata
    assert equal(dict(read.tensors), extra)
    assert all(read.tensors[name].dtype == extra[name].dtype for name in extra)
    assert open_checkpoint(path).discriminator is None


def test_a_published_snapshot_has_no_extras(tmp_path):
    (tmp_path / "net.pkl").write_bytes(snapshot_bytes(stylegan2_generator()))
    with pytest.raises(CheckpointError, match="published snapshot"):
        read_training_extras(tmp_path / "net.pkl")


def test_the_card_is_kept_through_a_second_saving(tmp_path):
    card = {"name": "Faces", "licence": "CC0-1.0", "kimg": 20}
    save_checkpoint(CheckpointParts(stylegan2_generator()), tmp_path / "a.safetensors", card=card)
    first = open_checkpoint(tmp_path / "a.safetensors")
    save_checkpoint(first, tmp_path / "b.safetensors")
    assert open_checkpoint(tmp_path / "b.safetensors").info.card == card
    assert first.info.licence == "CC0-1.0"


def test_the_file_is_safetensors_that_others_read(tmp_path):
    generator = stylegan2_generator()
    save_checkpoint(CheckpointParts(generator), tmp_path / "net.safetensors")
    read = safetensors.torch.load_file(tmp_path / "net.safetensors")
    assert equal({f"generator.{name}": value for name, value in generator.state_dict().items()}, read)


def test_saving_over_a_file_that_is_open_elsewhere_changes_nothing_there(tmp_path):
    path = tmp_path / "net.safetensors"
    first = stylegan2_generator()
    save_checkpoint(CheckpointParts(first), path)
    opened = open_checkpoint(path)
    second = stylegan2_generator(img_channels=1)
    save_checkpoint(CheckpointParts(second), path)
    assert equal(numbers(opened.generator), numbers(first))
    assert open_checkpoint(path).spec.img_channels == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.safetensors"]


def test_a_full_disk_loses_nothing(tmp_path, monkeypatch):
    path = tmp_path / "net.safetensors"
    save_checkpoint(CheckpointParts(stylegan2_generator()), path)
    before = path.read_bytes()

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match="No space left"):
        save_checkpoint(CheckpointParts(stylegan2_generator(img_channels=1)), path)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["net.safetensors"]


def test_a_folder_that_is_missing_is_named(tmp_path):
    with pytest.raises(CheckpointError, match="nowhere"):
        save_checkpoint(CheckpointParts(stylegan2_generator()), tmp_path / "nowhere" / "net.safetensors")


def test_a_saved_file_may_be_read_by_whom_the_system_says(tmp_path):
    path = tmp_path / "net.safetensors"
    save_checkpoint(CheckpointParts(stylegan2_generator()), path)
    (tmp_path / "other").touch()
    assert stat.S_IMODE(path.stat().st_mode) == stat.S_IMODE((tmp_path / "other").stat().st_mode)


@pytest.mark.parametrize("card", [{"a": object()}, {"a": float("nan")}])
def test_a_card_that_is_not_json_is_refused(card, tmp_path):
    with pytest.raises(CheckpointError, match="JSON"):
        save_checkpoint(CheckpointParts(stylegan2_generator()), tmp_path / "net.safetensors", card=card)


def test_a_network_of_no_family_is_refused(tmp_path):
    with pytest.raises(CheckpointError, match="cannot be saved"):
        save_checkpoint(CheckpointParts(torch.nn.Linear(1, 1)), tmp_path / "net.safetensors")


def damaged(tmp_path, change):
    """Open a file whose header went through ``change(header, ours)``."""
    path = tmp_path / "net.safetensors"
    save_checkpoint(CheckpointParts(stylegan2_generator(), discriminator()), path)
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    ours = json.loads(header["__metadata__"]["latent_explorer"])
    change(header, ours)
    if "__metadata__" in header:
        header["__metadata__"]["latent_explorer"] = json.dumps(ours)
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + content[8 + length :])
    return open_checkpoint(path)


NAME = "generator.synthesis.b4.const"


def test_an_undamaged_header_opens(tmp_path):
    assert damaged(tmp_path, lambda header, ours: None).discriminator is not None


CHANGES = {
    "newer Latent Explorer": lambda header, ours: ours.update(version=2),
    "no version": lambda header, ours: ours.pop("version"),
    "'stylegan9'": lambda header, ours: ours["generator"].update(family="stylegan9"),
    "not described": lambda header, ours: ours.pop("generator"),
    "is missing": lambda header, ours: header.update({"extra.moved": header.pop(NAME)}),
    "has no place": lambda header, ours: header.update({"generator.more": header.pop("discriminator.b4.out.bias")}),
    "has shape": lambda header, ours: header[NAME].update(shape=[4, 4, 8]),
    "described wrongly": lambda header, ours: header[NAME].update(shape=[2**31, 2**31, 2**31]),
    "described wrongly ": lambda header, ours: header[NAME].update(data_offsets=[0, 2**62]),
    "described wrongly  ": lambda header, ours: header[NAME].update(data_offsets=[-8, 0]),
    "described wrongly   ": lambda header, ours: header[NAME].update(dtype=7),
    "not supported": lambda header, ours: header[NAME].update(dtype="F8_E4M3"),
    "overlaps or leaves a gap": lambda header, ours: header.pop(NAME),
    "magic": lambda header, ours: ours["generator"]["config"].update(magic=1),
    "resolution": lambda header, ours: ours["generator"]["config"].update(resolution=2**20),
    "w_dim": lambda header, ours: ours["generator"]["config"].update(w_dim=2**40),
    "z_dim": lambda header, ours: ours["generator"]["config"].update(z_dim=True),
    "discriminator": lambda header, ours: ours["discriminator"].update(family="pg"),
}


@pytest.mark.parametrize("phrase", CHANGES)
def test_a_header_that_lies_is_refused(phrase, tmp_path):
    with pytest.raises(CheckpointError) as caught:
        damaged(tmp_path, CHANGES[phrase])
    assert phrase.strip() in str(caught.value)


def test_a_large_claim_with_small_tensors_takes_no_memory(tmp_path):
    with pytest.raises(CheckpointError, match="has shape"):
        damaged(tmp_path, lambda header, ours: ours["generator"]["config"].update(channels=[65536, 65536], w_dim=65536))


@pytest.mark.parametrize("text", [b"{" * 100_000, b'{"a":1,"a":1}', b'{"a":' + b"9" * 10_000 + b"}", b"{\xff}", b"{}"])
def test_a_header_that_is_not_what_it_should_be_is_refused(text, tmp_path):
    path = tmp_path / "net.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(CheckpointError):
        open_checkpoint(path)


def test_a_file_cut_anywhere_is_refused(tmp_path):
    path = tmp_path / "net.safetensors"
    save_checkpoint(CheckpointParts(stylegan2_generator()), path)
    whole = path.read_bytes()
    for part in range(64):
        path.write_bytes(whole[: len(whole) * part // 64])
        with pytest.raises(CheckpointError):
            open_checkpoint(path)
