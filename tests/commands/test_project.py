import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.commands.errors import run
from explorer.commands.project import project
from explorer.project import load_project
from tests.faces.test_find_faces import PORTRAIT
from tests.models import GOLDEN, golden
from tests.projection.nets import photo_of, picture

NET = GOLDEN / "nets" / "sg2_32_orig.pkl"
FAST = ("--steps", "12", "--samples", "16")


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, seed in (("a.png", 5), ("b.png", 6)):
        Image.fromarray(photo_of(picture(golden("sg2_32_orig").generator, seed)).pixels).save(folder / name)
    return folder


def called(*arguments: object) -> int:
    return run(project, [str(argument) for argument in arguments])


def test_a_folder_of_photos_is_found_and_goes_on_where_it_was(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert called(NET, photos, *FAST, "--space", "w+", "--out", out) == 0
    assert sorted(path.name for path in out.iterdir()) == sorted(
        f"{name}.{kind}" for name in "ab" for kind in ("json", "latent", "npz", "png")
    )
    report = json.loads((out / "a.json").read_text())
    assert report["psnr_db"] > 10
    assert report["distance"] > 0
    assert report["settings"]["space"] == "w_plus"
    point = np.load(out / "a.npz")
    kept = load_project(out / "a.latent")
    assert [point.name for point in kept.points] == ["a.png"]
    assert np.array_equal(kept.blobs.get(kept.state.latent.blob), point["w_plus"])

    (out / "b.json").unlink()
    written = (out / "a.png").stat().st_mtime_ns
    capsys.readouterr()
    assert called(NET, photos, *FAST, "--space", "w+", "--out", out) == 0
    assert "a.json is there already" in capsys.readouterr().out
    assert (out / "a.png").stat().st_mtime_ns == written
    assert (out / "b.json").exists()


def test_the_project_it_writes_renders_the_picture_it_wrote(photos: Path, tmp_path: Path) -> None:
    from explorer.commands.render import render

    out = tmp_path / "out"
    assert called(NET, photos / "a.png", *FAST, "--pti", "--noise", "--out", out) == 0
    assert run(render, [str(out / "a.latent"), "--out", str(tmp_path / "again"), "--no-compiled"]) == 0
    first, again = (np.asarray(Image.open(path)).astype(int) for path in (out / "a.png", tmp_path / "again" / "a.png"))
    assert np.abs(first - again).max() <= 1


def test_what_cannot_be_done_is_one_line(photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (photos / "c.jpg").write_text("dear diary")
    assert called(NET, photos / "c.jpg", *FAST, "--out", tmp_path / "out") == 2
    assert "c.jpg is no picture: its content is text" in capsys.readouterr().err
    assert called(NET, photos / "a.png", "--steps", "5", "--time", "5", "--out", tmp_path) == 2
    (tmp_path / "empty").mkdir()
    assert called(NET, tmp_path / "empty", *FAST) == 2
    assert "holds no photos" in capsys.readouterr().err


def test_the_face_of_a_photo_is_cut_out_for_models_of_faces(
    photos: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    faces, out = tmp_path / "stylegan2-ffhq-32x32.pkl", tmp_path / "out"
    shutil.copy(NET, faces)
    shutil.copy(PORTRAIT, photos / "c.jpg")

    def found(net: Path, *options: object) -> dict[str, object]:
        assert called(net, photos / "c.jpg", *FAST, *options, "--out", out) == 0
        return json.loads((out / "c.json").read_text())

    assert found(faces)["notes"] == ["the face was turned upright and cut out"]
    # Another plan is another search, and the same one is not.
    asked = found(NET, "--face")
    assert asked["notes"] == ["the face was turned upright and cut out"]
    assert found(NET, "--face") == asked
    assert found(NET)["notes"] == []
    assert found(faces, "--no-face")["notes"] == []
    capsys.readouterr()
    assert called(NET, photos / "a.png", *FAST, "--face", "--out", out) == 0
    assert "a.png: no face was found" in capsys.readouterr().err
