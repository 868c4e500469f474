"""A StyleGAN3 learns to draw what a StyleGAN2 draws."""

from itertools import islice
from pathlib import Path

import pytest
import torch

from explorer.checkpoints import CheckpointParts, open_checkpoint, save_checkpoint
from explorer.features import bundled_features
from explorer.generators import stylegan2
from training.config import ConfigError
from training.distil.command import main
from training.distil.lesson import Lesson, distance, new_pupil, open_pupil, save_pupil, teach

LESSON = Lesson(synthesis_layers=4, margin=4, channel_base=128, channel_max=8, batch=4, kimg=0.2)


@pytest.fixture(scope="module")
def teacher() -> stylegan2.Generator:
    torch.manual_seed(0)
    options = stylegan2.GeneratorConfig.standard(
        resolution=16, z_dim=8, w_dim=8, mapping_layers=2, channel_base=128, channel_max=8
    )
    return stylegan2.Generator(options).eval().requires_grad_(False)


def test_the_student_shares_the_teachers_w(teacher: stylegan2.Generator) -> None:
    z = torch.randn(5, 8)
    assert torch.equal(new_pupil(teacher, LESSON).average.map(z), teacher.map(z))


def test_steps_bring_its_pictures_closer(teacher: stylegan2.Generator) -> None:
    losses = list(teach(new_pupil(teacher, LESSON), teacher, bundled_features()))
    assert len(losses) == 50
    assert sum(losses[-10:]) < 0.9 * sum(losses[:10])


def test_equal_pictures_are_at_no_distance() -> None:
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    assert float(distance(images, images.clone(), bundled_features(), pixel_weight=4.0)) == pytest.approx(0, abs=1e-6)


def test_stopping_and_going_on_is_never_having_stopped(teacher: stylegan2.Generator, tmp_path: Path) -> None:
    whole, cut = new_pupil(teacher, LESSON), new_pupil(teacher, LESSON)
    expected = list(islice(teach(whole, teacher, bundled_features()), 6))
    first = list(islice(teach(cut, teacher, bundled_features()), 3))
    save_pupil(cut, tmp_path / "student.safetensors", card={"name": "student"})
    resumed = open_pupil(tmp_path / "student.safetensors")
    assert first + list(islice(teach(resumed, teacher, bundled_features()), 3)) == expected
    for name, value in whole.average.state_dict().items():
        assert torch.equal(value, resumed.average.state_dict()[name]), name


def test_the_command_writes_a_model_and_refuses_other_teachers(
    teacher: stylegan2.Generator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = tmp_path / "teacher.safetensors", tmp_path / "student.safetensors"
    save_checkpoint(CheckpointParts(teacher), source, card={"licence": "CC0-1.0", "metrics": {"KID": 1}})
    small = ["--synthesis-layers", "4", "--margin", "4", "--channel-max", "8", "--batch", "4", "--kimg", "0.008"]

    assert main([str(source), str(out), *small]) == 0
    card = open_checkpoint(out).info.card
    assert card["licence"] == "CC0-1.0"
    assert card["distilled_kimg"] == 0.008
    assert "metrics" not in card

    assert main([str(out), str(tmp_path / "other.safetensors")]) == 2
    assert "student.safetensors is a stylegan3, and a teacher has to be a StyleGAN2" in capsys.readouterr().err
    assert main([str(source), str(source)]) == 2
    assert "teacher.safetensors is no student of training.distil: name another file to write" in capsys.readouterr().err


def test_a_student_that_has_learned_nothing_yet_is_gone_on_with(teacher: stylegan2.Generator, tmp_path: Path) -> None:
    save_pupil(new_pupil(teacher, LESSON), tmp_path / "student.safetensors", card={})
    assert len(list(islice(teach(open_pupil(tmp_path / "student.safetensors"), teacher, bundled_features()), 2))) == 2


def test_going_on_keeps_the_teacher_and_the_shape(
    teacher: stylegan2.Generator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, other, out = (tmp_path / f"{name}.safetensors" for name in ("teacher", "other", "student"))
    save_checkpoint(CheckpointParts(teacher), source, card={})
    save_checkpoint(CheckpointParts(teacher), other, card={"name": "other"})
    small = ["--synthesis-layers", "4", "--margin", "4", "--channel-max", "8", "--batch", "4"]
    assert main([str(source), str(out), *small, "--kimg", "0.004"]) == 0
    assert main([str(source), str(out), "--kimg", "0.008"]) == 0
    assert open_checkpoint(out).info.card["distilled_kimg"] == 0.008
    assert main([str(other), str(out)]) == 2
    assert "student.safetensors learned from another teacher" in capsys.readouterr().err
    assert main([str(source), str(out), "--margin", "5"]) == 2
    assert "margin of student.safetensors is 4, and cannot become 5" in capsys.readouterr().err


@pytest.mark.parametrize(("name", "value"), [("variant", "x"), ("batch", 0), ("lr", 0.0), ("psi", 2.0)])
def test_a_lesson_out_of_range_is_refused(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"{name} is {value!r}, and has to be"):
        Lesson(**{name: value})  # type: ignore[arg-type]
