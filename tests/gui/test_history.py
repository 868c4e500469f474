"""The tree of steps, by hand."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from explorer.project import Project, save_project
from explorer.session.opening import open_model
from explorer.state import EditState, History, SeedPad
from tests.gui.conftest import NETS, OpenApp
from tests.gui.driver import App
from widgets.history_rows import BUTTON_PX, ROW_PX
from widgets.layout import Place


def click_row(app: App, row: int, from_right: float | None = None) -> None:
    """Click a row of the list, from the top of all, in its middle or at a distance from its right end."""
    left, top, width, _ = app.rect("history_rows")
    x = left + width / 2 if from_right is None else left + width - from_right
    app.click_at((round(x), round(top + (row + 0.5) * ROW_PX)))


STAR, SQUARE = BUTTON_PX / 2, BUTTON_PX * 1.5


def test_branches_are_listed_and_a_click_goes_to_any_step(faces: App, tmp_path: Path) -> None:
    faces.front(Place.HISTORY)
    faces.drag_slider("w0", 0.5, 0.9)
    first = faces.state
    faces.drag_slider("w1", 0.5, 0.1)
    branch, picture = faces.state, faces.frame(tmp_path / "frame")
    faces.keys("ctrl+z")
    faces.drag_slider("w2", 0.5, 0.8)
    assert faces.ask("state")["steps"] == 4
    click_row(faces, 1)
    assert faces.state == branch
    assert np.array_equal(faces.frame(tmp_path / "frame"), picture)
    click_row(faces, 2)
    assert faces.state == first
    assert faces.ask("state")["steps"] == 4

    # Every row in sight has its picture: the step's own, small.
    left, top, _, _ = faces.rect("history_rows")
    screen = faces.screen()
    thumbs = [
        screen[round(top + row * ROW_PX + 3) : round(top + (row + 1) * ROW_PX - 3), round(left + 32) : round(left + 66)]
        for row in range(4)
    ]
    assert all(thumb.std() > 10 for thumb in thumbs)
    assert len({thumb.tobytes() for thumb in thumbs}) == 4


def test_pinned_steps_are_found_again_and_compared_with(faces: App, tmp_path: Path) -> None:
    faces.front(Place.HISTORY)
    faces.drag_slider("w0", 0.5, 0.9)
    wanted, picture = faces.state, faces.frame(tmp_path / "frame")
    click_row(faces, 0, STAR)
    assert faces.state == wanted
    for slider in ("w1", "w2"):
        faces.drag_slider(slider, 0.5, 0.2)
    faces.click("history_pinned")
    click_row(faces, 0, SQUARE)
    faces.wait_for(lambda: faces.ask("wipe", path=str(tmp_path / "other"))["shape"] is not None)
    assert np.array_equal(faces.frame(tmp_path / "other", "wipe"), picture)
    assert faces.value("compare_with").startswith("Step 2: ")
    click_row(faces, 0, SQUARE)
    assert faces.ask("wipe", path="/dev/null")["shape"] is None

    click_row(faces, 0)
    assert faces.state == wanted
    click_row(faces, 0, STAR)
    faces.wait_for(lambda: faces.value("history_note").startswith("Nothing is pinned."))
    faces.click("history_pinned")
    faces.keys("ctrl+y", "ctrl+y")
    assert faces.ask("state")["steps"] == 4
    assert len(faces.state["sliders"]) == 3


def test_a_long_history_is_scrolled_to_its_first_step(open_app: OpenApp, tmp_path: Path) -> None:
    start = EditState(checkpoint=open_model(NETS / "sg2_32_gray.pkl").reference)
    history = History.start(start, "The first")
    for seed in range(1, 3000):
        if seed % 50 == 0:
            history = history.jump(seed - 20)
        history = history.commit(replace(start, latent=SeedPad(float(seed))), f"Seed {seed}")
    save_project(Project(history.current.state, history), tmp_path / "long.latent")
    app = open_app(tmp_path / "long.latent")
    app.front(Place.HISTORY)
    left, top, width, height = app.rect("history_rows")
    assert height == 3000 * ROW_PX
    app.xdotool("mousemove", round(left + width / 2), round(top + ROW_PX))
    app.settle()
    app.xdotool("click", "--repeat", 40, "--delay", 1, 5)
    app.wait_for(lambda: app.rect("history_rows")[1] < top - 10 * ROW_PX)
    app.settle(10)
    moved = app.rect("history_rows")[1]
    row = round((top - moved) / ROW_PX) + 2
    click_row(app, row)
    assert app.step == f"Seed {2999 - row}"
    app.keys("ctrl+z")
    assert app.step == f"Seed {2998 - row}"
