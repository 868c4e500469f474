"""Two states beside each other, by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from explorer.project import Project, save_project
from explorer.session.opening import open_model
from explorer.state import EditState, History, Output, SeedPad, Spectrum
from tests.gui.conftest import NETS, OpenApp
from tests.gui.driver import App
from widgets.layout import Place

Picture = npt.NDArray[np.uint8]


def other(app: App, path: Path) -> Picture:
    """The picture that is compared with, once it is there."""
    app.wait_for(lambda: app.ask("wipe", path=str(path))["shape"] is not None)
    return app.frame(path, "wipe")


def seen(app: App, across: float, picture: Picture) -> bool:
    """Whether a column of the screen, at a part of the picture's width, shows that column of a picture."""
    left, top, width, height = app.ask("picture")["rect"]
    screen = app.screen()
    x = int(left + across * width)
    # Away from the labels at the top and the bar at the bottom.
    rows = [int(height * part) for part in (0.3, 0.4, 0.6, 0.7)]
    shown = np.array([screen[round(top) + row, x] for row in rows]).astype(int)
    size = picture.shape[0]
    wanted = np.array([picture[int(row / height * size), int(across * picture.shape[1])] for row in rows]).astype(int)
    return bool(np.abs(shown - wanted).max() <= 2)


def drag_line(app: App, to: float) -> None:
    """Take the line where it is, and bring it to a part of the picture's width."""
    left, top, width, height = app.ask("picture")["rect"]
    share, y = app.ask("wipe", path="/dev/null")["share"], round(top + height * 0.8)
    app.drag((round(left + share * width), y), (round(left + to * width), y))


def test_a_line_is_dragged_between_now_and_before(faces: App, tmp_path: Path) -> None:
    before = faces.frame(tmp_path / "frame")
    faces.drag_slider("w0", 0.5, 0.9)
    after = faces.frame(tmp_path / "frame")
    faces.front(Place.HISTORY)
    faces.click("compare")
    assert np.array_equal(other(faces, tmp_path / "other"), before)
    faces.settle()
    assert seen(faces, 0.3, before)
    assert seen(faces, 0.7, after)

    state = faces.state
    drag_line(faces, 0.8)
    assert faces.state == state
    assert faces.ask("wipe", path="/dev/null")["share"] == pytest.approx(0.8, abs=0.01)
    assert seen(faces, 0.7, before)
    assert seen(faces, 0.95, after)

    faces.xdotool("keydown", "f")
    faces.wait_for(lambda: faces.ask("wipe", path="/dev/null")["flipped"])
    assert seen(faces, 0.7, after)
    assert seen(faces, 0.95, before)
    faces.xdotool("keyup", "f")
    faces.wait_for(lambda: not faces.ask("wipe", path="/dev/null")["flipped"])

    # The line goes with the picture when that is enlarged about its middle and moved.
    faces.keys("ctrl+equal", "ctrl+equal")
    assert not faces.ask("picture")["fitted"]
    assert seen(faces, 0.6, before)
    drag_line(faces, 0.5)
    assert seen(faces, 0.6, after)

    faces.keys("Escape")
    faces.wait_for(lambda: faces.ask("wipe", path="/dev/null")["shape"] is None)
    assert seen(faces, 0.4, after)
    assert faces.state == state


def test_the_other_side_follows_what_was_before_while_a_hand_edits(faces: App, tmp_path: Path) -> None:
    faces.front(Place.HISTORY)
    faces.click("compare")
    faces.wait_for(lambda: "first step" in faces.value("wipe_words"))
    first = faces.frame(tmp_path / "frame")
    faces.drag_slider("w0", 0.5, 0.9)
    assert np.array_equal(other(faces, tmp_path / "other"), first)
    second = faces.frame(tmp_path / "frame")
    faces.drag_slider("w1", 0.5, 0.2)
    faces.wait_for(lambda: np.array_equal(other(faces, tmp_path / "other"), second))
    faces.click("wipe_end")
    assert faces.ask("wipe", path="/dev/null")["shape"] is None


def test_a_state_of_another_model_is_shown_by_its_own(open_app: OpenApp, tmp_path: Path) -> None:
    app = open_app(NETS / "sg2_64_rgb.pkl")
    before = app.frame(tmp_path / "frame")
    app.type("model_path", str(NETS / "sg3t_64.pkl"))
    app.wait_for(lambda: app.ask("state")["model"] == "sg3t_64")
    app.settle()
    after = app.frame(tmp_path / "frame")
    app.front(Place.HISTORY)
    app.click("compare")
    assert np.array_equal(other(app, tmp_path / "other"), before)
    app.settle()
    assert seen(app, 0.3, before)
    assert seen(app, 0.7, after)


def test_pictures_that_do_not_cover_each_other_say_so(open_app: OpenApp, tmp_path: Path) -> None:
    opened = open_model(NETS / "sg2_32_gray.pkl")
    plain = EditState(checkpoint=opened.reference)
    wide = replace(plain, output=Output(spectrum=Spectrum()))
    history = History.start(plain).commit(wide, "Spectrum").commit(replace(wide, latent=SeedPad(3, 0)), "Seed 3")
    save_project(Project(history.current.state, history), tmp_path / "wide.latent")
    app = open_app(tmp_path / "wide.latent")
    app.front(Place.HISTORY)
    app.click("compare")
    app.wait_for(lambda: app.value("wipe_words").startswith("Drag the line"))
    app.click("undo")
    app.wait_for(lambda: app.value("wipe_words").startswith("One picture is 32 × 32, the other 64 × 32"))
    app.click("redo")
    app.wait_for(lambda: app.value("wipe_words").startswith("Drag the line"))
    app.click("compare")
    assert app.ask("wipe", path="/dev/null")["shape"] is None
