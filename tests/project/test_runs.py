import json
import os
from pathlib import Path

import pytest

from explorer.project.runs import Run, find_runs, read_run
from tests.models import write_stylegan2

METRIC = "kid_x1000_pixels16"


def make(folder: Path, *names: str, size: int = 5000) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for age, name in enumerate(names):
        (folder / name).write_bytes(b"\x80\x02" + bytes(size))
        os.utime(folder / name, (1000 + age, 1000 + age))
    return folder


def found(folder: Path) -> list[Run]:
    return [run for run in find_runs(folder) if run is not None]


def test_a_run_of_ours_has_its_newest_snapshot_first_with_what_the_log_says(tmp_path: Path) -> None:
    folder = make(tmp_path / "first", "snapshot-0000012000.safetensors", "snapshot-0000200500.safetensors", "reals.png")
    lines = [
        {"event": "start", "config": {}},
        {"event": "snapshot", "shown": 12000, "file": "snapshot-0000012000.safetensors", METRIC: 31.5},
        {"event": "snapshot", "shown": 200500, "file": "snapshot-0000200500.safetensors", METRIC: 9.25},
    ]
    # The last line is half written: the run goes on.
    (folder / "log.jsonl").write_text("\n".join(map(json.dumps, lines)) + '\n{"event": "st')
    (run,) = found(tmp_path)
    assert (run.folder, run.is_training) == (folder, True)
    assert [(model.kimg, model.metrics) for model in run.models] == [
        (200.5, ((METRIC, 9.25),)),
        (12, ((METRIC, 31.5),)),
    ]


def test_a_published_run_has_kimg_by_name_and_metrics_by_file(tmp_path: Path) -> None:
    folder = make(tmp_path / "00001-ffhq", *(f"network-snapshot-{kimg:06}.pkl" for kimg in (0, 200, 1000)))
    line = {"results": {"fid50k_full": 7.5}, "metric": "fid50k_full", "snapshot_pkl": "network-snapshot-001000.pkl"}
    (folder / "metric-fid50k_full.jsonl").write_text(json.dumps(line) + "\n")
    older = "network-snapshot-000200             time 2m 51s      fid50k     88.4521   \n"
    (folder / "metric-fid50k.txt").write_text(older)
    (run,) = found(tmp_path)
    assert [model.kimg for model in run.models] == [1000, 200, 0]
    assert [dict(model.metrics) for model in run.models] == [{"fid50k_full": 7.5}, {"fid50k": 88.4521}, {}]


def test_other_models_are_found_too_the_one_written_last_first(tmp_path: Path) -> None:
    make(tmp_path / "models", "faces.pkl", "cats.pt")
    (run,) = found(tmp_path)
    assert [model.path.name for model in run.models] == ["cats.pt", "faces.pkl"]
    assert not run.is_training


def test_our_checkpoints_are_told_from_other_safetensors_by_their_header(tmp_path: Path) -> None:
    write_stylegan2(tmp_path / "mine.safetensors")
    (tmp_path / "encoder.safetensors").write_bytes((2).to_bytes(8, "little") + b"{}" + bytes(9000))
    (tmp_path / "damaged.safetensors").write_bytes(b"\xff" * 9000)
    (run,) = found(tmp_path)
    assert [model.path.name for model in run.models] == ["mine.safetensors"]


def test_the_bundled_models_card_is_read_from_its_header() -> None:
    run, _ = read_run(Path(__file__).parents[2] / "assets" / "models")
    assert run is not None
    (toons,) = [model for model in run.models if model.path.stem == "toons64"]
    assert (toons.licence, toons.kimg) == ("CC-BY-4.0", 185.552)
    assert toons.metrics


def test_runs_below_are_found_and_hidden_links_and_empty_folders_are_not(tmp_path: Path) -> None:
    make(tmp_path / "a" / "b" / "run", "network-snapshot-000100.pkl")
    make(tmp_path / ".cache", "network-snapshot-000100.pkl")
    make(tmp_path / "small", "notes.pkl", size=10)
    (tmp_path / "round").symlink_to(tmp_path, target_is_directory=True)
    assert [run.folder.name for run in found(tmp_path)] == ["run"]


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        found(tmp_path / "nowhere")
