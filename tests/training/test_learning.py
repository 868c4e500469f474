"""That training lowers a distance it does not optimise, and that the parts of it obey their laws."""

import dataclasses

import pytest
import torch

from training.config import ConfigError, TrainingConfig
from training.data import TrainingSet
from training.grid import sample
from training.loop import train
from training.loss import blur, blur_sigma
from training.metrics.distances import kernel_distance
from training.metrics.pixels import pixel_features, pixel_kid
from training.state import new_state


def test_a_short_run_brings_generated_pictures_closer_to_real_ones(tiny: TrainingConfig, toons: TrainingSet) -> None:
    config = dataclasses.replace(tiny, batch=16, channel_base=256, channel_max=32, r1_gamma=0.1, r1_interval=8)
    config = dataclasses.replace(config, pl_interval=0, pl_weight=0.0, xflip=False, g_lr=0.005, d_lr=0.005)
    trained_on, held_out = toons.split(config.holdout)
    state = new_state(config, trained_on)

    def distance() -> float:
        return kernel_distance(pixel_features(sample(state.average, range(200))), pixel_features(held_out.images))

    before = distance()
    for _ in train(state, trained_on, until_shown=3000):
        pass
    after = distance()
    assert after < before / 4


def test_equal_distributions_are_near_and_different_ones_far(toons: TrainingSet) -> None:
    half, rest = toons.images[:100], toons.images[100:]
    near, _ = pixel_kid(half, rest)
    far, _ = pixel_kid(255 - half, rest)
    assert abs(near) < far / 20


def test_the_kernel_distance_is_symmetric_and_ignores_order() -> None:
    rng = torch.Generator().manual_seed(0)
    x, y = torch.randn(20, 6, generator=rng), torch.randn(30, 6, generator=rng) + 0.5
    assert kernel_distance(x, y) == pytest.approx(kernel_distance(y, x))
    assert kernel_distance(x, y) == pytest.approx(kernel_distance(x.flip(0), y))
    with pytest.raises(ValueError, match="2 samples"):
        kernel_distance(x[:1], y)


def test_blur_keeps_a_constant_inside_and_fades_to_nothing() -> None:
    assert blur_sigma(0, start=10, fade_kimg=200) == 10
    assert blur_sigma(100_000, start=10, fade_kimg=200) == 5
    assert blur_sigma(200_000, start=10, fade_kimg=200) == blur_sigma(5, start=10, fade_kimg=0) == 0
    image = torch.ones(1, 1, 32, 32)
    assert blur(image, 0.0) is image
    torch.testing.assert_close(blur(image, 2.0)[..., 16, 16], torch.ones(1, 1))


def test_the_average_starts_at_once_and_slows_down() -> None:
    config = TrainingConfig(batch=16, ema_kimg=5.0, ema_rampup=0.05, mbstd_group=4)
    assert config.ema_beta(0) < 1e-6
    assert config.ema_beta(100_000) == config.ema_beta(10**9) == pytest.approx(0.5 ** (16 / 5000))
    assert dataclasses.replace(config, ema_rampup=None).ema_beta(0) == config.ema_beta(10**9)


def test_settings_survive_json_and_wrong_ones_are_named() -> None:
    config = TrainingConfig(seed=3, r1_gamma=0.25)
    assert TrainingConfig.from_json(config.to_json()) == config
    assert config.gamma((64, 64)) == 0.25
    assert TrainingConfig(batch=32).gamma((256, 256)) == pytest.approx(0.0002 * 256**2 / 32)
    with pytest.raises(ConfigError, match=r"batch is 0.*mbstd_group"):
        TrainingConfig(batch=0, mbstd_group=0)
    with pytest.raises(ConfigError, match="mbstd_group is 4, and has to be a divisor of the batch"):
        TrainingConfig(batch=6)
    with pytest.raises(ConfigError, match="unknown settings speed"):
        TrainingConfig.from_json('{"speed": 3}')
    with pytest.raises(ConfigError, match="not JSON"):
        TrainingConfig.from_json("{")
    with pytest.raises(ConfigError, match="wrong type"):
        TrainingConfig.from_json('{"batch": "many"}')
