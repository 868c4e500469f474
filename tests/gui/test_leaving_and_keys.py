"""What would be lost is asked about, and what has opened can be closed and reached by keys."""

from pathlib import Path

from tests.gui.conftest import NETS, OpenApp
from tests.gui.driver import App

MODEL, OTHER = NETS / "sg2_64_rgb.pkl", NETS / "sg2_32_gray.pkl"


def shown(app: App, tag: str) -> bool:
    return bool(app.ask("exists", tag=tag)["shown"])


def test_a_project_takes_the_place_of_unsaved_work_only_after_a_question(open_app: OpenApp, tmp_path: Path) -> None:
    app, path = open_app(MODEL), tmp_path / "kept.latent"
    app.drag_slider("psi", 0.57, 0.7)
    saved = app.state
    app.keys("ctrl+s")
    app.type("browser_path", str(path))
    app.wait_for(path.exists)

    app.drag_slider("psi", 0.7, 0.3)
    work = app.state
    assert work != saved
    app.type("model_path", str(path))
    app.wait_for(lambda: shown(app, "open_cancel"))
    app.click("open_cancel")
    app.wait_for(lambda: not shown(app, "open_question"))
    assert app.state == work

    app.keys("ctrl+o")
    app.type("browser_path", str(path))
    app.wait_for(lambda: shown(app, "open_discard"))
    app.click("open_discard")
    app.wait_for(lambda: app.state == saved)
    assert not app.ask("state")["dirty"]

    # Nothing is lost by another model: it is a step of the same work.
    app.drag_slider("psi", 0.7, 0.4)
    app.type("model_path", str(OTHER))
    app.wait_for(lambda: app.ask("state")["model"] == OTHER.stem)
    app.keys("ctrl+z")
    app.wait_for(lambda: app.ask("state")["model"] == MODEL.stem)

    app.drop(path)
    app.wait_for(lambda: shown(app, "open_save"))
    app.click("open_save")
    app.wait_for(lambda: not app.ask("state")["dirty"])
    app.wait_for(lambda: app.ask("state")["model"] == MODEL.stem)


def test_escape_closes_small_windows_and_the_keyboard_reaches_every_control(open_app: OpenApp, tmp_path: Path) -> None:
    folder = tmp_path / "settings" / "latent-explorer"
    folder.mkdir()
    (folder / "settings.json").write_text('{"version": 1, "tour_seen": true, "keyboard": true}')
    faces = open_app(MODEL)
    faces.click("seed_grid_open")
    faces.wait_for(lambda: shown(faces, "seed_grid"))
    faces.keys("Escape")
    faces.wait_for(lambda: not shown(faces, "seed_grid"))
    faces.keys("ctrl+e")
    faces.wait_for(lambda: shown(faces, "browser"))
    faces.keys("Escape")
    faces.wait_for(lambda: not shown(faces, "browser"))

    before = faces.state
    faces.click("model_path")
    for key in ("Tab", "Tab", "space"):
        faces.keys(key)
        faces.settle(10)
    faces.wait_for(lambda: shown(faces, "details"))
    faces.keys("Right")
    faces.settle(10)
    assert faces.state == before
