import sys
import zlib
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from explorer.errors import PhotoError, StateError
from explorer.projection import Crop, Photo, centre_crop, cut, make_target, read_mask, read_photo
from tests.models import golden

RAMP = np.arange(48 * 64, dtype=np.uint8).reshape(48, 64)


def colours(height: int = 48, width: int = 64) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_a_photo_is_turned_upright(tmp_path: Path) -> None:
    pixels = colours()
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(pixels).save(tmp_path / "turned.png", exif=exif)
    assert np.array_equal(read_photo(tmp_path / "turned.png").pixels[..., :3], np.rot90(pixels, -1))


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1"])
def test_every_kind_of_colours_is_read(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("photo.tif" if mode == "CMYK" else "photo.png")
    Image.fromarray(colours()).convert(mode).save(path)
    assert read_photo(path).pixels.shape == (48, 64, 4)


def test_sixteen_bits_become_eight_by_value(tmp_path: Path) -> None:
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    photo = read_photo(tmp_path / "deep.png")
    assert np.array_equal(photo.pixels[..., 0], RAMP)
    assert photo.notes == ("16 bits a channel: read as 8",)


def test_a_phones_photo_is_read(tmp_path: Path) -> None:
    ramp = np.repeat(np.linspace(0, 255, 64).astype(np.uint8)[None], 48, axis=0)
    heif = pillow_heif.from_bytes("RGB", (64, 48), np.stack([ramp, ramp, ramp], axis=2).tobytes())
    heif.save(tmp_path / "phone.heic", quality=90)
    pixels = read_photo(tmp_path / "phone.heic").pixels
    assert pixels.shape == (48, 64, 4)
    assert np.abs(pixels[..., 0].astype(float) - ramp).mean() < 3


def test_a_phones_photo_without_its_library_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    (tmp_path / "phone.heic").write_bytes(b"\0\0\0\x18ftypheic" + bytes(100))
    with pytest.raises(PhotoError, match="pip install pillow-heif"):
        read_photo(tmp_path / "phone.heic")


def test_of_an_animation_the_first_frame_is_read_and_that_is_told(tmp_path: Path) -> None:
    first, second = (Image.fromarray(np.full((8, 8, 3), level, np.uint8)) for level in (10, 200))
    first.save(tmp_path / "moving.gif", save_all=True, append_images=[second])
    photo = read_photo(tmp_path / "moving.gif")
    assert photo.pixels[0, 0, 0] == 10
    assert photo.notes == ("an animation of 2 frames: the first is used",)


def test_a_huge_photo_is_read_small_or_refused_before_it_is_decoded(tmp_path: Path) -> None:
    header = b"IHDR" + (20_000).to_bytes(4, "big") * 2 + bytes([8, 0, 0, 0, 0])
    chunk = len(header[4:]).to_bytes(4, "big") + header + zlib.crc32(header).to_bytes(4, "big")
    (tmp_path / "huge.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk + b"\0\0\0\x10IDAT" + bytes(20))
    with pytest.raises(PhotoError, match="20000 x 20000 pixels, which this format cannot give smaller"):
        read_photo(tmp_path / "huge.png")
    Image.new("RGB", (5000, 2500), (200, 10, 10)).save(tmp_path / "large.jpg")
    photo = read_photo(tmp_path / "large.jpg")
    assert photo.pixels.shape == (1024, 2048, 4)
    assert photo.notes == ("5000 x 2500 pixels: read at 2048 x 1024",)


def test_what_is_no_picture_says_what_it_is(tmp_path: Path) -> None:
    text, empty, gone = tmp_path / "text.jpg", tmp_path / "empty.jpg", tmp_path / "gone.jpg"
    text.write_text("dear diary")
    empty.write_bytes(b"")
    for path, words in ((text, "its content is text"), (empty, "its content is empty"), (gone, "does not exist")):
        with pytest.raises(PhotoError, match=words):
            read_photo(path)
    Image.fromarray(colours()).save(tmp_path / "whole.png")
    half = tmp_path / "half.png"
    half.write_bytes((tmp_path / "whole.png").read_bytes()[:900])
    with pytest.raises(PhotoError, match="damaged"):
        read_photo(half)


def test_the_crop_in_the_middle_has_the_models_shape() -> None:
    assert centre_crop((100, 200), (64, 64)) == Crop(0.25, 0.0, 0.5, 1.0)
    assert centre_crop((200, 100), (32, 64)) == Crop(0.0, 0.375, 1.0, 0.25)


def test_a_whole_photo_of_the_models_size_is_cut_without_a_change() -> None:
    pixels = np.concatenate([colours(), np.full((48, 64, 1), 255, np.uint8)], axis=2)
    assert np.array_equal(cut(pixels, Crop(0, 0, 1, 1), (48, 64)), pixels)


def test_beyond_the_edges_nothing_counts() -> None:
    pixels = np.full((40, 40, 4), 255, np.uint8)
    spec = golden("sg2_32_orig").generator.spec
    target = make_target(Photo(pixels, "white"), spec, crop=Crop(-0.5, 0, 1, 1))
    assert target.mask is not None
    assert target.mask[0, 0, :, :15].sum() == 0
    assert target.mask[0, 0, :, 17:].min() == 1
    with pytest.raises(StateError, match="nothing of the photo is left"):
        make_target(Photo(pixels, "white"), spec, crop=Crop(2, 0, 1, 1))


def test_alpha_and_a_painted_mask_say_what_counts(tmp_path: Path) -> None:
    pixels = np.full((32, 32, 4), 200, np.uint8)
    pixels[:16, :, 3] = 0
    Image.fromarray(np.repeat(np.uint8([[0, 255]]), 16, axis=1).repeat(32, axis=0)).save(tmp_path / "mask.png")
    mask = read_mask(tmp_path / "mask.png")
    target = make_target(Photo(pixels, "half"), golden("sg2_32_orig").generator.spec, mask=mask)
    assert target.mask is not None
    counts = target.mask[0, 0]
    assert counts[20:, 18:].min() == 1
    assert counts[:12].max() == 0
    assert counts[:, :14].max() == 0


def test_a_photo_comes_in_the_models_channels() -> None:
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[..., 0] = pixels[..., 3] = 255
    grey = make_target(Photo(pixels, "red"), golden("sg2_32_gray").generator.spec)
    assert grey.image.shape == (1, 1, 32, 32)
    assert float(grey.image.mean()) == pytest.approx(2 * 0.299 - 1, abs=1e-4)
