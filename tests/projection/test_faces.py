import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from explorer.faces import Face, find_faces
from explorer.projection import aligned, read_photo, wants_faces, with_face
from explorer.projection.faces import NO_FACE, Square, cut_square, face_square
from explorer.projection.photo import Photo
from tests.faces.test_find_faces import PORTRAIT

STRAIGHT = Face((40, 30, 160, 180), 1.0, (80.0, 80.0), (120.0, 80.0), (100.0, 100.0), (85.0, 130.0), (115.0, 130.0))


def moved(face: Face, angle: float, scale: float, shift: tuple[float, float]) -> Face:
    def turned(point: tuple[float, float]) -> tuple[float, float]:
        x, y = point
        across = scale * (math.cos(angle) * x - math.sin(angle) * y) + shift[0]
        return across, scale * (math.sin(angle) * x + math.cos(angle) * y) + shift[1]

    points = (face.left_eye, face.right_eye, face.nose, face.mouth_left, face.mouth_right)
    return Face(face.box, face.score, *map(turned, points))


def test_the_square_is_that_of_the_paper() -> None:
    # Eyes 40 apart: 160; eyes to mouth 50: 180, which is larger. The middle is a tenth of 50 below the eyes.
    square = face_square(STRAIGHT)
    assert square.side == pytest.approx(180)
    assert square.middle == pytest.approx((100, 85))
    assert square.right == pytest.approx((90, 0))


@given(st.floats(-math.pi, math.pi), st.floats(0.2, 5), st.tuples(st.floats(-300, 300), st.floats(-300, 300)))
def test_the_square_goes_with_the_face(angle: float, scale: float, shift: tuple[float, float]) -> None:
    plain, other = face_square(STRAIGHT), face_square(moved(STRAIGHT, angle, scale, shift))
    assert other.side == pytest.approx(plain.side * scale, rel=1e-6)
    assert math.remainder(math.atan2(other.right[1], other.right[0]) - angle, math.tau) == pytest.approx(0, abs=1e-6)
    x, y = plain.middle
    expected = (
        scale * (math.cos(angle) * x - math.sin(angle) * y) + shift[0],
        scale * (math.sin(angle) * x + math.cos(angle) * y) + shift[1],
    )
    assert other.middle == pytest.approx(expected, abs=1e-6)


def noise(height: int, width: int) -> np.ndarray:
    pixels = np.random.default_rng(0).integers(0, 256, (height, width, 4), np.uint8)
    pixels[..., 3] = 255
    return pixels


def test_an_upright_square_on_the_grid_is_cut_out_bit_for_bit() -> None:
    pixels = noise(40, 50)
    assert np.array_equal(cut_square(pixels, Square((20, 15), (10, 0))), pixels[5:25, 10:30])


@pytest.mark.parametrize(("right", "turns"), [((0, 10), 1), ((-10, 0), 2), ((0, -10), 3)])
def test_a_square_turned_by_quarters_is_cut_out_turned_back(right: tuple[int, int], turns: int) -> None:
    pixels = noise(40, 50)
    assert np.array_equal(cut_square(pixels, Square((20, 15), right)), np.rot90(pixels[5:25, 10:30], turns))


def test_beyond_the_photo_nothing_is_there() -> None:
    pixels = noise(20, 20)
    cut = cut_square(pixels, Square((0, 0), (8, 0)))
    assert (cut[:7, :, 3] == 0).all()
    assert (cut[:, :7, 3] == 0).all()
    assert np.array_equal(cut[9:, 9:], pixels[1:8, 1:8])


@pytest.mark.parametrize("tilt", [-35, -15, 20, 38])
def test_the_square_of_a_tilted_face_is_tilted_with_it(tilt: int) -> None:
    plain = Image.open(PORTRAIT).convert("RGBA")
    image = plain.rotate(tilt, Image.Resampling.BICUBIC, expand=True)
    ((before,), (after,)) = (find_faces(np.asarray(photo)) for photo in (plain, image))
    straight, tilted = face_square(before), face_square(after)
    # Pictures count angles the other way round, downwards.
    turned = math.degrees(math.atan2(tilted.right[1], tilted.right[0]) - math.atan2(*straight.right[::-1]))
    assert turned == pytest.approx(-tilt, abs=7)
    assert tilted.side == pytest.approx(straight.side, rel=0.12)
    x, y = tilted.middle[0] - image.width / 2, tilted.middle[1] - image.height / 2
    cos, sin = math.cos(math.radians(tilt)), math.sin(math.radians(tilt))
    back = (cos * x - sin * y + plain.width / 2, sin * x + cos * y + plain.height / 2)
    assert math.dist(back, straight.middle) < 4


def test_a_face_is_cut_out_and_that_is_noted() -> None:
    photo = read_photo(PORTRAIT)
    found = aligned(photo)
    assert found is not None
    assert found.notes == ("the face was turned upright and cut out",)
    assert found.name == photo.name
    # In FFHQ's square, eyes are a little above the middle and level.
    ((face,), side) = find_faces(found.pixels), found.pixels.shape[0]
    assert abs(face.left_eye[1] - face.right_eye[1]) < 0.03 * side
    assert 0.4 < face.left_eye[1] / side < 0.52


def test_a_photo_without_a_face_stays_as_it_is() -> None:
    photo = Photo(noise(64, 64), "noise", ("first",))
    assert aligned(photo) is None
    mask = np.ones((8, 8), np.float32)
    same, same_mask = with_face(photo, mask)
    assert same.pixels is photo.pixels
    assert same.notes == ("first", NO_FACE)
    assert same_mask is mask


def test_a_mask_is_turned_with_its_photo() -> None:
    photo = read_photo(PORTRAIT)
    height, width = photo.pixels.shape[:2]
    # Whatever is dark counts not: then mask and photo must show the same after they were turned.
    grey = photo.pixels[..., :3].mean(axis=2) / 255
    image = Image.fromarray(photo.pixels).rotate(20, Image.Resampling.BICUBIC)
    levels = np.asarray(Image.fromarray((grey * 255).astype(np.uint8)).rotate(20, Image.Resampling.BICUBIC))
    face, mask = with_face(Photo(np.asarray(image), "tilted"), levels.astype(np.float32) / 255)
    assert mask is not None
    assert mask.shape == face.pixels.shape[:2] != (height, width)
    there = face.pixels[..., 3] == 255
    # Where colours overshoot, the mean of three clipped ones is not the clipped mean.
    assert np.abs(mask - face.pixels[..., :3].mean(axis=2) / 255)[there].mean() < 0.005


@pytest.mark.parametrize(
    ("info", "wants"),
    [
        ({"path": "nets/stylegan2-ffhq-512x512.pkl"}, True),
        ({"path": "nets/stylegan3-r-ffhqu-256x256.pkl"}, False),
        ({"path": "nets/stylegan3-t-metfacesu-1024x1024.pkl"}, False),
        ({"path": "ffhq/toons.pkl"}, False),
        ({"path": "a.pkl", "training_set": {"path": "datasets/celeba_hq-256.zip", "use_labels": False}}, True),
        ({"path": "a.pkl", "data": "FFHQ"}, True),
        ({"path": "a.pkl", "data": "FFHQ unaligned"}, False),
        ({"path": "ffhq.pkl", "card": {"faces": False}}, False),
        ({"path": "a.safetensors", "card": {"faces": "ffhq"}}, True),
        ({}, False),
    ],
)
def test_a_model_says_whether_it_wants_faces(info: dict[str, object], wants: bool) -> None:
    assert wants_faces(info) is wants
