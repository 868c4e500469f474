"""Boxes ``[N, 4]``: left, top, right and bottom in pixels."""

import torch
from torch import Tensor

__all__ = ["kept", "moved", "squared"]


def kept(boxes: Tensor, scores: Tensor, most: float, *, of_smaller: bool = False) -> Tensor:
    """Numbers of the boxes that stay when each takes away those below it that it covers too much, best first.

    Args:
        boxes: ``[N, 4]``.
        scores: ``[N]``.
        most: How much of two boxes may be common to both.
        of_smaller: Measured in areas of the smaller of the two; of both together otherwise.
    """
    order = scores.argsort(descending=True)
    left, top, right, bottom = boxes[order].unbind(1)
    areas = (right - left) * (bottom - top)
    across = torch.minimum(right[:, None], right) - torch.maximum(left[:, None], left)
    down = torch.minimum(bottom[:, None], bottom) - torch.maximum(top[:, None], top)
    common = across.clamp(min=0) * down.clamp(min=0)
    whole = torch.minimum(areas[:, None], areas) if of_smaller else areas[:, None] + areas - common
    covers = common > most * whole
    stays = torch.ones(len(order), dtype=torch.bool)
    for place in range(len(order)):
        if stays[place]:
            stays[place + 1 :] &= ~covers[place, place + 1 :]
    return order[stays]


def moved(boxes: Tensor, edges: Tensor) -> Tensor:
    """Boxes whose edges went by shares ``[N, 4]`` of their width and height."""
    size = boxes[:, 2:] - boxes[:, :2]
    return boxes + edges * size.repeat(1, 2)


def squared(boxes: Tensor) -> Tensor:
    """The squares around the same middles, as large as the longer side."""
    half = (boxes[:, 2:] - boxes[:, :2]).amax(dim=1, keepdim=True) / 2
    middle = (boxes[:, 2:] + boxes[:, :2]) / 2
    return torch.cat((middle - half, middle + half), dim=1)
