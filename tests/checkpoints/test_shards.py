import json
from pathlib import Path

import pytest
import safetensors.torch
import torch

import explorer
from explorer.checkpoints import shards
from explorer.checkpoints.identity import MAX_INDEX_BYTES, sha256_of
from explorer.errors import CheckpointError
from tests.checkpoints.networks import stylegan2_generator, stylegan_xl_generator
from tests.checkpoints.test_state_dicts import lively, picture, published

INDEX = "model.safetensors.index.json"


def write(folder: Path, tensors: dict[str, torch.Tensor], parts: int = 3) -> dict[str, str]:
    """A model in several files; what its index says of where each tensor is."""
    names, where = sorted(tensors), {}
    for part in range(parts):
        file = f"model-{part + 1:05}-of-{parts:05}.safetensors"
        held = {name: tensors[name].contiguous() for name in names[part::parts]}
        safetensors.torch.save_file(held, folder / file)
        where |= dict.fromkeys(held, file)
    say(folder, where)
    return where


def say(folder: Path, where: object) -> None:
    (folder / INDEX).write_text(json.dumps({"metadata": {"total_size": 1}, "weight_map": where}))


def test_a_model_in_parts_opens_by_its_folder_and_by_its_index(tmp_path):
    g = lively(stylegan2_generator())
    write(tmp_path, published(g))
    for path in (tmp_path, tmp_path / INDEX):
        checkpoint = explorer.open_checkpoint(path)
        assert torch.equal(picture(checkpoint.generator), picture(g))
        assert sha256_of(path) == checkpoint.info.sha256
    assert checkpoint.info.size_bytes == sum(file.stat().st_size for file in tmp_path.iterdir())


def test_its_identity_is_of_all_parts(tmp_path):
    g = lively(stylegan2_generator())
    write(tmp_path, published(g))
    before = explorer.open_checkpoint(tmp_path).info.sha256
    with torch.no_grad():
        g.synthesis.b8.torgb.bias.add_(1)
    write(tmp_path, published(g))
    assert explorer.open_checkpoint(tmp_path).info.sha256 != before


def test_its_identity_is_of_the_bytes_that_were_read_and_of_no_later_ones(tmp_path, monkeypatch):
    write(tmp_path, published(lively(stylegan2_generator())))
    wanted = sha256_of(tmp_path)
    read = shards.read_whole

    def read_then_overwritten(path: Path) -> memoryview:
        content = read(path)
        path.write_bytes(b"another file")
        return content

    monkeypatch.setattr(shards, "read_whole", read_then_overwritten)
    assert explorer.open_checkpoint(tmp_path).info.sha256 == wanted
    assert sha256_of(tmp_path) != wanted


def test_stylegan_xl_opens_from_parts(tmp_path):
    g = stylegan_xl_generator()
    write(tmp_path, {name: tensor.clone() for name, tensor in g.state_dict().items()})
    read = explorer.open_checkpoint(tmp_path).generator.state_dict()
    assert all(torch.equal(read[name], tensor) for name, tensor in g.state_dict().items())


LIES = {
    "a file outside": lambda where: {name: f"../{file}" for name, file in where.items()},
    "an absolute file": lambda where: dict.fromkeys(where, "/etc/passwd"),
    "a file that is not there": lambda where: {**where, "x": "model-9.safetensors"},
    "a tensor that no file has": lambda where: {**where, "x": next(iter(where.values()))},
    "a tensor left out": lambda where: dict(list(where.items())[1:]),
    "no names": lambda where: dict.fromkeys(where, 3),
    "no table": lambda where: [1],
    "nothing": lambda where: {},
    "too many files": lambda where: {f"t{i}": f"{i}.safetensors" for i in range(5000)},
}


@pytest.mark.parametrize("lie", LIES)
def test_an_index_that_lies_is_refused(tmp_path, lie):
    where = write(tmp_path, published(stylegan2_generator()))
    say(tmp_path, LIES[lie](where))
    with pytest.raises(CheckpointError):
        explorer.open_checkpoint(tmp_path / INDEX)


@pytest.mark.parametrize("text", ['{"weight_map": ', '{"weight_map": {"a": 1}} x', '["weight_map"]'])
def test_an_index_that_is_damaged_is_refused(tmp_path, text):
    (tmp_path / INDEX).write_text(text)
    with pytest.raises(CheckpointError):
        explorer.open_checkpoint(tmp_path / INDEX)


def test_an_index_larger_than_any_is_refused_before_it_is_parsed(tmp_path):
    # Parsed, it would be found damaged.
    (tmp_path / INDEX).write_text('{"weight_map": ' + " " * MAX_INDEX_BYTES)
    with pytest.raises(CheckpointError, match="larger than any index"):
        explorer.open_checkpoint(tmp_path / INDEX)
    assert sha256_of(tmp_path / INDEX) is None


def test_a_part_that_is_cut_short_is_refused(tmp_path):
    where = write(tmp_path, published(stylegan2_generator()))
    part = tmp_path / next(iter(where.values()))
    part.write_bytes(part.read_bytes()[:-8])
    with pytest.raises(CheckpointError):
        explorer.open_checkpoint(tmp_path)
