"""Where an unaligned photo may stand: thousands of shifts and rotations, the likely ones with a style to explain them.

A search that starts upright finds only what stands nearly upright. So the photo is moved back from each place of a
grid, very small, and judged by how well the model's own samples explain what is seen, which needs no picture of the
model: a Gaussian with few directions, fitted to small pictures of samples. What the photo does not show of the moved
picture is left out. Only the best places are looked at closely.

Source: probabilistic principal components (Tipping and Bishop 1999), with missing pixels.
"""

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from explorer.projection.bank import Bank
from explorer.projection.explained import THUMB, Explained, shrunk
from explorer.projection.target import Target
from explorer.projection.variables import Variables, matrices

__all__ = ["moved_back", "places"]

_ANGLES = 48
_REACH, _SHIFTS = 0.24, 7
_CHUNK = 256
# Around so many of the best, twice between the places of the grid; so many are explained at last.
_FINER, _ROUNDS = 24, 2
_LIKELY, _AT_ONCE = 32, 8
# A sector of directions has so many of these at most: upside down may be unlikely by this measure, and true.
_SECTORS, _PER_SECTOR = 8, 4
# Photos are seen at twice the size, then averaged, so that a turned one is not ragged.
_SEEN = 2 * THUMB


def places(target: Target, bank: Bank) -> Iterator[Variables]:
    """The likeliest places, the best first, a few at a time, each with the style that would explain the photo there.

    Shifts reach a quarter of the picture, rotations all around.
    """
    model = Explained(bank.looks, target.image.shape[1])
    for rows in torch.split(_likely(target, model), _AT_ONCE):
        with torch.no_grad():
            yield Variables(bank.learned(model.filled(*moved_back(target, rows))), place=rows)


def _likely(target: Target, model: Explained) -> Tensor:
    """Shift, shift and angle of the likeliest places, ``[n, 3]``."""
    turn, shift = 2 * math.pi / _ANGLES, 2 * _REACH / (_SHIFTS - 1)
    steps = torch.linspace(-_REACH, _REACH, _SHIFTS)
    rows = torch.cartesian_prod(steps, steps, torch.arange(_ANGLES) * turn).to(target.image)
    scores = _scores(target, model, rows)
    for _ in range(_ROUNDS):
        turn, shift = turn / 2, shift / 2
        best = _apart(rows, scores, _FINER, shift, turn)
        offsets = torch.tensor([[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]])
        offsets = offsets * torch.tensor([shift, shift, turn])
        finer = (rows[best][:, None] + offsets.to(rows)).flatten(0, 1)
        rows, scores = torch.cat([rows, finer]), torch.cat([scores, _scores(target, model, finer)])
    return rows[_apart(rows, scores, _LIKELY, shift, turn, per_sector=_PER_SECTOR)]


def _apart(
    rows: Tensor, scores: Tensor, count: int, shift: float, turn: float, *, per_sector: int | None = None
) -> list[int]:
    """The best ones that are not next to a better one."""
    kept: list[int] = []
    sectors = (torch.remainder(rows[:, 2] / (2 * math.pi), 1) * _SECTORS + 0.5).long() % _SECTORS
    for index in scores.argsort(stable=True).tolist():
        if per_sector is not None and int((sectors[kept] == sectors[index]).sum()) >= per_sector:
            continue
        difference = rows[kept] - rows[index]
        angle = torch.remainder(difference[:, 2] + math.pi, 2 * math.pi) - math.pi
        near = (difference[:, :2].abs() < 1.5 * shift).all(dim=1) & (angle.abs() < 1.5 * turn)
        if not bool(near.any()):
            kept.append(index)
        if len(kept) == count:
            break
    return kept


def _scores(target: Target, model: Explained, rows: Tensor) -> Tensor:
    return torch.cat([model.unlikely(*moved_back(target, part)) for part in torch.split(rows, _CHUNK)])


def moved_back(target: Target, place: Tensor) -> tuple[Tensor, Tensor]:
    """The photo as the model would draw it, ``[K, C, n, n]``, and which of it the photo shows, ``[K, 1, n, n]``."""
    image, mask = shrunk(target, _SEEN)
    rows = matrices(place)[:, :2].clone()
    # Places are of the square canvas that an oblong picture is cut from, half of which is 1 to the sampler; to the
    # sampler, though, 1 is half of each side.
    sides = torch.tensor([target.image.shape[3], target.image.shape[2]]).to(rows)
    rows[:, :, 2] *= 2
    rows *= sides.max() / sides[:, None]
    rows[:, :, :2] *= sides / sides.max()
    grid = functional.affine_grid(rows, [len(place), 1, _SEEN, _SEEN], align_corners=False)
    images = functional.grid_sample(image.expand(len(place), -1, -1, -1), grid, align_corners=False)
    seen = functional.grid_sample(mask.expand(len(place), -1, -1, -1), grid, align_corners=False)
    # What counts in part only was averaged with what does not count.
    return images / seen.clamp_min(1e-3), seen
