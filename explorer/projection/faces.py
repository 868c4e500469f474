"""Cutting a face out of a photo as the faces were cut that models of people's faces learned from."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from explorer.projection.photo import Photo

if TYPE_CHECKING:
    from explorer.faces import Face

__all__ = ["FACES", "NO_FACE", "Square", "aligned", "cut_square", "face_square", "wants_faces", "with_face"]

FACES = "faces"
"""The entry of a model card that says how its faces were cut: ``ffhq``, or ``false`` for faces as they come."""

NO_FACE = "no face was found"
"""What is noted of a photo where one was looked for."""

_LARGEST_SIDE = 2048
_ALIGNED_SETS = ("ffhq", "celebahq", "celebamaskhq", "metfaces")


@dataclass(frozen=True, slots=True)
class Square:
    """A square, turned by any angle, in pixels of a photo."""

    middle: tuple[float, float]
    """Across and down."""
    right: tuple[float, float]
    """From its middle to the middle of its right edge."""

    @property
    def side(self) -> float:
        """In pixels."""
        return 2 * float(np.hypot(*self.right))


def face_square(face: "Face") -> Square:
    """The square around a face by its eyes and mouth of FFHQ, CelebA-HQ and MetFaces.

    Source: Karras et al. 2018, Progressive Growing of GANs, appendix C.
    """
    left, right, mouth_left, mouth_right = map(
        np.asarray, (face.left_eye, face.right_eye, face.mouth_left, face.mouth_right)
    )
    eyes, mouth = (left + right) / 2, (mouth_left + mouth_right) / 2
    along, down = right - left, mouth - eyes
    # Eyes and the way from them to the mouth agree on what is upright; a face seen from the side leans on the latter.
    upright = along + np.array([down[1], -down[0]])
    half = max(2.0 * float(np.hypot(*along)), 1.8 * float(np.hypot(*down)))
    middle = eyes + 0.1 * down
    direction = upright / max(float(np.hypot(*upright)), 1e-6) * half
    return Square((float(middle[0]), float(middle[1])), (float(direction[0]), float(direction[1])))


def cut_square(pixels: npt.NDArray[np.uint8], square: Square) -> npt.NDArray[np.uint8]:
    """What is in a square of a picture ``[H, W, 4]``, upright, ``[S, S, 4]``; transparent beyond the edges."""
    side = int(min(_LARGEST_SIDE, max(1, round(square.side))))
    (x, y), (across, down) = square.middle, square.right
    # From pixels of the result to those of the photo.
    step_x, step_y = 2 * across / side, 2 * down / side
    left, top = x - across + down, y - down - across
    table = (step_x, -step_y, left, step_y, step_x, top)
    # A rim of nothing, so that what lies at the edge of the photo is not stretched beyond it.
    image = Image.fromarray(np.pad(pixels, ((1, 1), (1, 1), (0, 0))))
    table = (*table[:2], table[2] + 1, *table[3:5], table[5] + 1)
    return np.asarray(image.transform((side, side), Image.Transform.AFFINE, table, Image.Resampling.BICUBIC)).copy()


def aligned(photo: Photo) -> Photo | None:
    """The largest face of a photo, upright and cut as in FFHQ; ``None`` where there is no face."""
    found = _found(photo)
    return None if found is None else _cut(photo, *found)


def with_face(
    photo: Photo, mask: npt.NDArray[np.float32] | None = None
) -> tuple[Photo, npt.NDArray[np.float32] | None]:
    """As `aligned`, with a mask ``[h, w]`` over the whole photo turned likewise; both as they are where is no face."""
    found = _found(photo)
    if found is None:
        return replace(photo, notes=(*photo.notes, NO_FACE)), mask
    if mask is not None:
        height, width = photo.pixels.shape[:2]
        levels = Image.fromarray((np.clip(mask, 0, 1) * 255).round().astype(np.uint8)).resize((width, height))
        pixels = np.asarray(Image.merge("RGBA", (levels, levels, levels, Image.new("L", levels.size, 255))))
        # Beyond the photo nothing is covered: there the photo itself does not count.
        turned = cut_square(pixels, found[0]).astype(np.float32) / 255
        mask = turned[..., 0] * turned[..., 3] + 1 - turned[..., 3]
    return _cut(photo, *found), mask


def _found(photo: Photo) -> tuple[Square, str] | None:
    from explorer.faces import find_faces

    faces = find_faces(photo.pixels)
    if not faces:
        return None
    return face_square(faces[0]), "the face" if len(faces) == 1 else f"the largest of {len(faces)} faces"


def _cut(photo: Photo, square: Square, which: str) -> Photo:
    pixels = cut_square(photo.pixels, square)
    return replace(photo, pixels=pixels, notes=(*photo.notes, f"{which} was turned upright and cut out"))


def wants_faces(info: Mapping[str, object]) -> bool:
    """Whether a model learned from faces cut so: its card says it, or the name of its data or of its file does.

    Args:
        info: ``CheckpointInfo.to_json()``.
    """
    card, training_set = info.get("card"), info.get("training_set")
    if isinstance(card, Mapping) and card.get(FACES) is not None:
        return card[FACES] == "ffhq"
    names = [info.get("path"), info.get("data"), *(training_set.values() if isinstance(training_set, Mapping) else ())]
    return any(_names_aligned_set(PurePath(name).name) for name in names if isinstance(name, str))


def _names_aligned_set(words: str) -> bool:
    # FFHQ-U and MetFaces-U, faces as they come, end with a letter more.
    plain = re.sub(r"[-_ ]*hq", "hq", words.lower())
    return any(re.search(rf"{name}(?![-_ ]?u(nalign\w*)?(?![a-z]))", plain) for name in _ALIGNED_SETS)
