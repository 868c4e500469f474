"""Each watchdog speaks once when its trouble begins, and not before."""

import math
from pathlib import Path

import pytest
import torch

from training.config import TrainingConfig
from training.data import TrainingSet
from training.watch import Watch, diversity

WELL = {"g_loss": 1.0, "d_loss": 1.0, "augment_p": 0.2, "sign_real": 0.6, "sign_fake": -0.5}


def kinds(alarms) -> list[str]:
    return [alarm.kind for alarm in alarms]


@pytest.fixture
def watch(toons: TrainingSet) -> Watch:
    return Watch(TrainingConfig(augment="ada"), diversity(toons.images))


def test_a_run_that_goes_well_is_quiet(watch: Watch, toons: TrainingSet, tmp_path: Path) -> None:
    for _ in range(10):
        assert kinds(watch.step(WELL)) == []
        assert kinds(watch.pictures(toons.images)) == []
        assert kinds(watch.disk(tmp_path, 1)) == []


def test_values_that_are_no_numbers_are_told_and_end_the_run_when_they_last(watch: Watch) -> None:
    found = [list(watch.step({**WELL, "d_loss": math.nan})) for _ in range(4)]
    assert [kinds(alarms) for alarms in found] == [["nan"], [], ["nan"], []]
    assert "d_loss" in found[0][0].text
    assert not found[0][0].fatal
    assert found[2][0].fatal


@pytest.mark.parametrize(
    ("values", "kind"),
    [({"augment_p": 0.95}, "ada"), ({"sign_real": 0.99, "sign_fake": -0.99}, "discriminator")],
)
def test_what_lasts_is_told_once_and_again_when_it_comes_back(watch: Watch, values, kind: str) -> None:
    told = [kinds(watch.step({**WELL, **values})) for _ in range(6)]
    assert told == [[], [], [kind], [], [], []]
    assert kinds(watch.step(WELL)) == []
    assert [kinds(watch.step({**WELL, **values})) for _ in range(3)] == [[], [], [kind]]


def test_pictures_that_become_alike_are_a_collapse(watch: Watch, toons: TrainingSet) -> None:
    alike = toons.images[:1].repeat(48, 1, 1, 1)
    # Nothing was learned yet: nothing is lost.
    assert kinds(watch.pictures(alike)) == []
    assert kinds(watch.pictures(toons.images[:48])) == []
    assert kinds(watch.pictures(alike)) == ["collapse"]
    assert kinds(watch.pictures(alike)) == []


def test_a_disk_that_fills_is_told(watch: Watch, tmp_path: Path) -> None:
    assert kinds(watch.disk(tmp_path, 1 << 60)) == ["disk"]


def test_diversity_is_nothing_for_equal_pictures_and_grows_with_contrast() -> None:
    noise = torch.randint(0, 256, (20, 3, 16, 16), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert diversity(noise[:1].repeat(5, 1, 1, 1)) == 0
    assert diversity(noise) > diversity(noise // 2) > 0
