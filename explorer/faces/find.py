"""Finding faces: a small network judges every place and size, a larger one what is left, and the largest the rest."""

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from explorer.faces.boxes import kept, moved, squared
from explorer.faces.face import Face, Point
from explorer.faces.networks import (
    DECIDER_PX,
    PROPOSER_PX,
    PROPOSER_STRIDE,
    REFINER_PX,
    Verdict,
    decide,
    propose,
    refine,
)

__all__ = ["find_faces"]

# The photo is looked at so large at most: faces are found as well as at any size, in a tenth of a second.
_LOOKED_AT_PX = 640
# The smallest face, as a share of the photo's shorter side.
_SMALLEST = 1 / 12
_SHRINK = 0.709
# Zhang et al. 2016: what a network must be sure of to pass a square on.
_PROPOSED, _REFINED, _DECIDED = 0.6, 0.7, 0.7


def find_faces(pixels: npt.NDArray[np.uint8]) -> tuple[Face, ...]:
    """The faces of a photo, the largest first.

    Upright or tilted by up to about 40 degrees, and no smaller than a twelfth of the shorter side.

    Args:
        pixels: ``[H, W, C]`` with three channels or four; what is transparent is grey to the networks.
    """
    image, share = _prepared(pixels)
    with torch.inference_mode():
        boxes = _proposed(image)
        if len(boxes):
            boxes = _inside(_checked(boxes, refine(_squares(image, boxes, REFINER_PX))), image)
        if not len(boxes):
            return ()
        verdict, points = decide(_squares(image, boxes, DECIDER_PX))
        places = boxes[:, None, :2] + points * (boxes[:, None, 2:] - boxes[:, None, :2])
        sure = verdict.scores > _DECIDED
        boxes, scores, places = moved(boxes, verdict.edges)[sure], verdict.scores[sure], places[sure]
        stay = kept(boxes, scores, 0.7, of_smaller=True)
    found = [_face(boxes[k] / share, float(scores[k]), places[k] / share) for k in stay.tolist()]
    return tuple(sorted(found, key=lambda face: -face.height))


def _prepared(pixels: npt.NDArray[np.uint8]) -> tuple[Tensor, float]:
    """``[1, 3, h, w]``, -1 to 1, and by how much it was made smaller."""
    height, width = pixels.shape[:2]
    share = min(1.0, _LOOKED_AT_PX / max(height, width))
    photo = Image.fromarray(pixels)
    if pixels.shape[2] == 4:
        ground = Image.new("RGBA", photo.size, (128, 128, 128, 255))
        photo = Image.alpha_composite(ground, photo).convert("RGB")
    size = (max(PROPOSER_PX, round(width * share)), max(PROPOSER_PX, round(height * share)))
    small = np.asarray(photo.resize(size, Image.Resampling.BOX), np.float32)
    return torch.from_numpy((small - 127.5) / 128).permute(2, 0, 1)[None], share


def _proposed(image: Tensor) -> Tensor:
    """Boxes ``[N, 4]`` that may be faces."""
    shorter = min(image.shape[2:])
    share = min(1.0, PROPOSER_PX / (shorter * _SMALLEST))
    found: list[tuple[Tensor, Tensor]] = []
    while shorter * share >= PROPOSER_PX:
        size = [max(PROPOSER_PX, round(side * share)) for side in image.shape[2:]]
        verdict = propose(functional.interpolate(image, size=size, mode="area"))
        rows, columns = (verdict.scores > _PROPOSED).nonzero(as_tuple=True)
        corner = torch.stack((columns, rows), dim=1) * float(PROPOSER_STRIDE)
        boxes = torch.cat((corner, corner + PROPOSER_PX), dim=1) / share
        scores = verdict.scores[rows, columns]
        boxes = moved(boxes, verdict.edges[rows, columns])
        stay = kept(boxes, scores, 0.5)
        found.append((boxes[stay], scores[stay]))
        share *= _SHRINK
    if not found:
        return torch.empty(0, 4)
    boxes, scores = (torch.cat(parts) for parts in zip(*found, strict=True))
    return _inside(squared(boxes[kept(boxes, scores, 0.7)]), image)


def _checked(boxes: Tensor, verdict: Verdict) -> Tensor:
    sure = verdict.scores > _REFINED
    boxes, scores = moved(boxes, verdict.edges)[sure], verdict.scores[sure]
    return squared(boxes[kept(boxes, scores, 0.7)])


def _inside(boxes: Tensor, image: Tensor) -> Tensor:
    """Those that show some of the picture."""
    left, top, right, bottom = boxes.round().unbind(1)
    height, width = image.shape[2:]
    sees = (right.clamp(max=width) > left.clamp(min=0)) & (bottom.clamp(max=height) > top.clamp(min=0))
    return boxes[sees]


def _squares(image: Tensor, boxes: Tensor, side: int) -> Tensor:
    """What is in boxes, ``[N, 3, side, side]``; grey beyond the picture."""
    cut = []
    for left, top, right, bottom in boxes.round().int().tolist():
        over = (max(0, -left), max(0, right - image.shape[3]), max(0, -top), max(0, bottom - image.shape[2]))
        inside = image[..., max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
        cut.append(functional.interpolate(functional.pad(inside, over), size=(side, side), mode="area"))
    return torch.cat(cut)


def _face(box: Tensor, score: float, places: Tensor) -> Face:
    left, top, right, bottom = box.tolist()
    points: list[Point] = [(x, y) for x, y in places.tolist()]
    return Face((left, top, right, bottom), score, *points)
