"""Reading pictures, and the order in which they are shown."""

import io
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.errors import DatasetError
from tests.training.conftest import SAMPLE
from training.data import Sampler, open_training_set, to_unit
from training.grid import to_uint8


def png(size: tuple[int, int], value: int = 0, mode: str = "RGB") -> bytes:
    buffer = io.BytesIO()
    Image.new(mode, size, value if mode == "L" else (value,) * len(mode)).save(buffer, "PNG")
    return buffer.getvalue()


def write_zip(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_each_pass_shows_every_picture_once_in_a_new_order() -> None:
    sampler = Sampler(count=10, seed=3)
    first, second = sampler.draw(10), sampler.draw(10)
    assert sorted(first.tolist()) == sorted(second.tolist()) == list(range(10))
    assert first.tolist() != second.tolist()


def test_the_order_does_not_depend_on_how_it_is_cut() -> None:
    at_once = Sampler(count=10, seed=3).draw(37)
    pieces = Sampler(count=10, seed=3)
    assert torch.equal(at_once, torch.cat([pieces.draw(n) for n in (1, 11, 20, 5)]))


def test_a_sampler_goes_on_from_its_position() -> None:
    sampler = Sampler(count=7, seed=1)
    sampler.draw(17)
    assert torch.equal(Sampler(count=7, seed=1, position=17).draw(9), sampler.draw(9))


def test_bytes_survive_the_way_to_numbers_and_back() -> None:
    values = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(to_uint8(to_unit(values) + 1e-4), values)


def test_the_sample_is_labelled_aligned_and_licensed() -> None:
    toons = open_training_set(SAMPLE)
    assert toons.images.shape == (200, 3, 64, 64)
    assert toons.licence == "CC-BY-4.0"
    assert {"hair", "hairColor", "skinColor", "eyes", "mouth"} <= toons.attributes[0].keys()
    # The corners are plain background in the colour that the attributes name.
    for image, attributes in zip(toons.images, toons.attributes, strict=True):
        named = [int(attributes["backgroundColor"][i : i + 2], 16) for i in (1, 3, 5)]
        assert image[:, 0, 0].tolist() == named


def test_labels_become_one_hot_classes(tmp_path: Path) -> None:
    description = {"labels": [["b.png", 2], ["a.png", 0]]}
    members = {"b.png": png((8, 8), 9), "a.png": png((8, 8), 5), "dataset.json": json.dumps(description).encode()}
    opened = open_training_set(write_zip(tmp_path / "a.zip", members))
    assert opened.c_dim == 3
    assert opened.labels is not None
    assert opened.labels.argmax(dim=1).tolist() == [0, 2]
    assert opened.images[:, 0, 0, 0].tolist() == [5, 9]


@pytest.mark.parametrize(("mode", "channels"), [("L", 1), ("RGB", 3), ("RGBA", 4)])
def test_grey_colour_and_transparent_pictures_keep_their_channels(tmp_path: Path, mode: str, channels: int) -> None:
    opened = open_training_set(write_zip(tmp_path / "a.zip", {"a.png": png((4, 4), 7, mode)}))
    assert opened.images.shape == (1, channels, 4, 4)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "holds no pictures"),
        ({"a.png": png((3, 6))}, "3 x 6 pixels"),
        ({"a.png": png((8, 8)), "b.png": png((16, 16))}, "b.png"),
        ({"a.png": b"nothing"}, "a.png .* is not a picture"),
        ({"a.png": png((8, 8)), "dataset.json": b"{"}, "is not JSON"),
        ({"a.png": png((8, 8)), "dataset.json": b"[]"}, "not an object"),
        ({"a.png": png((8, 8)), "dataset.json": b'{"images": 3}'}, "not a list of objects"),
        ({"a.png": png((8, 8)), "dataset.json": b'{"labels": [["b.png", 1]]}'}, "1 pictures .* no label"),
        ({"a.png": png((8, 8)), "dataset.json": b'{"labels": [3]}'}, "are not pairs"),
        ({"a.png": png((8, 8)), "dataset.json": b'{"labels": [["a.png", -1]]}'}, "have to start at 0"),
    ],
)
def test_what_is_wrong_with_a_data_set_is_said(tmp_path: Path, members: dict[str, bytes], message: str) -> None:
    with pytest.raises(DatasetError, match=message):
        open_training_set(write_zip(tmp_path / "a.zip", members))


def test_a_missing_or_foreign_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="there is no data set"):
        open_training_set(tmp_path / "none.zip")
    (tmp_path / "text.zip").write_text("hello")
    with pytest.raises(DatasetError, match=r"text\.zip is not a zip"):
        open_training_set(tmp_path / "text.zip")


def test_a_damaged_member_is_said(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "a.zip", {"a.png": png((8, 8))})
    content = np.frombuffer(path.read_bytes(), np.uint8).copy()
    content[45:60] ^= 255
    path.write_bytes(content.tobytes())
    with pytest.raises(DatasetError, match=r"a\.zip"):
        open_training_set(path)


def test_holding_everything_out_is_refused() -> None:
    with pytest.raises(DatasetError, match="hold out fewer"):
        open_training_set(SAMPLE).split(200)
