import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

import explorer
from explorer.checkpoints import Checkpoint, open_checkpoint
from explorer.errors import Cancelled, StateError
from explorer.project import BlobStore
from explorer.rendering import Renderer
from explorer.state import (
    BlobRef,
    ClassMix,
    EditState,
    Mix,
    NoCondition,
    Noise,
    Output,
    SeedBlend,
    SeedPad,
    Slider,
    Spectrum,
    Stored,
    Transform,
    Truncation,
)
from tests.models import golden, write_stylegan2, write_stylegan3
from tests.tolerances import STYLES


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Checkpoint]:
    folder = tmp_path_factory.mktemp("models")
    return {
        "stylegan2": open_checkpoint(write_stylegan2(folder / "2.safetensors", c_dim=3)),
        "stylegan3": open_checkpoint(write_stylegan3(folder / "3.safetensors")),
        "resnet": golden("sg2_32_resnet"),
    }


FAMILIES = ("stylegan2", "stylegan3", "resnet")


def an_edit(state: EditState, draw: random.Random, rows: int) -> EditState:
    """One random change, of the kinds and sizes that a hand makes."""
    layers = tuple(sorted(draw.sample(range(rows), draw.randint(1, rows))))
    latents = [SeedPad(draw.choice([0, 1.5, 3]), draw.choice([0, 0.25])), SeedBlend(((draw.randint(0, 4), 1.0),))]
    changes: list[Callable[[], EditState]] = [
        lambda: replace(state, latent=draw.choice(latents)),
        lambda: replace(state, truncation=Truncation(draw.choice([1, 0.7, -0.5]), draw.choice([None, 2, 4]))),
        lambda: replace(state, mixing=(Mix(draw.choice(latents), layers, draw.choice([1.0, 0.5])),)),
        lambda: replace(state, mixing=()),
        lambda: replace(state, sliders=(Slider(draw.choice(["pca", "axis"]), draw.randint(0, 3), 1.5, layers),)),
        lambda: replace(state, noise=Noise(draw.choice(["const", "random", "none"]), draw.randint(0, 1), 0.5)),
        lambda: replace(state, transform=Transform(draw.choice([0, 0.1]), 0, draw.choice([0, 30]))),
        lambda: replace(state, condition=draw.choice([NoCondition(), ClassMix(((1, 1.0),))])),
    ]
    return draw.choice(changes)()


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("seed", [0, 1])
def test_a_cached_frame_equals_an_uncached_one_bit_for_bit(
    models: dict[str, Checkpoint], family: str, seed: int
) -> None:
    draw, checkpoint = random.Random(seed), models[family]
    renderer, state = Renderer(checkpoint), EditState()
    reused = 0

    for _ in range(25):
        state = an_edit(state, draw, checkpoint.spec.num_ws)
        frame = renderer.frame(state)
        reused += frame.timings.layers_run < len(checkpoint.spec.layers)
        assert np.array_equal(frame.pixels, explorer.render(state, checkpoint).pixels), state

    assert reused >= 5


@pytest.mark.parametrize("family", FAMILIES)
def test_cancelled_work_stays_usable_and_changes_no_picture(models: dict[str, Checkpoint], family: str) -> None:
    checkpoint, state = models[family], EditState(latent=SeedPad(2, 0))
    renderer, layers = Renderer(checkpoint), len(checkpoint.spec.layers)

    # Each try is allowed one layer more than what is kept; the last layer is left to the picture.
    for _ in range(layers - 1):
        answers = iter([False, True])
        with pytest.raises(Cancelled):
            renderer.frame(state, cancel=lambda answers=answers: next(answers))
    frame = renderer.frame(state)

    assert frame.timings.layers_run == 1
    assert np.array_equal(frame.pixels, explorer.render(state, checkpoint).pixels)


@pytest.mark.parametrize("family", FAMILIES)
def test_changing_the_last_layers_runs_only_what_follows(models: dict[str, Checkpoint], family: str) -> None:
    spec = models[family].spec
    renderer, state = Renderer(models[family]), EditState(latent=SeedPad(1, 0))
    renderer.frame(state)
    last = spec.num_ws - 1

    frame = renderer.frame(replace(state, mixing=(Mix(SeedPad(5, 0), (last,)),)))

    assert frame.timings.layers_run == sum(layer.w_row == last for layer in spec.layers)
    assert not np.array_equal(frame.pixels, renderer.frame(state).pixels)


def test_the_kept_layers_stay_within_their_bound(models: dict[str, Checkpoint]) -> None:
    checkpoint = models["stylegan2"]
    renderer = Renderer(checkpoint)
    renderer._synthesis._memory = 40_000

    for seed in range(4):
        frame = renderer.frame(EditState(latent=SeedPad(seed, 0)))
        assert 0 < renderer._synthesis.memory() <= 40_000
        assert np.array_equal(frame.pixels, explorer.render(EditState(latent=SeedPad(seed, 0)), checkpoint).pixels)


@pytest.mark.parametrize("family", FAMILIES)
def test_rendering_twice_is_bit_equal(models: dict[str, Checkpoint], family: str) -> None:
    state = EditState(latent=SeedPad(2.5, 0.5), noise=Noise("random", seed=4), truncation=Truncation(0.7))

    first, second = (explorer.render(state, models[family]) for _ in range(2))

    assert np.array_equal(first.pixels, second.pixels)


@pytest.mark.parametrize("family", FAMILIES)
def test_psi_zero_gives_one_picture_for_all_seeds(models: dict[str, Checkpoint], family: str) -> None:
    pictures = [
        explorer.render(EditState(latent=SeedPad(seed, 0), truncation=Truncation(0)), models[family]).pixels
        for seed in (0, 1, 2.5)
    ]

    assert np.array_equal(pictures[0], pictures[1])
    assert np.array_equal(pictures[0], pictures[2])


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("amount", [1.0, 0.5, 0.3])
def test_mixing_a_seed_with_itself_changes_nothing(models: dict[str, Checkpoint], family: str, amount: float) -> None:
    plain = EditState(latent=SeedPad(4, 0), truncation=Truncation(0.7))
    mixed = replace(plain, mixing=(Mix(SeedBlend(((4, 1.0),)), (0, 2), amount),))

    assert np.array_equal(explorer.render(plain, models[family]).pixels, explorer.render(mixed, models[family]).pixels)


def test_mixing_all_layers_gives_the_other_seed(models: dict[str, Checkpoint]) -> None:
    rows = tuple(range(models["stylegan3"].spec.num_ws))
    mixed = explorer.render(EditState(mixing=(Mix(SeedPad(9, 0), rows),)), models["stylegan3"])

    assert np.array_equal(mixed.pixels, explorer.render(EditState(latent=SeedPad(9, 0)), models["stylegan3"]).pixels)


def test_sliders_at_zero_change_nothing_and_opposite_ones_cancel_out(models: dict[str, Checkpoint]) -> None:
    renderer, state = Renderer(models["stylegan2"]), EditState(latent=SeedPad(1, 0))
    plain = renderer.w_plus(state)

    still = renderer.w_plus(replace(state, sliders=(Slider("pca", 0, 0.0), Slider("axis", 3, 0.0))))
    there_and_back = renderer.w_plus(replace(state, sliders=(Slider("pca", 0, 2.0), Slider("pca", 0, -2.0))))
    moved = renderer.w_plus(replace(state, sliders=(Slider("pca", 0, 2.0, (1,)),)))

    assert plain.equal(still)
    assert plain.sub(there_and_back).abs().max() < 1e-5
    assert (moved != plain).any(dim=2).tolist() == [[row == 1 for row in range(plain.shape[1])]]


def test_noise_fields_that_nothing_reads_cost_no_new_picture(models: dict[str, Checkpoint]) -> None:
    renderer, state = Renderer(models["stylegan2"]), EditState()
    renderer.frame(state)

    assert renderer.frame(replace(state, noise=Noise("const", seed=5))).timings.layers_run == 0


def test_a_stored_latent_is_shown(models: dict[str, Checkpoint]) -> None:
    checkpoint, blobs = models["stylegan2"], BlobStore()
    renderer = Renderer(checkpoint, blobs=blobs)
    plain = EditState(latent=SeedPad(3, 0), condition=ClassMix(((1, 1.0),)))
    w_plus = renderer.w_plus(plain)
    from explorer.rendering.seeds import latent_of_seed

    in_w_plus = replace(plain, latent=Stored("w_plus", blobs.put(w_plus[0].numpy())))
    in_w = replace(plain, latent=Stored("w", blobs.put(w_plus[0, 0].numpy())))
    in_z = replace(plain, latent=Stored("z", blobs.put(latent_of_seed(3, checkpoint.spec.z_dim))))

    for state in (in_w_plus, in_w, in_z):
        assert np.array_equal(
            explorer.render(state, checkpoint, blobs=blobs).pixels, explorer.render(plain, checkpoint).pixels
        )


def test_a_stored_latent_that_is_missing_or_of_another_model_is_refused(models: dict[str, Checkpoint]) -> None:
    blobs = BlobStore()

    with pytest.raises(StateError, match="not at hand"):
        explorer.render(EditState(latent=Stored("w", BlobRef("0" * 64))), models["stylegan2"])
    with pytest.raises(StateError, match="another model"):
        explorer.render(EditState(latent=Stored("w", blobs.put(np.ones(7)))), models["stylegan2"], blobs=blobs)


def test_pixels_have_the_models_channels_and_cannot_be_changed(models: dict[str, Checkpoint]) -> None:
    grey = explorer.render(EditState(), golden("sg2_32_gray")).pixels
    colour = explorer.render(EditState(), models["stylegan2"]).pixels

    assert grey.shape == (32, 32, 1)
    assert colour.shape == (32, 32, 3)
    assert colour.dtype == np.uint8
    with pytest.raises(ValueError, match="read-only"):
        colour[0, 0, 0] = 1


def test_an_early_picture_comes_before_the_full_one(models: dict[str, Checkpoint]) -> None:
    early = []
    frame = Renderer(models["stylegan2"]).frame(EditState(latent=SeedPad(6, 0)), on_preview=early.append)

    assert [picture.preview for picture in early] == [True]
    assert early[0].pixels.shape == frame.pixels.shape
    assert not frame.preview
    assert frame.timings.requested_s <= frame.timings.started_s <= frame.timings.finished_s


def test_a_new_kind_of_kernels_forgets_the_pictures_of_the_old(
    models: dict[str, Checkpoint], monkeypatch: pytest.MonkeyPatch
) -> None:
    renderer = Renderer(models["stylegan2"])
    renderer.frame(EditState())
    monkeypatch.setattr("explorer.rendering.renderer.kernels_in_use", lambda: ("other", True))

    assert renderer.frame(EditState()).timings.layers_run == len(models["stylegan2"].spec.layers)


FIELDS = {
    "condition": ("stylegan2", {"condition": ClassMix(((1, 1.0),))}),
    "class weights": ("stylegan2", {"condition": ClassMix(((1, 0.5), (2, 0.5)))}),
    "pad x": ("stylegan2", {"latent": SeedPad(0.5, 0)}),
    "pad y": ("stylegan3", {"latent": SeedPad(0, 0.5)}),
    "pca slider": ("stylegan2", {"sliders": (Slider("pca", 0, 2.0),)}),
    "axis slider": ("stylegan3", {"sliders": (Slider("axis", 0, 2.0),)}),
    "slider in one layer": ("stylegan2", {"sliders": (Slider("pca", 0, 2.0, (1,)),)}),
    "mixing": ("stylegan2", {"mixing": (Mix(SeedPad(1, 0), (0, 1)),)}),
    "psi": ("stylegan3", {"truncation": Truncation(0.5)}),
    "cutoff": ("stylegan2", {"truncation": Truncation(0.5, 2)}),
    "noise mode": ("stylegan2", {"noise": Noise("none")}),
    "noise seed": ("stylegan2", {"noise": Noise("random", 1)}),
    "noise strength": ("stylegan2", {"noise": Noise("const", 0, 0.5)}),
    "shift right": ("stylegan3", {"transform": Transform(translate_x=0.2)}),
    "scale": ("stylegan3", {"transform": Transform(scale=1.5)}),
    "shear": ("stylegan3", {"transform": Transform(shear=0.3)}),
    "layer": ("stylegan2", {"output": Output("b16.conv1")}),
    "channel": ("stylegan2", {"output": Output("b16.conv1", base_channel=2)}),
    "channels": ("stylegan2", {"output": Output(sel_channels=1)}),
    "contrast": ("stylegan2", {"output": Output(scale_db=6)}),
    "normalised": ("stylegan2", {"output": Output(normalize=True)}),
    "spectrum": ("stylegan2", {"output": Output(spectrum=Spectrum())}),
    "shift down": ("stylegan3", {"transform": Transform(translate_y=0.2)}),
    "turn": ("stylegan3", {"transform": Transform(rotate_deg=40)}),
}


@pytest.mark.parametrize("field", FIELDS)
def test_every_field_changes_the_picture_and_no_cache_hides_it(models: dict[str, Checkpoint], field: str) -> None:
    family, values = FIELDS[field]
    renderer, plain = Renderer(models[family]), EditState(condition=ClassMix(((0, 1.0),)))
    if family == "stylegan3":
        plain = EditState()
    before = renderer.frame(plain).pixels
    after = renderer.frame(replace(plain, **values)).pixels

    assert not np.array_equal(before, after)
    assert np.array_equal(after, explorer.render(replace(plain, **values), models[family]).pixels)
    assert np.array_equal(before, renderer.frame(plain).pixels)


@pytest.mark.parametrize("amount", [0.0, 0.25, 0.5, 1.0])
def test_a_mix_lies_on_the_line_between_both_styles(models: dict[str, Checkpoint], amount: float) -> None:
    renderer = Renderer(models["stylegan3"])
    own, other = (renderer.w_plus(EditState(latent=SeedPad(seed, 0))) for seed in (0, 1))
    mixed = renderer.w_plus(EditState(mixing=(Mix(SeedPad(1, 0), (1, 3), amount),)))

    line = own + amount * (other - own)
    for row in range(own.shape[1]):
        expected = line if row in (1, 3) else own
        torch.testing.assert_close(mixed[:, row], expected[:, row], **STYLES.kwargs)


def test_sliders_move_by_standard_deviations_after_truncation(models: dict[str, Checkpoint]) -> None:
    renderer = Renderer(models["stylegan3"])
    plain = EditState(truncation=Truncation(0.5))
    moved = renderer.w_plus(replace(plain, sliders=(Slider("pca", 2, -1.5, (0,)),)))

    step = moved - renderer.w_plus(plain)
    expected = -1.5 * renderer.directions.deviations[2] * renderer.directions.components[2]
    torch.testing.assert_close(step[0, 0], expected, **STYLES.kwargs)
    assert not step[0, 1:].any()
