import json
import math
from dataclasses import replace

import numpy as np
import pytest

import explorer
from explorer.rendering import Renderer
from explorer.state import EditState, Mix, Noise, SeedBlend, SeedPad, Transform, Truncation
from tests.models import GOLDEN, golden
from tests.tolerances import STYLES

NETS = ("sg2_32_cond3", "sg3t_64")
# Cases that show a layer, a spectrum or an undone transform are about other parts than these fields.
OUTSIDE = {"layer_name", "img_normalize", "img_scale_db", "fft_show", "untransform"}


def read_cases(name: str) -> list[tuple[int, dict]]:
    with np.load(GOLDEN / "viewer" / f"{name}.npz") as arrays:
        cases = json.loads(str(arrays["cases_json"]))
    return [(index, case) for index, case in enumerate(cases) if not OUTSIDE & set(case)]


def state_of(case: dict, num_ws: int) -> EditState:
    state = EditState(
        latent=SeedBlend(tuple((seed, weight) for seed, weight in case["w0_seeds"])),
        truncation=Truncation(case["trunc_psi"], case["trunc_cutoff"]),
        noise=Noise(case.get("noise_mode", "const")),
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
        w, image = arrays[f"{index:02d}/w"], arrays[f"{index:02d}/image"]
    state = state_of(case, checkpoint.spec.num_ws)

    w_plus = Renderer(checkpoint).w_plus(state).numpy()
    frame = explorer.render(state, checkpoint)

    np.testing.assert_allclose(w_plus, w, **STYLES.kwargs)
    assert frame.dropped == ()
    assert frame.pixels.shape == image.shape
    assert np.abs(frame.pixels.astype(int) - image).max() <= 1


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
