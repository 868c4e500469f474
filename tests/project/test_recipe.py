"""Pictures that know how they were made, and pictures that only say so."""

import base64
import contextlib
import json
import struct
import tempfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from explorer.errors import ProjectFileError, StateError
from explorer.project import BlobStore, Recipe, looks_like_picture, read_recipe, save_picture
from explorer.project.recipe import _text
from explorer.state import CheckpointRef, EditState, SeedPad, Stored
from tests.state.strategies import seed_latents, states

PIXELS = np.arange(6 * 5 * 3, dtype=np.uint8).reshape(6, 5, 3)
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def text_chunk(text: bytes, *, packed: bool = True, flags: bytes | None = None) -> bytes:
    body = zlib.compress(text) if packed else text
    return chunk(b"iTXt", b"latent-explorer\0" + (flags or bytes([packed, 0])) + b"\0\0" + body)


def picture_with(*chunks: bytes) -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    return SIGNATURE + header + b"".join(chunks) + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")


@given(states(seed_latents))
@settings(deadline=None, max_examples=50)
def test_a_state_comes_back_from_its_picture(state: EditState) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        save_picture(PIXELS, path, Recipe(state))

        assert read_recipe(path).state == state
        with Image.open(path) as picture:
            assert np.array_equal(np.asarray(picture), PIXELS)


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_the_picture_itself_is_unchanged(channels: int, tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 9, channels), np.uint8)
    save_picture(pixels, tmp_path / "a.png", Recipe(EditState()))
    with Image.open(tmp_path / "a.png") as picture:
        assert np.array_equal(np.asarray(picture).reshape(pixels.shape), pixels)


def test_stored_latents_travel_with_the_picture(tmp_path: Path) -> None:
    blobs = BlobStore()
    stored = Stored("w", blobs.put(np.linspace(0, 1, 40)))
    save_picture(PIXELS, tmp_path / "a.png", Recipe(EditState(latent=stored), blobs))

    recipe = read_recipe(tmp_path / "a.png")

    assert recipe.state.latent == stored
    assert np.array_equal(recipe.blobs.get(stored.blob), np.linspace(0, 1, 40))


def test_a_path_in_the_persons_folder_is_kept_without_its_name(tmp_path: Path) -> None:
    for hint, kept in (
        (str(Path.home() / "nets" / "a.pkl"), "~/nets/a.pkl"),
        ("/elsewhere/a.pkl", "/elsewhere/a.pkl"),
        ("bundled:toons64", "bundled:toons64"),
    ):
        save_picture(PIXELS, tmp_path / "a.png", Recipe(EditState(CheckpointRef("0" * 64, "stylegan2", hint))))
        found = read_recipe(tmp_path / "a.png").state.checkpoint
        assert found is not None
        assert found.hint == kept


def test_a_picture_of_two_channels_cannot_be_saved(tmp_path: Path) -> None:
    with pytest.raises(StateError, match="2 channels"):
        save_picture(PIXELS[:, :, :2], tmp_path / "a.png")
    assert list(tmp_path.iterdir()) == []


def changed(change: Callable[[Any], object]) -> bytes:
    document = json.loads(_text(Recipe(EditState(latent=SeedPad(1, 2)))))
    change(document)
    return picture_with(text_chunk(json.dumps(document).encode()))


GOOD = _text(Recipe(EditState())).encode()
STORED = json.loads(_text(Recipe(EditState()))) | {
    "state": json.loads(json.dumps({"type": "stored", "space": "w", "blob": {"sha256": "1" * 64}}))
}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "not a PNG"),
        (b"\xff\xd8\xff\xe0 JFIF", "not a PNG"),
        (picture_with(), "without a recipe"),
        (SIGNATURE, "without a recipe"),
        (picture_with(chunk(b"iTXt", b"Comment\0\0\0\0\0hello")), "without a recipe"),
        (picture_with(chunk(b"tEXt", b"latent-explorer\0{}")), "without a recipe"),
        (picture_with(text_chunk(GOOD))[:80], "damaged"),
        (picture_with(text_chunk(GOOD)).replace(b"latent-explorer\0\1", b"latent-explorer\0\0"), "damaged"),
        (picture_with(text_chunk(GOOD, packed=False)).replace(b'"psi":1.0', b'"psi":2.0'), "damaged"),
        (picture_with(text_chunk(GOOD, flags=b"\1\7")), "not a PNG text"),
        (picture_with(text_chunk(GOOD, packed=False, flags=b"\1\0")), "does not unpack"),
        (picture_with(chunk(b"iTXt", b"latent-explorer\0\1\0\0\0" + zlib.compress(GOOD)[:-6])), "cut short"),
        (picture_with(chunk(b"iTXt", b"latent-explorer\0\0\0")), "not a PNG text"),
        (picture_with(text_chunk(b" " * (64 * 2**20 + 1))), "refused"),
        (SIGNATURE + struct.pack(">I", 2**31) + b"iTXt", "refused"),
        (picture_with(text_chunk(b"not json")), "not valid"),
        (picture_with(text_chunk(b"\xff\xfe")), "not valid"),
        (picture_with(text_chunk(b"[" * 100_000)), "not valid"),
        (picture_with(text_chunk(b"[1]")), "something else"),
        (picture_with(text_chunk(b'{"format": "other"}')), "something else"),
        (changed(lambda document: document.update(version=99)), "newer Latent Explorer"),
        (changed(lambda document: document.update(version=True)), "recipe version"),
        (changed(lambda document: document.update(code="import os")), "unknown field 'code'"),
        (changed(lambda document: document.pop("state")), "state"),
        (changed(lambda document: document.pop("arrays")), "no arrays"),
        (changed(lambda document: document["state"].update(latent={"type": "exec"})), "'exec'"),
        (changed(lambda document: document["state"].update(latent=STORED["state"])), "missing or changed"),
        (
            changed(
                lambda document: document.update(
                    state=document["state"] | {"latent": STORED["state"]},
                    arrays={"1" * 64: base64.b64encode(b"\x93NUMPY").decode()},
                )
            ),
            "not a plain array",
        ),
        (
            changed(
                lambda document: document.update(
                    state=document["state"] | {"latent": STORED["state"]}, arrays={"1" * 64: "%%%"}
                )
            ),
            "missing or changed",
        ),
    ],
)
def test_hostile_and_foreign_pictures_are_refused_in_one_line(content: bytes, words: str, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(content)

    with pytest.raises(ProjectFileError) as refusal:
        read_recipe(path)
    assert words in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_picture_in_endless_pieces_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(SIGNATURE + chunk(b"abCD", b"") * 100_001)

    with pytest.raises(ProjectFileError, match="pieces"):
        read_recipe(tmp_path / "a.png")


@given(st.integers(0, 10_000), st.integers(0, 255))
@settings(deadline=None, max_examples=200)
def test_a_changed_byte_gives_the_state_or_a_refusal(place: int, value: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.png"
        save_picture(PIXELS, path, Recipe(EditState()))
        content = bytearray(path.read_bytes())
        content[place % len(content)] = value
        path.write_bytes(content)
        with contextlib.suppress(ProjectFileError):
            assert read_recipe(path).state == EditState()


def test_a_missing_file_is_no_picture(tmp_path: Path) -> None:
    assert not looks_like_picture(tmp_path / "none.png")
    with pytest.raises(ProjectFileError, match="does not exist"):
        read_recipe(tmp_path / "none.png")
    with pytest.raises(ProjectFileError, match="cannot be read"):
        read_recipe(tmp_path)
