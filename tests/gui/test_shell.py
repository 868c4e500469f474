"""The window around the panels: looking at the picture, settings, the tour, the clipboard, leaving."""

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.gui.conftest import NETS, OpenApp
from tests.gui.driver import REPOSITORY, App

MODEL = NETS / "sg2_64_rgb.pkl"


@pytest.fixture(scope="module")
def shared(display: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[App]:
    """One app for tests that leave nothing behind but the view and the history."""
    app = App(display, tmp_path_factory.mktemp("settings"), MODEL)
    try:
        yield app
        assert app.quit() == 0
    finally:
        app.kill()


def middle(app: App) -> tuple[int, int]:
    left, top, width, height = app.rect("picture")
    return round(left + width / 2), round(top + height / 2)


def rect(app: App) -> list[float]:
    return list(app.ask("picture")["rect"])


def test_the_wheel_zooms_about_the_pointer_and_ctrl_0_fits_again(shared: App) -> None:
    left, top, width, height = fitted = rect(shared)
    corner = round(left + width / 4), round(top + height / 4)
    shared.xdotool("mousemove", *corner)
    shared.settle()
    shared.xdotool("click", 4)
    shared.settle()
    zoomed = rect(shared)
    assert zoomed[2] > width
    for axis in (0, 1):
        before = (corner[axis] - fitted[axis]) / fitted[axis + 2]
        after = (corner[axis] - zoomed[axis]) / zoomed[axis + 2]
        assert after == pytest.approx(before, abs=2 / width)
    shared.keys("ctrl+0")
    shared.wait_for(lambda: rect(shared) == fitted)


def test_keys_zoom_in_and_out_and_show_a_pixel_for_a_pixel(shared: App) -> None:
    shared.keys("ctrl+1")
    shared.wait_for(lambda: shared.ask("picture")["zoom"] == 1)
    for keys, zoom in (("ctrl+plus", 2), ("ctrl+plus", 3), ("ctrl+minus", 2)):
        shared.keys(keys)
        shared.wait_for(lambda wanted=zoom: shared.ask("picture")["zoom"] == wanted)
    assert "2×" in shared.value("status_zoom")
    shared.keys("ctrl+0")
    shared.wait_for(lambda: bool(shared.ask("picture")["fitted"]))


@pytest.mark.parametrize("how", ["middle button", "space"])
def test_an_enlarged_picture_is_moved_without_moving_through_seeds(shared: App, how: str) -> None:
    state, steps = shared.state, shared.ask("state")["steps"]
    for _ in range(2):
        shared.keys("ctrl+plus")
    before = rect(shared)
    x, y = middle(shared)
    shared.xdotool("mousemove", x, y)
    shared.settle()
    button = 2 if how == "middle button" else 1
    if how == "space":
        shared.xdotool("keydown", "space")
        shared.settle()
    shared.xdotool("mousedown", button)
    shared.settle(2)
    shared.xdotool("mousemove", x + 30, y - 20)
    shared.settle(2)
    shared.xdotool("mouseup", button)
    if how == "space":
        shared.xdotool("keyup", "space")
    shared.settle()
    after = rect(shared)
    assert [after[0] - before[0], after[1] - before[1]] == pytest.approx([30, -20], abs=1)
    assert after[2:] == before[2:]
    assert (shared.state, shared.ask("state")["steps"]) == (state, steps)
    shared.keys("ctrl+0")
    shared.wait_for(lambda: bool(shared.ask("picture")["fitted"]))


def test_copied_command_line_makes_the_shown_picture_bit_for_bit(shared: App, tmp_path: Path) -> None:
    shared.drag_slider("psi", 0.57, 0.7)
    shared.click("mix_layer_4")
    shared.click("seed_random")
    shared.keys("ctrl+shift+c")
    shared.wait_for(lambda: "render" in shared.ask("clipboard")["text"])
    words = shlex.split(shared.ask("clipboard")["text"])
    assert words[:2] == ["python", "main.py"]
    command = [sys.executable, *words[1:], "--out", str(tmp_path)]
    done = subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.PIPE, text=True)
    rendered = np.asarray(Image.open(done.stdout.strip()))
    assert np.array_equal(rendered, shared.frame(tmp_path / "frame"))


def test_copied_seed_is_the_number_of_the_seed(shared: App) -> None:
    shared.click("seed_random")
    latent = shared.state["latent"]
    shared.click("menu_edit")
    shared.click("menu_copy_seed")
    shared.wait_for(lambda: shared.ask("clipboard")["text"] == str(round(latent["x"] + 100 * latent["y"])))


def test_keys_do_nothing_to_the_view_while_a_field_is_typed_in(shared: App) -> None:
    before = rect(shared)
    shared.click("model_path")
    shared.keys("ctrl+1")
    shared.keys("ctrl+plus")
    shared.settle(10)
    assert rect(shared) == before
    shared.keys("Escape")


def test_escape_closes_a_dialog_and_keys_do_nothing_behind_one(shared: App) -> None:
    steps = shared.ask("state")["step"]
    shared.click("menu_edit")
    shared.click("menu_preferences")
    shared.wait_for(lambda: bool(shared.ask("exists", tag="preferences")["exists"]))
    shared.keys("ctrl+z")
    shared.settle(5)
    assert shared.ask("state")["step"] == steps
    shared.keys("Escape")
    shared.wait_for(lambda: not shared.ask("exists", tag="preferences")["exists"])
    shared.keys("ctrl+o")
    shared.wait_for(lambda: bool(shared.ask("exists", tag="browser")["exists"]))
    shared.keys("Escape")
    shared.wait_for(lambda: not shared.ask("exists", tag="browser")["exists"])


def choose(app: App, tag: str, line: int) -> None:
    """Take a line of a combo's list, which opens below it."""
    left, top, _, height = app.rect(tag)
    app.click(tag)
    # Below a margin, and a little closer to each other than controls are.
    app.click_at((round(left + 40), round(top + height * (1.9 + 0.91 * line))))


def test_preferences_hold_after_a_restart(open_app: OpenApp, tmp_path: Path) -> None:
    app = open_app(MODEL)
    app.click("menu_edit")
    app.click("menu_preferences")
    app.settle(5)
    choose(app, "pref_background", 2)
    app.click("pref_previews")
    app.click("pref_close")
    app.settle(5)
    left, top, _, _ = (round(side) for side in app.rect("picture"))
    assert app.picture_on_screen().size
    assert list(app.screen()[top + 30, left + 5]) == [238, 238, 238]
    assert app.quit() == 0
    kept = json.loads((tmp_path / "settings" / "latent-explorer" / "settings.json").read_text())
    assert (kept["background"], kept["previews"]) == ("light", False)
    assert kept["recent"] == [str(MODEL)]
    again = open_app(MODEL)
    assert list(again.screen()[top + 30, left + 5]) == [238, 238, 238]


def test_damaged_settings_are_kept_aside_and_told(open_app: OpenApp, tmp_path: Path) -> None:
    folder = tmp_path / "settings" / "latent-explorer"
    folder.mkdir()
    (folder / "settings.json").write_text('{"version": 1, "tour_seen": true, "scale": "large"}')
    app = open_app(MODEL)
    assert [text for text in app.notices if "settings-kept.json" in text]
    assert (folder / "settings-kept.json").exists()
    app.click("tour_skip")


def test_the_tour_is_shown_at_the_first_start_only_and_again_from_the_menu(open_app: OpenApp) -> None:
    app = open_app(MODEL, first_start=True)
    for hint in range(1, 6):
        assert app.ask("exists", tag="tour")["exists"], hint
        app.click("tour_next")
        app.settle(5)
    assert not app.ask("exists", tag="tour")["exists"]
    assert app.quit() == 0
    again = open_app(MODEL)
    assert not again.ask("exists", tag="tour")["exists"]
    again.click("menu_help")
    again.click("menu_tour")
    again.settle(5)
    assert again.ask("exists", tag="tour")["exists"]


def test_quitting_asks_about_unsaved_changes_and_cancel_stays(open_app: OpenApp, tmp_path: Path) -> None:
    app = open_app(MODEL)
    app.drag_slider("psi", 0.5, 0.3)
    app.wait_for(lambda: " * " in app.ask("title")["title"])
    app.keys("ctrl+q")
    app.wait_for(lambda: bool(app.ask("exists", tag="quit_cancel")["exists"]))
    app.click("quit_cancel")
    app.settle(5)
    assert not app.ask("exists", tag="quit_question")["exists"]
    app.close_window()
    app.wait_for(lambda: bool(app.ask("exists", tag="quit_save")["exists"]))
    app.click("quit_save")
    path = tmp_path / "kept.latent"
    app.settle(5)
    app.type_last("browser_path", str(path))
    assert app.ended() == 0
    assert path.exists()


def test_quitting_without_changes_asks_nothing(open_app: OpenApp) -> None:
    app = open_app(MODEL)
    app.close_window()
    assert app.ended() == 0


def test_a_model_dropped_from_another_program_opens(open_app: OpenApp, tmp_path: Path) -> None:
    path = tmp_path / "fünf dropped.pkl"
    path.write_bytes((NETS / "sg2_32_gray.pkl").read_bytes())
    app = open_app(MODEL)
    app.drop(path)
    app.wait_for(lambda: app.ask("state")["model"] == "fünf dropped")
