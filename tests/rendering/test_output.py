"""Laws of the output stage: which channels, how bright, with which spectrum, moved back."""

from dataclasses import replace

import numpy as np
import pytest
import torch

import explorer
from explorer.errors import Cancelled
from explorer.rendering import Renderer
from explorer.rendering.affine import move_pixels
from explorer.rendering.output import show, spectrum_of
from explorer.state import EditState, Noise, Output, SeedPad, Slider, Spectrum, Transform
from tests.models import golden

NAMES = ("sg2_64_rgb", "sg2_32_resnet", "sg2_32_orig", "sg3t_64")


@pytest.mark.parametrize("name", NAMES)
def test_any_layer_shows_the_same_whether_the_synthesis_was_resumed_or_not(name: str) -> None:
    checkpoint = golden(name)
    renderer, state = Renderer(checkpoint), EditState(latent=SeedPad(1.5, 0), noise=Noise("random", 3))
    renderer.frame(state)
    last_row = (checkpoint.spec.num_ws - 1,)

    for number, layer in enumerate(checkpoint.spec.activations):
        shown = replace(
            state, output=Output(layer, scale_db=3), sliders=(Slider("axis", 0, 0.1 * (number % 3), last_row),)
        )
        frame = renderer.frame(shown)
        fresh = explorer.render(shown, checkpoint)
        activations = checkpoint.generator.synthesize(
            checkpoint.generator.style(renderer.w_plus(shown)), noise=shown.noise, until=layer
        )

        assert np.array_equal(frame.pixels, fresh.pixels), layer
        assert frame.stats == fresh.stats
        assert frame.stats is not None
        assert frame.stats.max_abs == pytest.approx(float(activations.abs().max()), rel=1e-5)


def test_contrast_channels_and_spectrum_run_no_layer_again() -> None:
    renderer, state = Renderer(golden("sg3t_64")), EditState(output=Output("L7_52_32"))
    assert renderer.frame(state).timings.layers_run > 0

    for change in ({"scale_db": 6.0}, {"base_channel": 5}, {"normalize": True}, {"spectrum": Spectrum()}):
        frame = renderer.frame(replace(state, output=replace(state.output, **change)))
        assert frame.timings.layers_run == 0


def test_what_comes_after_a_layer_is_not_computed() -> None:
    checkpoint = golden("sg3t_64")

    assert Renderer(checkpoint).frame(EditState(output=Output("L3_36_32"))).timings.layers_run == 5


def test_cancelled_layers_are_kept_and_change_nothing() -> None:
    checkpoint, state = golden("sg2_64_rgb"), EditState(output=Output("b16.conv1"))
    renderer = Renderer(checkpoint)
    answers = iter([False, False, True])
    with pytest.raises(Cancelled):
        renderer.frame(state, cancel=lambda: next(answers))

    assert np.array_equal(renderer.frame(state).pixels, explorer.render(state, checkpoint).pixels)


def test_the_layer_named_output_is_the_picture() -> None:
    for name in NAMES:
        named = explorer.render(EditState(output=Output("output")), golden(name))
        plain = explorer.render(EditState(), golden(name))

        assert np.array_equal(named.pixels, plain.pixels)
        assert named.stats is not None
        assert plain.stats is None


def test_a_layer_of_another_model_is_left_out_with_its_contrast_and_named() -> None:
    state = EditState(output=Output("L7_52_32", base_channel=7, scale_db=20))
    frame = explorer.render(state, golden("sg2_64_rgb"))

    assert "no layer of that name" in frame.dropped[0]
    assert np.array_equal(frame.pixels, explorer.render(EditState(), golden("sg2_64_rgb")).pixels)


def test_a_normalised_channel_reaches_the_end_of_the_range() -> None:
    image = (
        torch.randn(1, 5, 8, 8, generator=torch.Generator().manual_seed(0))
        * torch.tensor([1e-3, 1, 50, 1, 1])[:, None, None]
    )
    pixels = show(image, Output("x", normalize=True), matrix=None).pixels

    assert pixels.shape == (8, 8, 3)
    for channel in range(3):
        assert pixels[:, :, channel].min() <= 1 or pixels[:, :, channel].max() == 255


def test_twenty_decibels_are_a_factor_of_ten() -> None:
    image = torch.full((1, 3, 2, 2), 0.05)

    assert (show(image, Output(scale_db=20), matrix=None).pixels == int(0.5 * 127.5 + 128)).all()


@pytest.mark.parametrize(("count", "asked", "shown"), [(16, None, 3), (2, None, 1), (1, 3, 1), (16, 4, 4), (16, 1, 1)])
def test_a_layer_of_few_channels_shows_one(count: int, asked: int | None, shown: int) -> None:
    output = Output("x", sel_channels=asked, base_channel=99)

    assert show(torch.zeros(1, count, 4, 4), output, matrix=None).pixels.shape == (4, 4, shown)


def test_a_pure_wave_is_two_bright_points_and_silence_is_dark() -> None:
    wave = torch.sin(torch.arange(32) / 32 * 2 * torch.pi * 8).expand(1, 32, 32)
    spectrum = spectrum_of(wave, Spectrum(range_db=40, beta=8))
    peaks = torch.nonzero(spectrum == spectrum.max()).tolist()
    silent = show(torch.full((1, 3, 8, 8), 0.5), Output(spectrum=Spectrum()), matrix=None)

    assert [16, 24] in peaks or [16, 8] in peaks
    assert float(spectrum[16, 16]) < 0
    assert silent.pixels.shape == (8, 16, 3)
    assert not silent.pixels[:, 8:].any()


def test_an_undone_transform_looks_like_the_picture_that_was_never_moved() -> None:
    # Equivariant to turns whatever its weights; to scale no network is.
    checkpoint, plain = golden("sg3r_64"), EditState(latent=SeedPad(3, 0))
    moved = replace(plain, transform=Transform(0.1, -0.05, 25))
    back = replace(moved, output=Output(untransform=True))
    still, away, undone = (
        explorer.render(state, checkpoint).pixels[20:44, 20:44].astype(float) for state in (plain, moved, back)
    )

    assert np.abs(undone - still).mean() < 0.01 * np.abs(away - still).mean()


def test_moving_by_whole_pixels_is_a_shift() -> None:
    x = torch.nn.functional.interpolate(torch.randn(1, 2, 8, 8), size=(64, 64), mode="bicubic")
    matrix = torch.tensor([[1, 0, 4 / 64], [0, 1, -8 / 64], [0, 0, 1.0]])
    moved, mask = move_pixels(x, matrix)
    shifted = torch.roll(x, (-8, 4), (2, 3))
    inside = mask.bool().expand_as(x)

    assert inside.float().mean() > 0.4
    assert (moved - shifted)[inside].abs().max() < 0.1


def test_scale_shear_rotation_and_shift_come_in_this_order() -> None:
    from explorer.rendering.synthesis import matrix_of

    def matrix(**values: float) -> torch.Tensor:
        found = matrix_of(Transform(**values), torch.device("cpu"))
        assert found is not None
        return found

    parts = {"translate_x": 0.2}, {"rotate_deg": 30.0}, {"shear": 0.5}, {"scale": 2.0}
    shift, turn, shear, scale = (matrix(**part) for part in parts)

    torch.testing.assert_close(
        matrix(translate_x=0.2, rotate_deg=30, shear=0.5, scale=2.0), shift @ turn @ shear @ scale
    )
    torch.testing.assert_close(shear @ torch.tensor([0, 1.0, 1]), torch.tensor([0.5, 1, 1]))


def test_what_noise_adds_is_the_difference_to_the_picture_without_it() -> None:
    for name in ("sg2_64_rgb", "sg2_32_resnet"):
        checkpoint = golden(name)
        renderer = Renderer(checkpoint)
        random, output = Noise("random", 2), Output(noise_only=True)
        s = checkpoint.generator.style(renderer.w_plus(EditState()))
        with torch.inference_mode():
            difference = checkpoint.generator.synthesize(s, noise=random) - checkpoint.generator.synthesize(
                s, noise=Noise("none")
            )
        wanted = show(difference, Output(sel_channels=3), matrix=None).pixels
        still = renderer.frame(EditState(noise=Noise("none"), output=output))
        shown = renderer.frame(EditState(noise=random, output=output))

        assert np.abs(shown.pixels.astype(int) - wanted).max() <= 1
        assert (still.pixels == 128).all()
        assert np.array_equal(shown.pixels, explorer.render(EditState(noise=random, output=output), checkpoint).pixels)


def test_a_model_without_noise_says_so_when_asked_what_noise_adds() -> None:
    frame = explorer.render(EditState(output=Output(noise_only=True)), golden("sg3t_64"))

    assert "no noise maps" in frame.dropped[0]
    assert np.array_equal(frame.pixels, explorer.render(EditState(), golden("sg3t_64")).pixels)
