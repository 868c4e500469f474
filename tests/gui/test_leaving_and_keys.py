"""What would be lost is asked about, and what has opened can be closed and reached by keys."""

import shutil
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

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


def test_the_guide_opens_in_the_browser_or_is_said_where_it_is(
    open_app: OpenApp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser, opened = tmp_path / "browser", tmp_path / "opened"
    browser.write_text(f'#!/bin/sh\necho "$1" > {opened}\n')
    browser.chmod(0o755)
    monkeypatch.setenv("BROWSER", str(browser))
    app = open_app(MODEL)
    app.click("menu_help")
    app.click("menu_guide")
    app.wait_for(opened.exists)
    app.wait_for(lambda: opened.read_text().endswith("\n"))
    page = Path(unquote(urlsplit(opened.read_text().strip()).path))
    assert "<h1" in page.read_text("utf-8")
    assert app.notices == []
    app.quit()

    browser.write_text("#!/bin/sh\nexit 1\n")
    # No browser that this machine may have is to be tried after it.
    tools = tmp_path / "tools"
    tools.mkdir()
    for tool in ("xdotool", "import"):
        (tools / tool).symlink_to(str(shutil.which(tool)))
    monkeypatch.setenv("PATH", str(tools))
    app = open_app(MODEL)
    app.click("menu_help")
    app.click("menu_guide")
    app.wait_for(lambda: app.notices != [])
    assert app.notices == [f"No browser was found. The guide is {page}"]
