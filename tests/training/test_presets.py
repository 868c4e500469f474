"""Presets and what they explain."""

import pytest

from explorer.errors import DatasetError
from training.config import ConfigError, TrainingConfig
from training.networks import Shape, build_networks
from training.presets import PRESETS, Machine, automatic, preset_settings
from training.sizes import base_of

GPU = Machine("cuda", 1, 80 << 30)
PROCESSOR = Machine("cpu", 1, 8 << 30)


@pytest.mark.parametrize("name", PRESETS)
@pytest.mark.parametrize("machine", [GPU, PROCESSOR])
def test_every_preset_makes_settings_that_fit_together(name: str, machine: Machine) -> None:
    settings, _ = preset_settings(name, size=(256, 256), pictures=5000, machine=machine, given={})
    TrainingConfig(**settings)


def test_what_a_person_names_stands() -> None:
    settings, _ = preset_settings("stylegan2", size=(64, 64), pictures=100, machine=GPU, given={"r1_gamma": 3.0})
    assert "r1_gamma" not in settings
    chosen = automatic((64, 64), 100, GPU, {"batch": 8})
    assert next(choice.value for choice in chosen if choice.name == "r1_gamma") == pytest.approx(0.0002 * 64 * 64 / 8)


@pytest.mark.parametrize(
    ("size", "devices", "batch", "gamma"),
    [(256, 1, 16, 0.8192), (256, 8, 64, 0.2048), (1024, 8, 32, 6.5536), (64, 1, 32, 0.0256)],
)
def test_auto_follows_the_published_formulas(size: int, devices: int, batch: int, gamma: float) -> None:
    chosen = {c.name: c.value for c in automatic((size, size), 5000, Machine("cuda", devices, 80 << 30), {})}
    assert chosen["batch"] == batch
    assert chosen["r1_gamma"] == pytest.approx(gamma)
    assert chosen["ema_kimg"] == batch * 10 / 32
    assert chosen["channel_base"] == (32768 if size >= 512 else 16384)
    assert chosen["g_lr"] == (0.002 if size >= 1024 else 0.0025)


@pytest.mark.parametrize("machine", [GPU, PROCESSOR])
def test_auto_gives_a_reason_for_every_choice(machine: Machine) -> None:
    for choice in automatic((192, 256), 500, machine, {}):
        assert len(choice.why) > 5
        assert str(choice).startswith(f"{choice.name} = {choice.value}: ")
    settings, choices = preset_settings("auto", size=(64, 64), pictures=500, machine=machine, given={"batch": 4})
    assert settings.keys() == {choice.name for choice in choices}
    TrainingConfig(**settings, batch=4)


@pytest.mark.parametrize("size", [128, 256, 512, 1024])
def test_stylegan3_gamma_is_the_published_one(size: int) -> None:
    settings, choices = preset_settings("stylegan3-r", size=(size, size), pictures=5000, machine=GPU, given={})
    assert settings["r1_gamma"] == pytest.approx({128: 0.5, 256: 2, 512: 8, 1024: 32}[size])
    assert choices


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(ConfigError, match="use auto, stylegan2"):
        preset_settings("paper2048", size=(64, 64), pictures=1, machine=GPU, given={})


@pytest.mark.parametrize(
    ("size", "resolution", "base"),
    [
        ((64, 64), 64, (4, 4)),
        ((256, 192), 256, (4, 3)),
        ((192, 256), 256, (3, 4)),
        ((8, 6), 8, (4, 3)),
        ((768, 1280), 1024, (3, 5)),
        ((96, 96), 64, (6, 6)),
    ],
)
def test_sizes_are_halved_down_to_a_small_block(size, resolution, base) -> None:
    assert base_of(size) == (resolution, base)
    config = TrainingConfig(z_dim=8, w_dim=8, channel_base=2048, channel_max=8, pl_weight=0.0)
    generator, _ = build_networks(config, Shape(size, 3, 0))
    assert generator.spec.resolution == size


def test_sizes_that_cannot_be_halved_are_refused_with_one_that_can() -> None:
    for size, nearest in {(97, 103): (96, 104), (720, 1280): (768, 1280), (5, 5): (8, 8)}.items():
        with pytest.raises(DatasetError, match=f"make them {nearest[1]} x {nearest[0]},"):
            base_of(size)
        base_of(nearest)
