import math

import pytest
import torch
from torch.nn import functional

from explorer.generators.styles import broadcast
from explorer.projection import Bank, Target
from explorer.projection.coordinates import Coordinates
from explorer.projection.explained import Explained, look, shrunk
from explorer.projection.placing import moved_back, places
from explorer.projection.variables import matrices
from tests.checkpoints.networks import stylegan3_generator

SIDE = 48


def drawn(count: int, seed: int) -> torch.Tensor:
    """Pictures that are alike: a figure that is neither round nor even, in soft colours that differ."""
    random = torch.Generator().manual_seed(seed)
    y, x = torch.meshgrid(*[torch.linspace(-1, 1, SIDE)] * 2, indexing="ij")
    parts = [((x - a) ** 2 + (y - b) ** 2 < r) for a, b, r in ((0, -0.2, 0.3), (-0.3, 0.5, 0.1), (0.4, 0.6, 0.05))]
    shapes = torch.stack([torch.ones_like(x), *(part.float() for part in parts)])
    colours = torch.tensor([0.6, -0.7, -0.2, 0.9]) + 0.15 * torch.randn(count, 3, 4, generator=random)
    return torch.einsum("ncs,shw->nchw", colours, shapes).clamp(-1, 1)


def bank_of(images: torch.Tensor) -> Bank:
    looks = look(images)
    v = torch.randn(len(images), 4, generator=torch.Generator().manual_seed(1))
    one = torch.ones(())
    scale = torch.stack([looks.mean(dim=0), looks.std(dim=0) + 1e-3])
    return Bank(Coordinates(torch.zeros(4), torch.eye(4)), v, looks, scale, one, v)


def moved(image: torch.Tensor, place: torch.Tensor) -> torch.Tensor:
    """The picture where a model would draw it whose input is moved so."""
    rows = torch.linalg.inv(matrices(place))[:, :2].clone()
    rows[:, :, 2] *= 2
    grid = functional.affine_grid(rows, [1, 1, SIDE, SIDE], align_corners=False)
    return functional.grid_sample(image, grid, padding_mode="border", align_corners=False)


@pytest.mark.parametrize("place", [(0.0, 0.0, 0.0), (0.12, -0.07, 100.0), (-0.2, 0.15, -35.0)], ids=str)
@pytest.mark.parametrize("covered", [False, True])
def test_the_likeliest_place_is_where_the_picture_stands(place: tuple[float, float, float], covered: bool) -> None:
    x, y, angle = place
    wanted = torch.tensor([[x, y, math.radians(angle)]])
    image = moved(drawn(1, 7), wanted)
    mask = None
    if covered:
        mask = torch.ones(1, 1, SIDE, SIDE)
        mask[..., :12, :12] = 0
        image = torch.where(mask > 0, image, 1.0)
    first = next(places(Target(image, mask), bank_of(drawn(120, 0)))).place[0]
    assert (first[:2] - wanted[0, :2]).norm() * SIDE < 3
    off = math.degrees(float(first[2] - wanted[0, 2]))
    assert abs((off + 180) % 360 - 180) < 6


@pytest.mark.parametrize("size", [(32, 16), (16, 32), (32, 32)], ids=str)
@pytest.mark.parametrize("place", [(0.1, 0.0, 0.0), (0.0, 0.1, 0.0), (0.0, 0.0, 40.0), (0.1, -0.05, 130.0)], ids=str)
def test_a_picture_of_any_shape_is_moved_back_from_where_the_model_put_it(
    size: tuple[int, int], place: tuple[float, float, float]
) -> None:
    g = stylegan3_generator(resolution=32, crop=size, variant="r")
    x, y, angle = place
    row = torch.tensor([[x, y, math.radians(angle)]])
    with torch.no_grad():
        s = g.style(broadcast(g.map(torch.randn(1, 8, generator=torch.Generator().manual_seed(1))), g.spec.num_ws))
        upright, put = g.synthesize(s), g.synthesize(s, transform=matrices(row))
    back, seen = moved_back(Target(put), row)
    wanted, _ = shrunk(Target(upright), back.shape[2])
    shown = (seen > 0.99).expand_as(back)
    spread = (wanted - wanted.mean(dim=(2, 3), keepdim=True))[shown].square().mean()
    assert shown.float().mean() > 0.5
    assert (back - wanted)[shown].square().mean() < 0.01 * spread


def test_a_place_does_not_win_by_hiding_what_is_badly_explained() -> None:
    model = Explained(look(drawn(120, 0)), 3)
    # Noise is as badly explained everywhere.
    noise = 2 * torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(5)) - 1
    whole, half = torch.ones(1, 1, SIDE, SIDE), torch.ones(1, 1, SIDE, SIDE)
    half[..., : SIDE // 2] = 0
    shown, hidden = (float(model.unlikely(noise, seen)) for seen in (whole, half))
    assert hidden > 0.7 * shown
