import json
import math
from dataclasses import astuple, replace

import numpy as np
import pytest
import torch

import explorer
from explorer.rendering import Renderer
from explorer.rendering.output import spectrum_of
from explorer.state import EditState, Mix, Noise, Output, SeedBlend, SeedPad, Spectrum, Transform, Truncation
from tests.models import GOLDEN, golden
from tests.tolerances import FEATURES, SPECTRUM, STYLES

NETS = ("sg2_32_cond3", "sg3t_64")


def read_cases(name: str) -> list[tuple[int, dict]]:
    with np.load(GOLDEN / "viewer" / f"{name}.npz") as arrays:
        cases = json.loads(str(arrays["cases_json"]))
    return list(enumerate(cases))


SPECTRA = {name: [(index, case) for index, case in read_cases(name) if "fft_show" in case] for name in NETS}


def output_of(case: dict) -> Output:
    spectrum = Spectrum(case.get("fft_range_db", 50), case.get("fft_beta", 8), case.get("fft_all", True))
    return Output(
        # By its name, so that the plain picture has statistics too.
        layer=case.get("layer_name", "output"),
        base_channel=case.get("base_channel", 0),
        sel_channels=case.get("sel_channels", 3),
        scale_db=case.get("img_scale_db", 0),
        normalize=case.get("img_normalize", False),
        spectrum=spectrum if case.get("fft_show") else None,
        untransform=case.get("untransform", False),
    )


def state_of(case: dict, num_ws: int) -> EditState:
    state = EditState(
        latent=SeedBlend(tuple((seed, weight) for seed, weight in case["w0_seeds"])),
        truncation=Truncation(case["trunc_psi"], case["trunc_cutoff"]),
        noise=Noise(case.get("noise_mode", "const")),
        output=output_of(case),
    )
    if "stylemix_idx" in case:
        layers = tuple(row for row in case["stylemix_idx"] if row < num_ws)
        state = replace(state, mixing=(Mix(SeedBlend(((case["stylemix_seed"], 1.0),)), layers),))
    if "input_transform" in case:
        (cos, sin, x), (_, _, y), _ = case["input_transform"]
        state = replace(state, transform=Transform(x, y, math.degrees(math.atan2(sin, cos))))
    return state


@pytest.mark.parametrize(("name", "index", "case"), [(n, i, c) for n in NETS for i, c in read_cases(n)])
def test_picture_is_the_published_viewers(name: str, index: int, case: dict) -> None:
    checkpoint = golden(name)
    with np.load(GOLDEN / "viewer" / f"{name}.npz") as arrays:
        w, image, stats = (arrays[f"{index:02d}/{part}"] for part in ("w", "image", "stats"))
    state = state_of(case, checkpoint.spec.num_ws)

    w_plus = Renderer(checkpoint).w_plus(state).numpy()
    frame = explorer.render(state, checkpoint)

    np.testing.assert_allclose(w_plus, w, **STYLES.kwargs)
    assert frame.dropped == ()
    assert frame.pixels.shape == image.shape
    assert np.abs(frame.pixels.astype(int) - image).max() <= 1
    assert frame.stats is not None
    np.testing.assert_allclose(astuple(frame.stats), stats, **FEATURES.kwargs)


@pytest.mark.parametrize(("name", "index", "case"), [(n, i, c) for n in NETS for i, c in SPECTRA[n]])
def test_spectrum_is_the_published_viewers(name: str, index: int, case: dict) -> None:
    checkpoint = golden(name)
    with np.load(GOLDEN / "viewer" / f"{name}.npz") as arrays:
        wanted = arrays[f"{index:02d}/spectrum_norm"]
    state = state_of(case, checkpoint.spec.num_ws)
    spectrum = state.output.spectrum
    assert spectrum is not None
    with torch.inference_mode():
        image = checkpoint.generator.synthesize(checkpoint.generator.style(Renderer(checkpoint).w_plus(state)))
    channels = image[0] if spectrum.all_channels else image[0, :1]

    # Far below the range there is only the rounding of the picture itself, which no eye sees.
    shown = [np.clip(values, 0, 1) for values in (spectrum_of(channels, spectrum).numpy(), wanted)]
    np.testing.assert_allclose(*shown, **SPECTRUM.kwargs)


def test_a_point_on_the_pad_is_the_blend_of_its_four_corners() -> None:
    checkpoint = golden("sg2_32_cond3")
    pad = SeedPad(3.25, -0.4)
    # floor(y) is -1, a hundred seeds back: numbers below zero count from 2^32 downwards.
    weights = ((3 - 100 + 2**32, 0.75 * 0.4), (4 - 100 + 2**32, 0.25 * 0.4), (3, 0.75 * 0.6), (4, 0.25 * 0.6))

    padded = explorer.render(EditState(latent=pad), checkpoint).pixels
    blended = explorer.render(EditState(latent=SeedBlend(weights)), checkpoint).pixels

    assert np.abs(padded.astype(int) - blended).max() <= 1


def test_a_whole_point_on_the_pad_is_the_seed_itself() -> None:
    renderer = Renderer(golden("sg3t_64"))

    assert renderer.w_plus(EditState(latent=SeedPad(7, 2))).equal(
        renderer.w_plus(EditState(latent=SeedBlend(((207, 1.0),))))
    )


def test_the_published_layer_list_is_ours() -> None:
    for name in NETS:
        with np.load(GOLDEN / "viewer" / f"{name}.npz") as arrays:
            layers = [layer["name"] for layer in json.loads(str(arrays["layers_json"]))]

        assert list(golden(name).spec.activations) == layers
