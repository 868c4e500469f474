"""The laws of the augmentation pipe."""

import dataclasses
import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from tests.tolerances import AUGMENT_MEANS, DOUBLE, GRADIENT_CHECK, OPS
from training.augment import GROUPS, PIPES, AugmentDraws, augment, diff_augment
from training.augment.colour import colour_matrix, recolour
from training.augment.corruption import SYM2, filter_bands
from training.augment.geometry import SYM6, blit_matrix, geometry_matrix, transform
from training.augment.sampling import sample_bilinear


def draws(count: int, size: tuple[int, int] = (16, 16), seed: int = 0) -> AugmentDraws:
    return AugmentDraws.draw((count, 3, *size), torch.Generator().manual_seed(seed), with_pictures=True)


def pictures(count: int, size: tuple[int, int] = (16, 16)) -> Tensor:
    return torch.rand(count, 3, *size, generator=torch.Generator().manual_seed(7)) * 2 - 1


def smooth(size: int = 32) -> Tensor:
    y, x = torch.meshgrid(*[torch.linspace(-1, 1, size)] * 2, indexing="ij")
    return torch.stack([torch.exp(-6 * ((x - 0.2) ** 2 + y**2)), x, y])[None]


def test_probability_zero_is_the_identity_bit_for_bit() -> None:
    images = pictures(8)
    assert augment(images, draws(8), p=0.0, groups=GROUPS) is images


def test_a_tiny_probability_leaves_nearly_all_untouched() -> None:
    images, drawn = pictures(200), draws(200)
    after = augment(images, drawn, p=0.01, groups=PIPES["blit"])
    same = (after == images).flatten(1).all(dim=1)
    assert 0.9 < same.float().mean() < 1.0


def test_the_same_draws_do_the_same_again_and_to_a_part_of_the_batch() -> None:
    images, drawn, rows = pictures(6), draws(6), torch.tensor([1, 4])
    whole = augment(images, drawn, p=0.9, groups=GROUPS)
    assert torch.equal(whole, augment(images, drawn, p=0.9, groups=GROUPS))
    part = augment(images[rows], drawn.rows(rows, "cpu"), p=0.9, groups=GROUPS)
    torch.testing.assert_close(part, whole[rows], **OPS.kwargs)


@pytest.mark.parametrize("name", ["scale", "stretch", "contrast", "saturation"])
def test_factors_happen_as_often_as_asked_and_their_logarithms_average_nothing(name: str) -> None:
    count, p = 20_000, 0.3
    drawn = draws(count, (1, 1))
    assert drawn.happens(name, p).float().mean().item() == pytest.approx(p, **AUGMENT_MEANS.approx)
    assert drawn.normal(name).mean().item() == pytest.approx(0, **AUGMENT_MEANS.approx)


def test_at_full_strength_the_mean_matrix_is_the_one_of_the_formulas() -> None:
    drawn = draws(20_000, (1, 1))
    size = {"height": 40, "width": 40}
    blit = blit_matrix(drawn, 1.0, **size)
    # Half of all are mirrored and quarter turns cancel: nothing of the picture's orientation is left on average.
    assert blit[:, :2].mean(dim=0).abs().max() < 0.15
    assert blit[:, 0, 2].abs().max() == 5
    assert torch.equal(blit, blit.round())
    geometry = geometry_matrix(drawn, 1.0, **size)
    assert geometry[:, :2, :2].mean(dim=0).abs().max() < 0.02
    # A turn keeps areas, a stretch too: what is left is the scale's.
    area = torch.linalg.det(geometry[:, :2, :2]).log()
    assert area.mean().item() == pytest.approx(0, **AUGMENT_MEANS.approx)
    assert area.std().item() == pytest.approx(2 * 0.2 * math.log(2), **AUGMENT_MEANS.approx)
    colour = colour_matrix(drawn, 1.0)
    grey = torch.full((3,), 3**-0.5)
    along = torch.einsum("i,nij,j->n", grey, colour[:, :3, :3], grey)
    # Along the grey axis only contrast and the mirrored luma act.
    assert along.abs().log().std().item() == pytest.approx(0.5 * math.log(2), **AUGMENT_MEANS.approx)
    assert (along < 0).float().mean().item() == pytest.approx(0.5, **AUGMENT_MEANS.approx)


def test_a_turn_happens_with_probability_p_though_there_are_two() -> None:
    drawn = draws(20_000, (1, 1))
    p = 0.4
    each = 1 - math.sqrt(1 - p)
    either = drawn.happens("turn_before", each) | drawn.happens("turn_after", each)
    assert either.float().mean().item() == pytest.approx(p, **AUGMENT_MEANS.approx)


def test_noise_and_cutout_have_the_published_strength() -> None:
    images = torch.zeros(4000, 1, 16, 16)
    drawn = AugmentDraws.draw(images.shape, torch.Generator().manual_seed(0), with_pictures=True)
    noisy = augment(images, drawn, p=1.0, groups=("noise",))
    assert noisy.square().mean().item() == pytest.approx(0.01, **AUGMENT_MEANS.approx)
    cut = augment(images + 1, drawn, p=1.0, groups=("cutout",))
    # Half of each side, less what lies beyond the edges.
    assert 1 - cut.mean().item() == pytest.approx((1 / 2 - 1 / 16) ** 2, **AUGMENT_MEANS.approx)


def moved(images: Tensor, rows: list[list[float]]) -> Tensor:
    return transform(images, torch.tensor([rows], dtype=torch.float32).repeat(len(images), 1, 1))


def test_whole_shifts_and_mirrors_move_pixels_exactly() -> None:
    images = pictures(2, (16, 12))
    shifted = moved(images, [[1, 0, -3], [0, 1, 2], [0, 0, 1]])
    torch.testing.assert_close(shifted[:, :, 2:12, 5:10], images[:, :, 4:14, 2:7], **OPS.kwargs)
    mirrored = moved(smooth(), [[-1, 0, 0], [0, 1, 0], [0, 0, 1]])
    torch.testing.assert_close(mirrored, smooth().flip(3), rtol=0, atol=0.02)


def test_a_quarter_turn_is_a_quarter_turn() -> None:
    turned = moved(smooth(), [[0, 1, 0], [-1, 0, 0], [0, 0, 1]])
    torch.testing.assert_close(turned, smooth().rot90(-1, (2, 3)), rtol=0, atol=0.02)


def test_a_known_turn_and_scale_take_a_blob_where_they_should() -> None:
    y, x = torch.meshgrid(*[torch.arange(64) - 31.5] * 2, indexing="ij")

    def blob(cx: float, cy: float, width: float) -> Tensor:
        return torch.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * width**2))[None, None]

    angle, scale = 0.7, 1.5
    cos, sin = math.cos(angle), math.sin(angle)
    back = [[cos / scale, sin / scale, 0.0], [-sin / scale, cos / scale, 0.0], [0, 0, 1]]
    expected = blob(scale * (cos * 10 - sin * 4), scale * (sin * 10 + cos * 4), 5 * scale)
    after = moved(blob(10, 4, 5), back)
    torch.testing.assert_close(after, expected, rtol=0, atol=0.03)
    centre = [(after * axis).sum() / after.sum() - (expected * axis).sum() / expected.sum() for axis in (x, y)]
    assert max(abs(offset.item()) for offset in centre) < 0.05


def test_the_geometry_and_its_inverse_cancel() -> None:
    back = geometry_matrix(draws(1, (64, 64), seed=3), 1.0, height=64, width=64)
    back[:, :2, 2] *= 0.3
    there = transform(smooth(64), back)
    again = transform(there, torch.linalg.inv(back))
    assert (again - smooth(64))[:, :, 24:40, 24:40].abs().max() < 0.06


def test_oblong_pictures_keep_their_size_and_turn_by_halves() -> None:
    images, drawn = pictures(50, (8, 12)), draws(50, (8, 12))
    assert augment(images, drawn, p=1.0, groups=GROUPS).shape == images.shape
    blit = blit_matrix(drawn, 1.0, height=8, width=12)
    assert blit[:, 0, 1].abs().max() == 0


def test_colours_are_invertible_and_grey_stays_grey() -> None:
    drawn, images = draws(32), pictures(32)
    matrix = colour_matrix(drawn, 1.0)
    back = recolour(recolour(images, matrix), torch.linalg.inv(matrix))
    torch.testing.assert_close(back, images, rtol=1e-3, atol=1e-4)
    plain = images[:, :1].repeat(1, 3, 1, 1)
    seen = recolour(plain, matrix)
    torch.testing.assert_close(seen, seen[:, :1].expand_as(seen), rtol=0, atol=1e-4)
    assert recolour(images[:, :1], matrix).shape[1] == 1
    with_alpha = torch.cat([images, images[:, :1]], dim=1)
    assert torch.equal(recolour(with_alpha, matrix)[:, 3], with_alpha[:, 3])


@pytest.mark.parametrize("taps", [SYM2, SYM6])
def test_the_wavelets_are_orthonormal_to_their_even_shifts_and_pass_constants(taps: tuple[float, ...]) -> None:
    products = np.correlate(taps, taps, "full")[len(taps) - 1 :: 2]
    np.testing.assert_allclose(products, np.eye(len(products))[0], **DOUBLE.kwargs)
    assert sum(taps) == pytest.approx(math.sqrt(2))
    assert sum(tap * (-1) ** i for i, tap in enumerate(taps)) == pytest.approx(0, abs=1e-9)


def test_the_bands_add_up_to_the_picture_and_each_holds_its_frequencies() -> None:
    bands = filter_bands()
    whole = torch.zeros(bands.shape[1])
    whole[bands.shape[1] // 2] = 1
    torch.testing.assert_close(bands.sum(dim=0), whole, **OPS.kwargs)
    power = torch.fft.rfft(bands, n=512).abs()
    edges = [0, 32, 64, 128, 257]
    for i, band in enumerate(power):
        shares = [band[a:b].square().sum().item() for a, b in itertools.pairwise(edges)]
        assert max(range(4), key=shares.__getitem__) == i


@pytest.mark.parametrize("pipe", ["bgc", "bgcfnc"])
def test_gradients_and_their_gradients_are_right(pipe: str) -> None:
    # A small odd size, so that margins differ on each side.
    drawn = dataclasses.replace(draws(2, (5, 4), seed=1))
    images = pictures(2, (5, 4)).double().requires_grad_()

    def run(x: Tensor) -> Tensor:
        return augment(x.float(), drawn, p=0.9, groups=PIPES[pipe]).double()

    # In float32 inside: wide steps, loose bounds.
    assert torch.autograd.gradcheck(
        run, images, eps=1e-2, atol=GRADIENT_CHECK.atol, rtol=GRADIENT_CHECK.rtol, fast_mode=True
    )
    weight = torch.randn(2, 3, 5, 4, dtype=torch.float64, requires_grad=True)
    (first,) = torch.autograd.grad((run(images) * weight).sum(), images, create_graph=True)
    (second,) = torch.autograd.grad(first.square().sum(), weight)
    # The pipe is affine in the picture: the gradient's gradient is the linear part of the pipe of the gradient.
    twice = 2 * (run(first) - run(torch.zeros_like(first)))
    torch.testing.assert_close(second, twice.detach(), rtol=1e-3, atol=1e-3)


def test_sampling_can_be_differentiated_twice() -> None:
    image = torch.randn(1, 2, 4, 5, dtype=torch.float64, requires_grad=True)
    grid = torch.rand(1, 3, 3, 2, dtype=torch.float64) * 1.6 - 0.8
    assert torch.autograd.gradgradcheck(lambda x: sample_bilinear(x, grid).pow(3), image)


def test_diffaugment_keeps_means_shifts_and_cuts() -> None:
    images, drawn = pictures(2000), draws(2000)
    coloured = diff_augment(images, drawn, policies=("colour",))
    assert (coloured.mean() - images.mean()).abs() < 0.03
    shifted = diff_augment(images, drawn, policies=("translation",))
    at_home = (shifted == images).flatten(1).all(dim=1).float().mean().item()
    assert at_home == pytest.approx(1 / 25, abs=0.02)
    gone = (diff_augment(torch.ones_like(images), drawn, policies=("cutout",)) == 0).float().mean()
    assert gone.item() == pytest.approx((1 / 2 - 1 / 16) ** 2, **AUGMENT_MEANS.approx)
    assert torch.equal(diff_augment(images, drawn, policies=()), images)


def test_diffaugment_moves_rows_and_columns_together() -> None:
    images, drawn = pictures(40, (16, 24)), draws(40, (16, 24))
    shifted = diff_augment(images, drawn, policies=("translation",))
    left = (drawn.uniform("shift") * 7).long() - 3
    top = (drawn.uniform("shift_y") * 5).long() - 2
    for before, after, x, y in zip(images, shifted, left.tolist(), top.tolist(), strict=True):
        assert torch.equal(after[:, 4:12, 6:18], before[:, 4 + y : 12 + y, 6 + x : 18 + x])
