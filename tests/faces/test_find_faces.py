from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, ImageOps

from explorer.faces import Face, find_faces
from explorer.faces.boxes import kept, squared
from tests.models import golden
from tests.projection.nets import photo_of, picture

PORTRAIT = Path(__file__).with_name("astronaut.jpg")
# What the package that the weights come from finds in this very file.
PUBLISHED = ((143.99, 101.41), (186.90, 104.01), (164.97, 129.17), (142.68, 140.84), (185.72, 142.33))


def portrait() -> Image.Image:
    return Image.open(PORTRAIT).convert("RGB")


def landmarks(face: Face) -> np.ndarray:
    return np.array([face.left_eye, face.right_eye, face.nose, face.mouth_left, face.mouth_right])


def test_landmarks_are_where_the_published_program_finds_them() -> None:
    (face,) = find_faces(np.asarray(portrait()))
    assert np.abs(landmarks(face) - PUBLISHED).max() < 2
    assert face.score > 0.99
    left, top, right, bottom = face.box
    assert ((landmarks(face) > (left, top)) & (landmarks(face) < (right, bottom))).all()


@pytest.mark.parametrize("tilt", [0, 12])
def test_a_mirrored_photo_has_mirrored_landmarks(tilt: int) -> None:
    photo = portrait().rotate(tilt, Image.Resampling.BICUBIC)
    (face,), (mirrored,) = find_faces(np.asarray(photo)), find_faces(np.asarray(ImageOps.mirror(photo)))
    # What was left is right.
    back = landmarks(mirrored)[[1, 0, 2, 4, 3]]
    back[:, 0] = photo.width - back[:, 0]
    assert np.abs(landmarks(face) - back).max() < 3


@pytest.mark.parametrize("size", [(160, 150), (1280, 1200), (2048, 1920)])
def test_the_size_of_a_photo_changes_nothing(size: tuple[int, int]) -> None:
    share = size[0] / portrait().width
    (face,) = find_faces(np.asarray(portrait().resize(size, Image.Resampling.LANCZOS)))
    assert np.abs(landmarks(face) / share - PUBLISHED).max() < 4


def test_several_faces_come_with_the_largest_first() -> None:
    sheet = Image.new("RGB", (640, 300), "white")
    sheet.paste(portrait().resize((213, 200)), (0, 50))
    sheet.paste(portrait(), (320, 0))
    large, small = find_faces(np.asarray(sheet))
    assert large.height > small.height
    assert large.left_eye[0] > 320 > small.right_eye[0]


@pytest.mark.parametrize("pixels", [(4, 4), (12, 12), (5, 400), (64, 64)])
def test_a_plain_picture_of_any_shape_has_no_faces(pixels: tuple[int, int]) -> None:
    assert find_faces(np.full((*pixels, 3), 128, np.uint8)) == ()


def test_a_texture_has_no_faces() -> None:
    assert find_faces(photo_of(picture(golden("sg2_64_rgb").generator, 5)).pixels) == ()


def test_what_is_transparent_hides_a_face() -> None:
    pixels = np.asarray(portrait().convert("RGBA")).copy()
    assert len(find_faces(pixels)) == 1
    pixels[..., 3] = 0
    assert find_faces(pixels) == ()


boxes = st.lists(
    st.tuples(*[st.floats(0, 50, width=32)] * 2, *[st.floats(1, 30, width=32)] * 2), min_size=1, max_size=12
).map(lambda found: torch.tensor([(x, y, x + w, y + h) for x, y, w, h in found]))


def common(a: torch.Tensor, b: torch.Tensor, *, of_smaller: bool) -> float:
    across, down = (torch.minimum(a[2:], b[2:]) - torch.maximum(a[:2], b[:2])).clamp(min=0).tolist()
    first, second = (float((box[2] - box[0]) * (box[3] - box[1])) for box in (a, b))
    whole = min(first, second) if of_smaller else first + second - across * down
    return across * down / whole


@given(boxes, st.booleans())
def test_of_boxes_that_stay_none_covers_another_and_each_that_goes_is_covered_by_a_better_one(
    given_boxes: torch.Tensor, of_smaller: bool
) -> None:
    scores = torch.linspace(1, 0, len(given_boxes))
    stay = kept(given_boxes, scores, 0.5, of_smaller=of_smaller).tolist()
    slack = 1e-4
    for place in range(len(given_boxes)):
        better = [k for k in stay if k < place]
        most = max((common(given_boxes[place], given_boxes[k], of_smaller=of_smaller) for k in better), default=0)
        if place in stay:
            assert most <= 0.5 + slack
        else:
            assert most > 0.5 - slack


@given(boxes)
def test_squares_hold_their_boxes(given_boxes: torch.Tensor) -> None:
    squares = squared(given_boxes)
    sides = squares[:, 2:] - squares[:, :2]
    assert torch.allclose(sides[:, 0], sides[:, 1], atol=1e-3)
    assert (squares[:, :2] <= given_boxes[:, :2] + 1e-3).all()
    assert (squares[:, 2:] >= given_boxes[:, 2:] - 1e-3).all()
