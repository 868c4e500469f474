from dataclasses import replace

import pytest
from hypothesis import given, settings

from explorer.rendering import restrict
from explorer.rendering.restriction import replace_latents
from explorer.state import (
    BlobRef,
    ClassMix,
    EditState,
    GeneratorSpec,
    Mix,
    NoCondition,
    Noise,
    SeedPad,
    Slider,
    Stored,
    Transform,
)
from tests.state.strategies import states


def spec(**values: object) -> GeneratorSpec:
    plain = GeneratorSpec("stylegan2", "skip", (32, 32), 3, 20, 24, 0, 8, (), ("output",), True, False)
    return replace(plain, **values)


STYLEGAN2 = spec()
STYLEGAN3 = spec(family="stylegan3", has_noise=False, has_transform=True, c_dim=4)
MODELS = (STYLEGAN2, STYLEGAN3)


@given(states())
@settings(deadline=None)
def test_what_comes_back_fits_and_restricting_again_drops_nothing(state: EditState) -> None:
    for model in MODELS:
        fitting, _ = restrict(state, model)
        again, notes = restrict(fitting, model)

        assert again is fitting
        assert notes == ()


@given(states())
@settings(deadline=None)
def test_something_is_said_whenever_a_picture_would_change(state: EditState) -> None:
    for model in MODELS:
        fitting, notes = restrict(state, model)
        unread = replace(state, noise=fitting.noise) if not model.has_noise and state.noise.mode == "none" else state
        assert (fitting == unread) == (notes == ())


@given(states())
@settings(deadline=None)
def test_what_every_model_can_do_is_kept(state: EditState) -> None:
    fitting, _ = restrict(state, STYLEGAN2)

    assert fitting.latent == state.latent
    assert fitting.truncation == state.truncation
    assert fitting.checkpoint == state.checkpoint


@pytest.mark.parametrize(
    ("model", "asked", "left", "words"),
    [
        (STYLEGAN2, {"transform": Transform(0.1)}, {"transform": Transform()}, "only StyleGAN3"),
        (STYLEGAN3, {"noise": Noise("random")}, {"noise": Noise()}, "no noise maps"),
        (STYLEGAN2, {"condition": ClassMix(((1, 1.0),))}, {"condition": NoCondition()}, "has none"),
        (STYLEGAN3, {"condition": ClassMix(((4, 1.0),))}, {"condition": NoCondition()}, "classes 0 to 3"),
        (
            STYLEGAN3,
            {"condition": ClassMix(((4, 1.0), (2, 0.5)))},
            {"condition": ClassMix(((2, 0.5),))},
            "classes 0 to 3",
        ),
        (STYLEGAN2, {"mixing": (Mix(SeedPad(), (7, 8)),)}, {"mixing": (Mix(SeedPad(), (7,)),)}, "layers 0 to 7"),
        (STYLEGAN2, {"sliders": (Slider("pca", 24, 1.0),)}, {"sliders": ()}, "24 directions"),
        (
            STYLEGAN2,
            {"sliders": (Slider("pca", 3, 1.0, (0, 9)),)},
            {"sliders": (Slider("pca", 3, 1.0, (0,)),)},
            "layers 0 to 7",
        ),
    ],
)
def test_what_a_model_cannot_do_is_neutral_afterwards_and_named(
    model: GeneratorSpec, asked: dict, left: dict, words: str
) -> None:
    fitting, notes = restrict(EditState(**asked), model)

    assert fitting == EditState(**left)
    assert len(notes) == 1
    assert words in notes[0]


def test_stored_latents_of_another_size_give_way_to_a_seed() -> None:
    good, bad = Stored("w", BlobRef("1" * 64)), Stored("w_plus", BlobRef("2" * 64))
    shapes = {"1" * 64: (24,), "2" * 64: (18, 24)}
    state = EditState(latent=bad, mixing=(Mix(good, (1,)), Mix(bad, (2,))))

    fitting, notes = replace_latents(state, STYLEGAN2, shapes)

    assert fitting == EditState(mixing=(Mix(good, (1,)),))
    assert len(notes) == 2
    assert replace_latents(fitting, STYLEGAN2, shapes) == (fitting, ())
