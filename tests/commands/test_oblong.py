"""Every command on a model whose pictures are not square."""

import json
from pathlib import Path

import pytest
from PIL import Image

from explorer.checkpoints import CheckpointParts, save_checkpoint
from main import main
from tests.generators.test_oblong_pictures import upright2, wide3

MODELS = {"upright": (upright2, (24, 32)), "wide": (wide3, (16, 12))}


@pytest.fixture(params=MODELS)
def made(request, tmp_path: Path) -> tuple[Path, tuple[int, int]]:
    build, size = MODELS[request.param]
    path = tmp_path / "model.safetensors"
    save_checkpoint(CheckpointParts(build()), path)
    return path, size


def run(*arguments: object) -> None:
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    assert end.value.code in (0, None)


def size_of(path: Path) -> tuple[int, int]:
    with Image.open(path) as picture:
        return picture.size


def test_pictures_sheets_and_facts_have_its_height_and_width(made, tmp_path, capsys) -> None:
    model, (width, height) = made
    run("render", model, "--seeds", "0-1", "--out", tmp_path / "out")
    pictures = sorted((tmp_path / "out").glob("*.png"))
    assert [size_of(path) for path in pictures] == [(width, height)] * 2
    run("mix", model, "--rows", "0-1", "--cols", "2-4", "--layers", "0-2", "--out", tmp_path / "sheet.png")
    across, down = size_of(tmp_path / "sheet.png")
    assert across * height >= 4 * width * height
    assert down >= 3 * height
    capsys.readouterr()
    run("info", model)
    assert json.loads(capsys.readouterr().out)["spec"]["resolution"] == [height, width]


def test_it_is_converted_and_found_again(made, tmp_path) -> None:
    model, size = made
    run("convert", model, tmp_path / "half.safetensors", "--half")
    run("render", tmp_path / "half.safetensors", "--seeds", "5", "--out", tmp_path / "out")
    (picture,) = (tmp_path / "out").glob("*.png")
    assert size_of(picture) == size
    run("project", model, picture, "--space", "w", "--time", "0.2", "--out", tmp_path / "found")
    shown = [path for path in (tmp_path / "found").rglob("*.png") if size_of(path) == size]
    assert shown, "the picture that was found has the model's size"
