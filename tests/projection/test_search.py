from dataclasses import replace

import numpy as np
import pytest
import torch

from explorer.checkpoints import Checkpoint
from explorer.features import bundled_features
from explorer.project import BlobStore
from explorer.projection import Loss, Plan, Target, make_target, project, psnr
from explorer.rendering import Renderer
from explorer.state import CheckpointRef, EditState, Slider, Truncation
from tests.models import golden
from tests.projection.nets import bank, drawn, photo_of, picture, run

NAME = "sg2_32_orig"
SOME = ["sg2_32_resnet", "sg2_32_cond3", "sg2_32_gray", "sg3t_32_cond4", "sgxl_t_32"]


def target_of(name: str, seed: int = 5) -> Target:
    generator = golden(name).generator
    return make_target(photo_of(picture(generator, seed)), generator.spec)


def base_of(checkpoint: Checkpoint) -> EditState:
    return EditState(CheckpointRef(checkpoint.info.sha256, checkpoint.spec.family))


def test_a_picture_of_the_model_is_found_from_its_pixels_alone() -> None:
    target = target_of(NAME)
    last = run(NAME, target, Plan(steps=100))[-1]
    assert psnr(drawn(golden(NAME).generator, last.found), target) > 30


def test_brighter_than_white_is_white() -> None:
    target = target_of(NAME)
    image = picture(golden(NAME).generator, 5)
    white = (target.image == 1) & (image > 1)
    assert white.any()
    loss = Loss(target, bundled_features())
    assert float(loss(image)) < 1e-2
    # Where the photo is not white there is a slope back.
    bright = torch.where(target.image < 0.5, 1.5, image).requires_grad_(True)
    (slope,) = torch.autograd.grad(loss(bright).sum(), bright)
    assert (slope[target.image < 0.5] != 0).all()
    assert slope[target.image < 0.5].mean() > 0


@pytest.mark.parametrize("name", SOME)
def test_every_family_comes_closer(name: str) -> None:
    steps = run(name, target_of(name), Plan(steps=10))
    assert steps[-1].best < steps[0].best
    assert [step.best for step in steps] == sorted((step.best for step in steps), reverse=True)
    assert steps[-1].share == 1


def test_equal_plans_find_equal_points() -> None:
    plan = Plan(space="w_plus", steps=14, tune=True, seed=3)
    first, second = (run(NAME, target_of(NAME), plan)[-1].found for _ in range(2))
    assert torch.equal(first.w_plus, second.w_plus)
    assert torch.equal(first.weights, second.weights)


def test_who_stops_early_keeps_the_best_so_far() -> None:
    generator, target = golden(NAME).generator, target_of(NAME)
    steps = project(generator, target, Plan(steps=50), bank(NAME), bundled_features())
    kept = [next(steps) for _ in range(20)][-1]
    loss = Loss(target, bundled_features())
    assert float(loss(drawn(generator, kept.found))) == pytest.approx(kept.best, rel=1e-4)


def test_a_plan_with_a_time_ends_when_it_is_over() -> None:
    ticks = iter(range(10_000))
    steps = project(
        golden(NAME).generator,
        target_of(NAME),
        Plan(time_s=100),
        bank(NAME),
        bundled_features(),
        clock=lambda: next(ticks),
    )
    assert list(steps)[-1].share == 1
    assert next(ticks) < 130


@pytest.mark.parametrize(
    "plan",
    [
        Plan(steps=16),
        Plan(space="w_plus", steps=16),
        Plan(space="style", steps=16, noise=True),
        Plan(steps=16, noise=True, tune=True),
    ],
    ids=lambda plan: f"{plan.space} {'noise' if plan.noise else ''} {'tuned' if plan.tune else ''}",
)
def test_the_state_shows_what_was_found(plan: Plan) -> None:
    checkpoint, target = golden(NAME), target_of(NAME)
    last = run(NAME, target, plan)[-1]
    blobs = BlobStore()
    renderer = Renderer(checkpoint, blobs=blobs)
    state = last.found.state(base_of(checkpoint), blobs)
    pixels = torch.from_numpy(renderer.frame(state).pixels.copy()).float().permute(2, 0, 1)[None] / 127.5 - 1
    # Bytes end where the photo's do, so they may be nearer still.
    assert float(Loss(target, bundled_features())(pixels)) < last.best * 1.02
    assert (state.tuning is None) == (plan.space != "style" and not plan.tune)


def test_what_was_found_is_edited_like_a_seed() -> None:
    checkpoint = golden(NAME)
    blobs = BlobStore()
    renderer = Renderer(checkpoint, blobs=blobs)
    found = run(NAME, target_of(NAME), Plan(steps=16, noise=True, tune=True))[-1].found
    state = found.state(base_of(checkpoint), blobs)
    shown = renderer.frame(state).pixels
    moved = replace(state, sliders=(Slider("pca", 0, 1.5),))
    assert (renderer.frame(moved).pixels != shown).any()
    assert (renderer.frame(replace(state, truncation=Truncation(0.3))).pixels != shown).any()
    assert (renderer.frame(replace(state, tuning=None)).pixels != shown).any()
    assert np.array_equal(renderer.frame(state).pixels, shown)
    fresh = Renderer(checkpoint, blobs=blobs)
    assert np.array_equal(fresh.frame(state).pixels, shown)
    small = fresh.thumbnail(state, side_px=32)
    assert np.array_equal(small, shown)


def test_a_tuning_of_another_model_is_left_out_and_told() -> None:
    found = run(NAME, target_of(NAME), Plan(steps=16, tune=True))[-1].found
    blobs = BlobStore()
    state = found.state(EditState(CheckpointRef("0" * 64, "stylegan2")), blobs)
    frame = Renderer(golden(NAME), blobs=blobs).frame(state)
    assert "what a projection changed in another model" in frame.dropped


def test_covered_pixels_of_the_photo_have_no_influence() -> None:
    generator, features = golden(NAME).generator, bundled_features()
    image = target_of(NAME).image.clone().requires_grad_(True)
    mask = torch.ones(1, 1, 32, 32)
    mask[..., 16:] = 0
    loss = Loss(Target(image, mask), features)(picture(generator, 9))
    (slope,) = torch.autograd.grad(loss.sum(), image, allow_unused=True)
    assert slope is None or (slope[..., 16:] == 0).all()

    other = target_of(NAME).image.clone()
    other[..., 16:] = torch.rand(other[..., 16:].shape, generator=torch.Generator().manual_seed(0)) * 2 - 1
    plan = Plan(steps=14)
    first, second = (run(NAME, Target(part, mask), plan)[-1].found for part in (target_of(NAME).image, other))
    assert torch.equal(first.w_plus, second.w_plus)


def test_the_uncovered_half_is_found() -> None:
    mask = torch.ones(1, 1, 32, 32)
    mask[..., 16:] = 0
    target = Target(target_of(NAME).image, mask)
    steps = run(NAME, target, Plan(steps=24))
    assert steps[-1].best < steps[0].best * 0.8


def test_the_search_changes_nothing_of_the_model() -> None:
    generator = golden(NAME).generator
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    run(NAME, target_of(NAME), Plan(steps=14, noise=True, tune=True))
    assert all(torch.equal(tensor, before[name]) for name, tensor in generator.state_dict().items())
    assert all(parameter.grad is None for parameter in generator.parameters())
