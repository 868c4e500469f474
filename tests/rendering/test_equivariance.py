import math

import numpy as np
import pytest
import torch

from explorer.generators.styles import broadcast
from explorer.rendering.affine import move_pixels
from explorer.rendering.equivariance import (
    Errors,
    _filtered_as_turned,
    _pixels_shifted,
    _pixels_shifted_finely,
    equivariance_steps,
    rotation,
    shift,
    shift_whole,
)
from tests.models import GOLDEN, golden
from tests.tolerances import DECIBELS, NETS

ARRAYS = np.load(GOLDEN / "equivariance" / "sg3t_64.npz")


@pytest.fixture(scope="module")
def pictures() -> tuple[list[torch.Tensor], torch.Tensor]:
    generator = golden("sg3t_64").generator
    with torch.inference_mode():
        s = generator.style(broadcast(generator.map(torch.from_numpy(ARRAYS["z"])), generator.spec.num_ws))
        return s, generator.synthesize(s)


@pytest.mark.parametrize("trial", [0, 1, 2])
def test_readings_are_the_papers(trial: int, pictures: tuple[list[torch.Tensor], torch.Tensor]) -> None:
    generator, (s, still) = golden("sg3t_64").generator, pictures
    by = {kind: tuple(map(float, ARRAYS[f"{kind}{trial}/t"])) for kind in ("int", "frac")}
    with torch.inference_mode():
        found = {
            "int": shift_whole(generator, s, still, by["int"]),
            "frac": shift(generator, s, still, by["frac"]),
            "rot": rotation(generator, s, still, float(ARRAYS[f"rot{trial}/angle"])),
        }

    for kind, errors in found.items():
        np.testing.assert_allclose(errors.psnr_db, ARRAYS[f"{kind}{trial}/psnr"], **DECIBELS.kwargs)


def test_moved_pixels_and_masks_are_the_papers(pictures: tuple[list[torch.Tensor], torch.Tensor]) -> None:
    s, still = [part[:1] for part in pictures[0]], pictures[1][:1]
    dx, dy = (round(float(t) * 64) for t in ARRAYS["int0/t"])
    angle = float(ARRAYS["rot0/angle"])
    turn = torch.tensor([[math.cos(angle), math.sin(angle), 0], [-math.sin(angle), math.cos(angle), 0], [0, 0, 1]])
    moved = {
        "int0": _pixels_shifted(still, dx, dy),
        "frac0": _pixels_shifted_finely(still, *map(float, ARRAYS["frac0/t"])),
    }
    for name, (pixels, mask) in moved.items():
        inside = np.broadcast_to(ARRAYS[f"{name}/mask"] == 1, pixels.shape)
        np.testing.assert_array_equal(mask.numpy(), ARRAYS[f"{name}/mask"])
        np.testing.assert_allclose(pixels.numpy()[inside], ARRAYS[f"{name}/ref"][inside], **NETS.kwargs)
    turned, reached = move_pixels(still, turn)
    with torch.inference_mode():
        filtered, inner = _filtered_as_turned(golden("sg3t_64").generator.synthesize(s, transform=turn), turn)
    np.testing.assert_allclose(turned.numpy(), ARRAYS["rot0/ref"], **NETS.kwargs)
    np.testing.assert_allclose(filtered.numpy(), ARRAYS["rot0/pseudo"], **NETS.kwargs)
    np.testing.assert_array_equal((reached * inner).numpy(), ARRAYS["rot0/mask"])


def test_a_measurement_is_the_same_every_time_and_grows_by_thirds() -> None:
    first, second = (list(equivariance_steps(golden("sg3r_64").generator, samples=2)) for _ in range(2))

    assert first == second
    assert [round(found.share * 6) for found in first] == [1, 2, 3, 4, 5, 6]
    last = first[-1]
    assert last.translation.count > first[0].translation.count > 0
    # A network made to turn its picture, whatever its weights.
    assert last.rotation.psnr_db > 40
    assert last.translation.psnr_db > 40


@pytest.mark.parametrize("by", [(3, -2), (0, 0), (-64, 1), (70, 0)])
def test_whole_steps_agree_with_the_finer_filter(by: tuple[int, int]) -> None:
    x = torch.randn(1, 2, 64, 64, generator=torch.Generator().manual_seed(0))
    whole, mask = _pixels_shifted(x, *by)
    fine, inner = _pixels_shifted_finely(x, by[0] / 64, by[1] / 64)

    assert (inner <= mask).all()
    torch.testing.assert_close(fine * inner, whole * inner, **NETS.kwargs)


def test_equal_pictures_have_no_noise_and_nothing_has_none_at_all() -> None:
    assert Errors(0.0, 5.0).psnr_db == math.inf
    assert math.isnan(Errors().psnr_db)
    assert Errors(4.0, 1.0).psnr_db == 0
    assert Errors(1.0, 2.0) + Errors(3.0, 4.0) == Errors(4.0, 6.0)
