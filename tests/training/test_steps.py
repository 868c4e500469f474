"""What a step does: every kind of network and loss, in parts as in one, and ADA's rule."""

import dataclasses
import math
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

from tests.tolerances import PARTS
from training.config import ConfigError, TrainingConfig
from training.data import TrainingSet
from training.loop import train, train_step
from training.loss import d_r1
from training.parts import Parts
from training.relativistic import d_r2, d_relativistic, g_relativistic
from training.snapshot import load_snapshot, save_snapshot, snapshot_path
from training.state import TrainingState, new_state

SMALL3 = {"network": "stylegan3-t", "pl_weight": 0.0, "style_mixing": 0.0, "synthesis_layers": 4, "margin": 4}
KINDS = {
    "stylegan2": {},
    "stylegan3-t": SMALL3,
    "stylegan3-r": {**SMALL3, "network": "stylegan3-r", "blur_sigma": 1.0},
    "relativistic": {"loss": "relativistic", "r1_interval": 1},
    "relativistic, lazily": {"loss": "relativistic", "r1_interval": 2},
    "diffaugment": {"augment": "diffaugment"},
    "whole pipe": {"augment": "fixed", "augment_p": 0.7, "augment_pipe": "bgcfnc"},
    "frozen": {"freeze_d": 3},
}


def weights(state: TrainingState) -> dict[str, Tensor]:
    return {f"{name}.{key}": value for name, model in state.models() for key, value in model.state_dict().items()}


def after(config: TrainingConfig, pictures: TrainingSet, steps: int, parts: Parts | None = None) -> TrainingState:
    state = new_state(config, pictures)
    for _ in range(steps):
        train_step(state, pictures, parts or Parts())
    return state


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_run_learns_and_resumes_bit_for_bit(
    tiny: TrainingConfig, dots: TrainingSet, tmp_path, kind
) -> None:
    config = dataclasses.replace(tiny, **KINDS[kind])
    whole, begun = new_state(config, dots), new_state(config, dots)
    first = {name: value.clone() for name, value in weights(whole).items()}
    for _ in train(whole, dots, until_shown=16):
        pass
    for _ in train(begun, dots, until_shown=8):
        pass
    path = snapshot_path(tmp_path, begun.shown)
    save_snapshot(begun, path, card={})
    resumed = load_snapshot(path)
    for _ in train(resumed, dots, until_shown=16):
        pass
    expected, got = weights(whole), weights(resumed)
    assert [name for name in expected if not torch.equal(expected[name], got[name])] == []
    assert all(bool(torch.isfinite(value).all()) for value in got.values())
    still = {name for name in first if torch.equal(first[name], expected[name])}
    moving = {
        f"{key}.{name}" for key, model in whole.models() for name, p in model.named_parameters() if p.requires_grad
    }
    assert not {name for name in moving & still if "noise_strength" not in name and "affine" not in name}


def test_a_step_in_parts_is_the_step_at_once(tiny: TrainingConfig, dots: TrainingSet) -> None:
    config = dataclasses.replace(
        tiny, batch=8, mbstd_group=2, pl_weight=0.0, augment="fixed", augment_p=0.5, augment_pipe="bgcfnc"
    )
    at_once, in_parts = after(config, dots, 2), after(config, dots, 2, Parts(chunks=4))
    for name, value in weights(at_once).items():
        torch.testing.assert_close(
            weights(in_parts)[name], value, **PARTS.kwargs, msg=lambda m, name=name: f"{name}: {m}"
        )


def test_parts_are_whole_groups_and_together_the_batch() -> None:
    rows = [row for rank in range(2) for row in Parts(rank=rank, ranks=2, chunks=2).rows(16, group=4)]
    assert sorted(torch.cat(rows).tolist()) == list(range(16))
    # A group is every fourth picture, and stays together.
    assert [row.tolist() for row in rows] == [[0, 4, 8, 12], [1, 5, 9, 13], [2, 6, 10, 14], [3, 7, 11, 15]]


def test_a_batch_that_cannot_be_divided_is_refused_with_a_number(tiny: TrainingConfig) -> None:
    with pytest.raises(ConfigError, match="choose a multiple of 8"):
        Parts(ranks=2).check(tiny)
    Parts(ranks=2).check(dataclasses.replace(tiny, batch=8))


def test_frozen_layers_stay_and_the_rest_learns(tiny: TrainingConfig, dots: TrainingSet) -> None:
    config = dataclasses.replace(tiny, freeze_d=3)
    state, begun = after(config, dots, 3), new_state(config, dots)
    now, before = state.discriminator.state_dict(), begun.discriminator.state_dict()
    frozen = ("b8.fromrgb.weight", "b8.conv0.weight", "b8.conv1.weight")
    assert all(torch.equal(now[name], before[name]) for name in frozen)
    assert not torch.equal(now["b4.conv.weight"], before["b4.conv.weight"])


def test_oblong_pictures_train(tiny: TrainingConfig, dots: TrainingSet) -> None:
    upright = TrainingSet("upright", dots.images[:, :, :, :6].contiguous(), None, ())
    state = after(dataclasses.replace(tiny, augment="fixed", augment_p=0.5), upright, 2)
    assert state.average.spec.resolution == (8, 6)
    crop = after(dataclasses.replace(tiny, **SMALL3), upright, 2)
    assert crop.average.spec.resolution == (8, 6)


def constant_scores(monkeypatch: pytest.MonkeyPatch, state: TrainingState, score: float) -> None:
    forward = type(state.discriminator).forward
    monkeypatch.setattr(
        type(state.discriminator), "forward", lambda self, img, c=None: forward(self, img, c) * 0 + score
    )


@pytest.mark.parametrize(("score", "direction"), [(1.0, 1), (-1.0, -1)])
def test_ada_moves_towards_its_target_by_the_published_amount(
    tiny: TrainingConfig, dots: TrainingSet, monkeypatch: pytest.MonkeyPatch, score: float, direction: int
) -> None:
    config = dataclasses.replace(tiny, augment="ada", augment_p=0.5, ada_kimg=1.0, ada_interval=2, r1_interval=0)
    state = new_state(config, dots)
    constant_scores(monkeypatch, state, score)
    found = []
    for _ in range(4):
        train_step(state, dots)
        found.append(state.augment_p)
    step = config.batch * config.ada_interval / 1000
    assert found == pytest.approx([0.5, 0.5 + direction * step, 0.5 + direction * step, 0.5 + 2 * direction * step])
    assert state.ada_mean_sign == score


def test_ada_stays_between_nothing_and_always(
    tiny: TrainingConfig, dots: TrainingSet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for p, score in ((1.0, 1.0), (0.0, -1.0)):
        config = dataclasses.replace(tiny, augment="ada", augment_p=p, ada_kimg=0.01, ada_interval=1, r1_interval=0)
        state = new_state(config, dots)
        with monkeypatch.context() as patch:
            constant_scores(patch, state, score)
            train_step(state, dots)
        assert state.augment_p == p


def judge(images: Tensor, c: Tensor | None) -> Tensor:
    return images.square().sum(dim=(1, 2, 3))[:, None]


def test_relativistic_losses_see_only_differences() -> None:
    fake, real = torch.randn(4, 3, 4, 4), torch.randn(4, 3, 4, 4)
    lifted = lambda images, c: judge(images, c) + 7  # noqa: E731
    for loss in (g_relativistic, d_relativistic):
        plain = loss(judge, fake, None, real, None)
        torch.testing.assert_close(plain.loss, loss(lifted, fake, None, real, None).loss)
    # The two players want the opposite.
    g = g_relativistic(judge, fake, None, real, None).loss
    swapped = d_relativistic(judge, real, None, fake, None).loss
    torch.testing.assert_close(g, swapped)
    equal = g_relativistic(judge, real, None, real, None).loss
    assert equal.item() == pytest.approx(math.log(2))


def test_r2_is_r1_on_generated_pictures() -> None:
    fake = torch.randn(4, 3, 4, 4)
    penalty = d_r2(judge, fake, None, gamma=3.0)
    torch.testing.assert_close(penalty.loss, d_r1(judge, fake, None, gamma=3.0).loss)
    # The gradient of a sum of squares is twice the picture.
    torch.testing.assert_close(penalty.report["r2_penalty"], 4 * fake.square().sum(dim=(1, 2, 3)))


def test_schedules_go_from_start_to_end_along_a_cosine() -> None:
    config = TrainingConfig(
        schedule_kimg=10.0, g_lr=0.002, lr_final=0.001, r1_gamma=2.0, r1_gamma_final=0.2, beta2=0.9, beta2_final=0.99
    )
    assert [config.lr(0.002, shown) for shown in (0, 5_000, 10_000, 99_000)] == pytest.approx(
        [0.002, 0.0015, 0.001, 0.001]
    )
    assert config.gamma((8, 8), 10_000) == pytest.approx(0.2)
    assert config.beta2_at(0) == 0.9
    assert dataclasses.replace(config, lr_final=None).lr(0.002, 9_000) == 0.002


def test_rates_reach_the_optimisers(tiny: TrainingConfig, dots: TrainingSet) -> None:
    state = new_state(dataclasses.replace(tiny, schedule_kimg=0.008, lr_final=0.0001), dots)
    seen: list[float] = []

    def rates() -> Iterator[float]:
        for _ in train(state, dots, until_shown=16):
            yield state.generator_adam.param_groups[0]["lr"]

    seen.extend(rates())
    assert seen[0] == pytest.approx(0.0025 * 2 / 3)
    assert seen[-1] == pytest.approx(0.0001 * 2 / 3)


def test_stylegan3_moves_its_magnitudes_and_centre_as_fast_as_published(
    tiny: TrainingConfig, dots: TrainingSet
) -> None:
    config = dataclasses.replace(tiny, **SMALL3)
    assert dataclasses.replace(config, batch=20, magnitude_kimg=0.02).magnitude_beta == pytest.approx(0.5)
    assert config.magnitude_beta == pytest.approx(0.5 ** (4 / 20_000))
    state, begun = after(config, dots, 1), new_state(config, dots)
    moved = [name for name, value in state.generator.state_dict().items() if name.endswith("magnitude_ema")]
    assert moved
    assert all(not torch.equal(state.generator.state_dict()[n], begun.generator.state_dict()[n]) for n in moved)
