from dataclasses import replace
from pathlib import Path

import pytest
import torch

from explorer.generators.projected_discriminator import ProjectedDiscriminator
from tests.tolerances import LOSS
from training.config import ConfigError, TrainingConfig
from training.data import TrainingSet
from training.hinge import d_hinge, g_hinge
from training.loop import train_step
from training.presets import PRESETS
from training.snapshot import load_snapshot, save_snapshot
from training.state import new_state


def judge(images: torch.Tensor, c: torch.Tensor | None) -> torch.Tensor:
    return images.flatten(1)


def test_the_hinge_counts_what_is_on_the_wrong_side_or_within_the_margin() -> None:
    def d(fake: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
        return d_hinge(judge, fake[:, :, None, None], None, real[:, :, None, None], None).loss

    far = torch.full((2, 3), 5.0)
    assert d(-far, far) == 0
    torch.testing.assert_close(d(torch.zeros(2, 3), torch.zeros(2, 3)), torch.tensor(2.0), **LOSS.kwargs)
    torch.testing.assert_close(d(far, -far), torch.tensor(12.0), **LOSS.kwargs)


def test_the_generator_raises_every_part_alike() -> None:
    fake = torch.tensor([[[[1.0]], [[-3.0]]], [[[2.0]], [[0.0]]]], requires_grad=True)
    phase = g_hinge(judge, fake, None, gain=2.0)
    phase.loss.backward()
    assert phase.loss == 0
    assert torch.equal(phase.report["scores_fake"], torch.tensor([-1.0, 1.0]))
    assert torch.equal(fake.grad, torch.full_like(fake, -0.5))


@pytest.fixture
def projected(tiny: TrainingConfig) -> TrainingConfig:
    chosen = {name: value for name, value in PRESETS["projected"].items() if name not in ("z_dim", "w_dim")}
    return replace(tiny, batch=2, mbstd_group=2, **chosen)


def test_a_run_with_it_learns_and_resumes_bit_for_bit(
    projected: TrainingConfig, dots: TrainingSet, tmp_path: Path
) -> None:
    state = new_state(projected, dots)
    assert isinstance(state.discriminator, ProjectedDiscriminator)
    before = {name: value.clone() for name, value in state.discriminator.state_dict().items()}
    first = {name: value.clone() for name, value in state.generator.state_dict().items()}
    report = train_step(state, dots)
    after = state.discriminator.state_dict()
    changed = {name for name, value in before.items() if not torch.equal(value, after[name])}

    assert {"scores_real", "scores_fake", "d_loss", "g_loss"} <= report.keys()
    assert changed
    assert all(name.startswith("heads.") for name in changed)
    assert any(not torch.equal(value, state.generator.state_dict()[name]) for name, value in first.items())

    save_snapshot(state, tmp_path / "snapshot-0000000002.safetensors", card={})
    resumed = load_snapshot(tmp_path / "snapshot-0000000002.safetensors")
    for run in (state, resumed):
        train_step(run, dots)
    for ours, theirs in ((state.discriminator, resumed.discriminator), (state.generator, resumed.generator)):
        assert all(torch.equal(value, theirs.state_dict()[name]) for name, value in ours.state_dict().items())


def test_a_gradient_penalty_is_refused_with_what_to_set(tiny: TrainingConfig) -> None:
    with pytest.raises(ConfigError, match="r1_interval is 2, and has to be 0 with a projected discriminator"):
        replace(tiny, discriminator="projected", loss="hinge")
