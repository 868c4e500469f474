from pathlib import Path

import numpy as np
import pytest

from explorer.session.training import Curve, DatasetReport, Health, RunView
from widgets.training.board import side_by_side
from widgets.training.data_choice import made_size
from widgets.training.words import (
    classes_in_words,
    duration,
    facts_of,
    health_in_words,
    metric_in_words,
    pace_in_words,
    progress_in_words,
    size_in_words,
    status_in_words,
)

REPORT = DatasetReport(Path("a.zip"), "a", 1200, (192, 256), "RGB", 3_400_000, (("coat", 200), ("dress", 1000)))


def view(**fields: object) -> RunView:
    return RunView(Path("run"), **{"status": "running", **fields})  # type: ignore[arg-type]


def test_a_data_set_is_told_of_in_a_line() -> None:
    assert facts_of(REPORT) == "1,200 pictures · 192 × 256 · RGB · 3.4 MB"
    assert classes_in_words(REPORT) == "2 classes: dress 1,000, coat 200"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (119, "119 seconds"), (120, "2.0 minutes"), (7200, "2.0 hours"), (4e6, "46 days")],
)
def test_lengths_of_time_are_told_so_that_a_person_can_take_them_in(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_sizes_are_told_in_the_unit_that_fits() -> None:
    assert [size_in_words(size) for size in (999, 1e6, 2.5e9)] == ["1 kB", "1.0 MB", "2.5 GB"]


def test_what_a_close_look_found_is_told_once_and_counted() -> None:
    health = Health(5, (64, 64), (("x.jpg", "damaged"), ("y.jpg", "damaged")), (("a", "b", "c"),), ("g",), ())
    assert health_in_words(health) == (
        "Left out: x.jpg (damaged) and 1 more.",
        "2 pictures look like another one: a like b.",
        "1 picture is grey among coloured ones.",
    )
    assert health_in_words(None) == ()


def test_a_metric_is_called_what_it_is() -> None:
    assert metric_in_words("kid_x1000_pixels16") == "KID × 1000 (pixels16)"
    assert metric_in_words("fid_inception") == "FID (inception)"
    assert metric_in_words("") == "Metric"


def test_a_run_says_how_far_it_is_and_when_it_ends() -> None:
    speed = Curve(np.arange(1.0, 4.0), np.array([99.0, 10.0, 10.0]))
    running = view(kimg=3.0, goal_kimg=1003.0, curves={"s_per_kimg": speed})
    assert running.left_s == 10_000
    assert pace_in_words(running, 0.0).startswith("10 s per kimg · 2.8 hours left, until ")
    assert progress_in_words(running) == "3 of 1,003 kimg"
    assert status_in_words(running, paused=True) == "Running"
    assert status_in_words(view(status="stopped"), paused=True) == "Paused"
    assert status_in_words(view(status="stopped"), paused=False) == "Stopped"


def test_a_size_is_as_typed_or_as_the_pictures_suggest() -> None:
    health = Health(5, (192, 256), (), (), (), ())
    assert made_size(" 64 × 32 ", health) == "64x32"
    assert made_size("", health) == "192x256"
    assert made_size("", None) == ""


def test_generated_and_real_pictures_stand_side_by_side_in_one_texture() -> None:
    grey, colour = np.full((4, 6, 1), 7, np.uint8), np.full((4, 2, 4), 9, np.uint8)
    joined = side_by_side(grey, colour)
    assert joined is not None
    pixels, share = joined
    assert (pixels.shape, share) == ((4, 8, 3), 0.75)
    assert (pixels[:, :6] == 7).all()
    assert (pixels[:, 6:] == 9).all()
    assert side_by_side(None, None) is None
