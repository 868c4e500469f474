"""Where an unaligned photo may stand: many shifts and rotations, each with the style that would explain it.

A search that starts upright finds only what stands nearly upright, so a coarse grid of places is tried first. For each,
the photo is moved back to where the model would draw it, and the bank says what style that looks like.
"""

import itertools
import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from explorer.features.network import FeatureNetwork
from explorer.projection.bank import Bank
from explorer.projection.target import Target
from explorer.projection.variables import Variables, matrices

__all__ = ["near", "places"]

_ANGLES = 12
_SHIFTS = (-0.2, 0.0, 0.2)
_CHUNK = 12
_FINER = 4


def places(target: Target, bank: Bank, features: FeatureNetwork) -> Iterator[Variables]:
    """A grid over all rotations and shifts by up to a fifth of the picture, a few at a time."""
    grid = itertools.product(range(_ANGLES), _SHIFTS, _SHIFTS)
    rows = torch.tensor([[x, y, index * 2 * math.pi / _ANGLES] for index, x, y in grid]).to(target.image)
    # The upright place first, which a search can do with.
    rows = rows[rows.abs().sum(dim=1).argsort(stable=True)]
    for place in rows.split(_CHUNK):
        yield _explained(place, target, bank, features)


def near(best: Variables, target: Target, bank: Bank, features: FeatureNetwork) -> Iterator[Variables]:
    """Places between those of the grid, around the best ones; places are halfway to the neighbours."""
    assert best.place is not None
    turn, shift = math.pi / _ANGLES, (_SHIFTS[1] - _SHIFTS[0]) / 2
    offsets = [[0, 0, turn], [0, 0, -turn], [shift, 0, 0], [-shift, 0, 0], [0, shift, 0], [0, -shift, 0]]
    for place in best.place[:_FINER]:
        yield _explained(place + torch.tensor(offsets).to(place), target, bank, features)


def _explained(place: Tensor, target: Target, bank: Bank, features: FeatureNetwork) -> Variables:
    with torch.no_grad():
        return Variables(bank.learned(_moved_back(target, place), features), place=place)


def _moved_back(target: Target, place: Tensor) -> Tensor:
    """The photo as the model would draw it, ``[K, C, H, W]``."""
    image = target.image
    if target.mask is not None:
        # What is covered has the colour of the rest.
        mean = (image * target.mask).sum(dim=(2, 3), keepdim=True) / target.mask.sum()
        image = image * target.mask + mean * (1 - target.mask)
    rows = matrices(place)[:, :2].clone()
    # Half a picture is 1 to the sampler.
    rows[:, :, 2] *= 2
    images = image.expand(len(place), -1, -1, -1)
    grid = functional.affine_grid(rows, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
