from pathlib import Path

import pytest
import torch

from explorer.features import bundled_features
from explorer.projection import Bank, Loss, bank_steps, cached_bank_steps, make_target
from explorer.projection.cache import load_bank
from explorer.projection.coordinates import Coordinates
from explorer.projection.explained import Explained, look
from explorer.projection.noise import noise_penalty, normalised
from explorer.projection.variables import Painter, Variables
from tests.models import golden
from tests.projection.nets import bank, finished, photo_of, picture

NAME = "sg2_32_orig"


def made(folder: Path) -> Bank:
    checkpoint = golden(NAME)
    steps = cached_bank_steps(checkpoint.generator, model=checkpoint.info.sha256, count=24, folder=folder)
    return finished(steps)


def test_a_kept_bank_is_read_with_equal_bits(tmp_path: Path) -> None:
    first, second = made(tmp_path), made(tmp_path)
    assert first is not second
    assert torch.equal(first.weights, second.weights)
    assert torch.equal(first.looks, second.looks)
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"no bank", b"\xff" * 4000])
def test_a_damaged_bank_is_made_anew(tmp_path: Path, content: bytes) -> None:
    first = made(tmp_path)
    (path,) = tmp_path.iterdir()
    path.write_bytes(content)
    assert torch.equal(made(tmp_path).weights, first.weights)
    assert load_bank(path, torch.device("cpu")) is not None


def test_a_folder_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert len(made(tmp_path / "file").v) == 24


def test_the_regression_is_nearer_than_the_nearest_sample() -> None:
    generator, features, known = golden(NAME).generator, bundled_features(), bank(NAME)
    painter = Painter(generator, known.coordinates)
    wins = 0
    for seed in range(200, 208):
        target = make_target(photo_of(picture(generator, seed)), generator.spec)
        guesses = known.guesses(target, 2)
        with torch.no_grad():
            learned, nearest = Loss(target, features)(painter(Variables(guesses)))
        wins += bool(learned < nearest)
    assert wins >= 6


def test_coordinates_and_back_are_the_identity() -> None:
    known = bank(NAME)
    w = known.coordinates.w(known.v)
    assert torch.allclose(known.coordinates.v(w), known.v, atol=1e-3)
    samples = torch.randn(200, 12, generator=torch.Generator().manual_seed(0)) * torch.arange(1, 13)
    spread = Coordinates.of(samples).v(samples).std(dim=0)
    assert torch.allclose(spread, torch.ones(12), atol=1e-2)


def test_a_bank_of_few_pictures_knows_every_direction() -> None:
    assert len(finished(bank_steps(golden(NAME).generator, count=8)).coordinates.basis) == 48


def test_what_is_covered_is_filled_in_by_what_samples_look_like() -> None:
    generator, known = golden(NAME).generator, bank(NAME)
    model, nearer = Explained(known.looks, 3), 0
    seen = torch.ones(1, 1, 32, 32)
    seen[..., 16:] = 0
    for seed in range(300, 308):
        image = picture(generator, seed).clamp(-1, 1)
        filled = model.filled(image * seen, seen)
        assert torch.equal(filled, model.filled(torch.where(seen > 0, image, 9.0), seen))
        mean = known.looks.mean(dim=0)
        nearer += bool((filled - look(image)).square().mean() < (mean - look(image)).square().mean())
    assert nearer >= 7


def test_directions_without_spread_are_left_out() -> None:
    samples = torch.randn(50, 3, generator=torch.Generator().manual_seed(0))
    samples[:, 2] = 1
    assert Coordinates.of(samples).basis.shape == (2, 3)


def test_noise_has_no_penalty_and_a_gradient_has_one() -> None:
    noise = torch.randn(64, 64, generator=torch.Generator().manual_seed(0))
    ramp = torch.linspace(-1.7, 1.7, 64).expand(64, 64)
    assert float(noise_penalty([noise])) < 0.1 < 1 < float(noise_penalty([ramp]))
    flat = normalised([noise * 3 + 1, ramp]).split(64 * 64)
    assert all(float(part.mean()) == pytest.approx(0, abs=1e-5) for part in flat)
    assert all(float(part.square().mean()) == pytest.approx(1, abs=1e-4) for part in flat)


def test_a_bank_that_a_person_waits_for_is_cut_short() -> None:
    generator = golden("sg2_32_orig").generator
    ticks = iter(range(1000))
    steps = bank_steps(generator, count=64, within_s=3.5, clock=lambda: float(next(ticks)))
    # The first look at the clock is the beginning; the fewest, 16, are made without another.
    assert len(finished(steps).v) == 16 + 3 * 8
