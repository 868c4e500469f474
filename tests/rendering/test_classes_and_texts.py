from dataclasses import replace

import numpy as np
import pytest
import torch

import explorer
from explorer.rendering import Renderer, restrict
from explorer.rendering.seeds import class_of_seed
from explorer.state import ClassMix, EditState, Mix, NoCondition, SeedBlend, SeedPad, Slider, Transform, Truncation
from tests.models import golden
from tests.tolerances import STYLES

XL, T = "sgxl_t_32", "sgt_32"


def seeds(*weights: tuple[int, float]) -> EditState:
    return EditState(latent=SeedBlend(weights))


def one_class(index: int) -> ClassMix:
    return ClassMix(((index, 1.0),))


def of_other_classes() -> tuple[int, int]:
    """Two neighbours on the pad that draw different classes."""
    spec = golden(XL).spec
    drawn = [class_of_seed(seed, spec.z_dim, spec.c_dim) for seed in range(20)]
    first = next(i for i in range(19) if drawn[i] != drawn[i + 1])
    return first, first + 1


@pytest.mark.parametrize("seed", [0, 7, 2**32 - 1])
def test_a_seed_draws_its_latent_and_then_its_class_as_the_published_viewer_does(seed):
    model = golden(XL)
    random = np.random.RandomState(seed)
    z = torch.from_numpy(random.randn(1, model.spec.z_dim).astype(np.float32))
    c = torch.eye(model.spec.c_dim)[[random.randint(model.spec.c_dim)]]
    w = model.generator.map(z, c)
    centre = model.generator.w_avg(c)
    state = replace(seeds((seed, 1.0)), truncation=Truncation(0.6, 4))
    expected = explorer.truncate(explorer.broadcast(w, model.spec.num_ws), centre, psi=0.6, cutoff=4)
    torch.testing.assert_close(Renderer(model).w_plus(state), expected, **STYLES.kwargs)


def test_psi_zero_shows_the_class_s_own_centre_whatever_the_seed():
    renderer = Renderer(golden(XL))
    for index in (1, 8):
        for seed in (0, 5):
            state = replace(seeds((seed, 1.0)), condition=one_class(index), truncation=Truncation(0.0))
            w_plus = renderer.w_plus(state)
            centre = golden(XL).generator.w_avg(torch.eye(10)[[index]])
            torch.testing.assert_close(w_plus[0], centre.expand_as(w_plus[0]), **STYLES.kwargs)


@pytest.mark.parametrize("psi", [1.0, 0.5])
def test_the_pad_has_no_jump_between_seeds_of_different_classes(psi):
    renderer = Renderer(golden(XL))
    first, _ = of_other_classes()
    at = [
        renderer.w_plus(EditState(latent=SeedPad(first + x), truncation=Truncation(psi)))
        for x in (0, 1e-4, 0.5, 1 - 1e-4, 1)
    ]
    span = (at[4] - at[0]).abs().max()
    assert (at[1] - at[0]).abs().max() < 1e-3 * span
    assert (at[4] - at[3]).abs().max() < 1e-3 * span
    torch.testing.assert_close(at[2], (at[0] + at[4]) / 2, **STYLES.kwargs)


def test_a_mix_with_another_class_is_the_rows_of_both_each_pulled_to_its_own_centre():
    renderer = Renderer(golden(XL))
    first, second = (SeedBlend(((seed, 1.0),)) for seed in of_other_classes())
    for truncation in (Truncation(), Truncation(0.3), Truncation(0.3, 4)):
        one, other = (renderer.w_plus(EditState(latent=latent, truncation=truncation)) for latent in (first, second))
        mixed = EditState(latent=first, mixing=(Mix(second, (2, 3, 7)),), truncation=truncation)
        expected = one.clone()
        expected[:, [2, 3, 7]] = other[:, [2, 3, 7]]
        torch.testing.assert_close(renderer.w_plus(mixed), expected, **STYLES.kwargs)


def test_half_a_mix_with_another_class_lies_half_way():
    renderer = Renderer(golden(XL))
    first, second = (SeedBlend(((seed, 1.0),)) for seed in of_other_classes())
    at = [
        renderer.w_plus(EditState(latent=first, mixing=(Mix(second, (4,), amount),), truncation=Truncation(0.3)))
        for amount in (0.0, 0.5, 1.0)
    ]
    torch.testing.assert_close(at[1], (at[0] + at[2]) / 2, **STYLES.kwargs)


def test_the_classes_of_a_mix_can_have_any_weights():
    state = seeds((3, 1.0))
    frames = [
        explorer.render(replace(state, condition=ClassMix(weights)), golden(XL)).pixels
        for weights in (((1, 0.5), (2, 0.5)), ((1, 3.0), (2, 3.0)), ((1, 1.0),), ())
    ]
    np.testing.assert_array_equal(frames[0], frames[1])
    assert (frames[0] != frames[2]).any()
    assert frames[3].shape == (32, 32, 3)


def test_a_stylegan_xl_picture_can_be_moved():
    moved = explorer.render(replace(seeds((1, 1.0)), transform=Transform(0.2, 0.0, 20.0)), golden(XL))
    assert moved.dropped == ()
    assert (moved.pixels != explorer.render(seeds((1, 1.0)), golden(XL)).pixels).any()


def test_without_a_text_a_picture_is_made_for_an_empty_one_and_says_so():
    model = golden(T)
    frame = explorer.render(seeds((1, 1.0)), model)
    assert len(frame.dropped) == 1
    assert "text" in frame.dropped[0]
    z = torch.from_numpy(np.random.RandomState(1).randn(1, model.spec.z_dim).astype(np.float32))
    w = model.generator.map(z, torch.zeros(1, model.spec.c_dim))
    torch.testing.assert_close(
        Renderer(model).w_plus(seeds((1, 1.0))), explorer.broadcast(w, model.spec.num_ws), **STYLES.kwargs
    )


def test_classes_mean_nothing_to_a_model_of_texts():
    asked = replace(seeds((1, 1.0)), condition=one_class(3))
    fitting, notes = restrict(asked, golden(T).spec)
    assert fitting == replace(asked, condition=NoCondition())
    assert "text" in notes[0]
    np.testing.assert_array_equal(
        explorer.render(asked, golden(T)).pixels, explorer.render(seeds((1, 1.0)), golden(T)).pixels
    )


def test_sliders_of_a_model_of_texts_leave_the_text_alone():
    model = golden(T)
    renderer = Renderer(model)
    moved = renderer.w_plus(replace(seeds((1, 1.0)), sliders=(Slider("pca", 0, 2.0),)))
    still = renderer.w_plus(seeds((1, 1.0)))
    changed = (moved - still).abs().amax(dim=(0, 1))
    assert changed[: model.spec.z_dim].max() > 1e-3
    assert changed[model.spec.z_dim :].max() < 1e-6
