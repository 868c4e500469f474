"""What is read of data sets and of logs, and what is asked of the trainer: without a process."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from explorer.errors import DatasetError, StateError
from explorer.session.job import Job
from explorer.session.training import PRESETS, Curve, TrainingPlan, free_folder, holds_pictures, split_options
from explorer.session.training.log import LogReader, decimated
from explorer.session.training.report import DatasetReport, read_report
from tests.session.training.sets import SAMPLE, encoded, write_zip
from training.command import _parser
from training.presets import PRESETS as TRAINERS


def report(path: Path) -> DatasetReport:
    found = read_report(path, Job("look"))
    assert found is not None
    return found


def test_the_sample_is_told_of_as_it_is() -> None:
    found = report(SAMPLE)
    assert (found.pictures, found.size, found.mode, found.can_be_trained_on) == (200, (64, 64), "RGB", True)
    assert [small.shape for small in found.thumbnails] == [(64, 64, 3)] * 24
    assert found.size_bytes == SAMPLE.stat().st_size
    assert "CC" in found.licence


def test_classes_are_counted_by_name(tmp_path: Path) -> None:
    labels = [[f"{i:04d}.png", int(i > 0)] for i in range(5)]
    found = report(write_zip(tmp_path / "a.zip", [encoded(seed=i) for i in range(5)], labels=labels, class_names=["x"]))
    assert found.classes == (("x", 1), ("class 1", 4))
    assert found.can_be_trained_on
    assert "5 pictures are few" in found.notes[0]


@pytest.mark.parametrize(
    ("pictures", "description", "said"),
    [
        ([encoded()], {}, "One picture is no data set"),
        ([encoded()] * 3 + [encoded((16, 8))], {}, "0003.png: 16 × 8, while most pictures are 16 × 16."),
        ([encoded()] * 3 + [encoded(mode="L")], {}, "0003.png: grey, while most pictures are RGB."),
        ([encoded()] * 6 + [b"no picture"] * 5, {}, "0006.png, 0007.png, 0008.png and 2 more cannot be read."),
        ([encoded()] * 3, {"labels": [["0000.png", 1]]}, "0001.png, 0002.png have no label."),
        ([encoded()] * 3, {"labels": [3]}, "no pairs"),
    ],
)
def test_what_the_trainer_would_refuse_is_named(
    tmp_path: Path, pictures: list[bytes], description: dict[str, object], said: str
) -> None:
    found = report(write_zip(tmp_path / "bad.zip", pictures, **description))
    assert not found.can_be_trained_on
    assert said in " ".join(found.problems)


def test_a_folder_is_told_of_but_has_to_be_made_a_data_set_first(tmp_path: Path) -> None:
    below = tmp_path / "photos" / "cats"
    below.mkdir(parents=True)
    for number, size in enumerate([(20, 10), (10, 20), (20, 10)]):
        (below / f"{number}.jpg").write_bytes(encoded(size, kind="JPEG"))
    found = report(tmp_path / "photos")
    assert (found.pictures, found.size, found.is_folder, found.problems) == (3, (20, 10), True, ())
    assert not found.can_be_trained_on
    assert holds_pictures(tmp_path / "photos")


def test_what_is_no_data_set_says_so(tmp_path: Path) -> None:
    text, empty, hollow = tmp_path / "letter.zip", tmp_path / "empty", tmp_path / "hollow.zip"
    text.write_text("Dear all")
    empty.mkdir()
    write_zip(hollow, [], name="nothing")
    broken = write_zip(tmp_path / "broken.zip", [b"", b"x"])
    for path, said in (
        (text, "is no zip of pictures"),
        (empty, "holds no pictures"),
        (hollow, "holds no pictures"),
        (broken, "None of the 2 pictures"),
        (tmp_path / "gone.zip", "There is nothing at"),
    ):
        with pytest.raises(DatasetError, match=said):
            report(path)
    assert [holds_pictures(path) for path in (text, empty, hollow, tmp_path / "gone", SAMPLE)] == [False] * 4 + [True]


def test_looking_ends_when_it_is_cancelled() -> None:
    job = Job("look")
    job.cancel()
    assert read_report(SAMPLE, job) is None


def test_the_presets_are_the_trainers() -> None:
    assert PRESETS.keys() == {"auto", *TRAINERS}


def test_a_plan_is_read_by_the_trainer_as_it_was_meant(tmp_path: Path) -> None:
    plan = TrainingPlan(
        SAMPLE,
        tmp_path / "a run",
        "tiny",
        12.5,
        start_from=tmp_path / "m.pkl",
        options=split_options("--batch 8 --xflip"),
    )
    read = vars(_parser("test").parse_args(plan.arguments()))
    named = {name: read[name] for name in ("run", "data", "preset", "kimg", "device", "resume_from", "batch", "xflip")}
    assert list(named.values()) == [plan.folder, SAMPLE, "tiny", 12.5, "cpu", plan.start_from, 8, True]


@pytest.mark.parametrize(("text", "said"), [("--kimg 3", "--kimg"), ("--data=x", "--data"), ("--a 'b", "quotation")])
def test_options_that_have_a_control_of_their_own_are_refused(text: str, said: str) -> None:
    with pytest.raises(StateError, match=said):
        split_options(text)


def test_a_free_folder_is_one_that_is_not_there(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        folder = free_folder(tmp_path, Path("birds.zip"))
        folder.mkdir()
        names.append(folder.name)
    assert names == ["birds", "birds-2", "birds-3"]


def lines(path: Path, *said: dict[str, object]) -> None:
    with path.open("a") as file:
        file.writelines(json.dumps(line) + "\n" for line in said)


def step(shown: int, loss: float | str) -> dict[str, object]:
    return {"event": "step", "step": shown // 4, "shown": shown, "g_loss": loss}


def test_a_log_is_read_as_it_grows_and_half_a_line_waits(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    reader = LogReader(path)
    assert not reader.read()
    lines(path, {"event": "start", "config": {"kimg": 3}, "data": "toons", "notes": ["why"]}, step(1000, 1.5))
    with path.open("a") as file:
        file.write('{"event": "step", "shown": 20')
    assert reader.read()
    assert (reader.kimg, reader.data, reader.notes, reader.settings) == (1.0, "toons", ("why",), {"kimg": 3})
    with path.open("a") as file:
        file.write('00, "g_loss": 2.5}\n')
    lines(path, step(3000, "nan"), {"event": "snapshot", "shown": 3000, "file": "x", "kid": 4.0})
    assert reader.read()
    assert not reader.read()
    loss, metric = reader.curve("g_loss", 100), reader.curve("kid", 100)
    assert loss is not None
    assert metric is not None
    assert (loss.kimg.tolist(), loss.values.tolist()) == ([1.0, 2.0], [1.5, 2.5])
    assert (metric.kimg.tolist(), reader.metric, reader.kimg) == ([3.0], "kid", 3.0)


def test_what_a_killed_run_does_again_takes_the_place_of_the_first_time(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    lines(
        path, {"event": "start"}, *(step(1000 * k, float(k)) for k in range(1, 6)), {"event": "start"}, step(3000, 9.0)
    )
    reader = LogReader(path)
    reader.read()
    loss = reader.curve("g_loss", 100)
    assert loss is not None
    assert (loss.kimg.tolist(), loss.values.tolist()) == ([1.0, 2.0, 3.0], [1.0, 2.0, 9.0])


def test_a_log_that_begins_anew_is_read_anew_and_damage_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    lines(path, {"event": "start"}, step(1000, 1.0), step(2000, 2.0))
    reader = LogReader(path)
    reader.read()
    path.write_text('\x00\x00{"half\n[1]\n')
    lines(path, step(500, 7.0))
    reader.read()
    loss = reader.curve("g_loss", 100)
    assert loss is not None
    assert (loss.kimg.tolist(), loss.values.tolist(), reader.starts) == ([0.5], [7.0], 0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=400), st.integers(5, 50))
def test_a_thinned_curve_keeps_its_peaks_and_its_end_in_few_points(values: list[float], limit: int) -> None:
    curve = Curve(np.arange(len(values), dtype=float), np.array(values))
    thin = decimated(curve, limit)
    assert len(thin.kimg) <= limit
    assert (np.diff(thin.kimg) > 0).all()
    assert thin.values[-1] == values[-1]
    assert set(zip(thin.kimg, thin.values, strict=True)) <= set(zip(curve.kimg, curve.values, strict=True))
    assert (thin.values.min(), thin.values.max()) == (min(values), max(values))
