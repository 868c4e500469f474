"""The second window: what it shows, what it survives and how it ends."""

import io
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.gui.conftest import NETS, OpenApp
from tests.gui.driver import SCREEN, App

TITLE = "Latent Explorer: presentation"
SHARED = Path("/dev/shm")
WAIT_S = 60


@pytest.fixture(autouse=True)
def no_leaked_memory() -> Iterator[None]:
    before = set(SHARED.glob("psm_*"))
    yield
    await_(lambda: set(SHARED.glob("psm_*")) <= before)


def await_(holds: Callable[[], bool]) -> None:
    """Ask until it holds: the other process answers to nobody."""
    deadline_s = time.monotonic() + WAIT_S
    while not holds():
        assert time.monotonic() < deadline_s, "it does not hold"


def is_gone(pid: int) -> bool:
    return not Path(f"/proc/{pid}").exists()


def processor_ticks(pid: int) -> int:
    """How much of the processor a process has used so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


def open_by_menu(app: App) -> int:
    app.click("menu_view")
    app.click("menu_presentation")
    assert app.value("menu_presentation") is True
    return int(app.ask("presentation")["pid"])


def window_of(app: App) -> str:
    def found() -> list[str]:
        command = ["xdotool", "search", "--onlyvisible", "--name", TITLE]
        return subprocess.run(command, env=app.env, capture_output=True, text=True).stdout.split()

    await_(lambda: bool(found()))
    return found()[0]


def size_of(app: App, window: str) -> tuple[int, int]:
    command = ["xdotool", "getwindowgeometry", "--shell", window]
    told = subprocess.run(command, env=app.env, capture_output=True, text=True, check=True).stdout
    sides = dict(line.split("=") for line in told.split())
    return int(sides["WIDTH"]), int(sides["HEIGHT"])


def squares(app: App, window: str, shape: tuple[int, ...]) -> npt.NDArray[np.uint8]:
    """The colour in the middle of each square pixel that the window shows, ``[H, W, 3]``."""
    png = subprocess.run(["import", "-window", window, "png:-"], env=app.env, stdout=subprocess.PIPE, check=True)
    shown = np.asarray(Image.open(io.BytesIO(png.stdout)).convert("RGB"))
    zoom = min(shown.shape[0] // shape[0], shown.shape[1] // shape[1])
    top, left = (shown.shape[0] - shape[0] * zoom) // 2, (shown.shape[1] - shape[1] * zoom) // 2
    rows, columns = top + zoom // 2 + zoom * np.arange(shape[0]), left + zoom // 2 + zoom * np.arange(shape[1])
    return shown[np.ix_(rows, columns)]


def await_picture(app: App, window: str, path: Path) -> None:
    """Wait until the window shows the main window's frame, every pixel of it."""
    frame = app.frame(path)
    await_(lambda: np.array_equal(squares(app, window, frame.shape), np.broadcast_to(frame, (*frame.shape[:2], 3))))


def test_it_opens_by_the_menu_follows_the_picture_and_survives_another_model(open_app: OpenApp, tmp_path: Path) -> None:
    app = open_app(NETS / "sg2_64_rgb.pkl")
    pid = open_by_menu(app)
    window = window_of(app)
    await_picture(app, window, tmp_path / "first")
    app.drag_slider("psi", 0.57, 0.2)
    await_picture(app, window, tmp_path / "second")
    app.type("model_path", str(NETS / "sg2_32_gray.pkl"))
    app.wait_for(lambda: app.frame(tmp_path / "size").shape[0] == 32)
    await_picture(app, window, tmp_path / "third")
    assert app.ask("presentation")["pid"] == pid

    # Nothing changes any more, so it sleeps.
    before = processor_ticks(pid)
    app.settle(300)
    assert processor_ticks(pid) == before

    app.click("menu_view")
    app.click("menu_presentation")
    assert app.value("menu_presentation") is False
    assert is_gone(pid)


def test_f11_fills_the_screen_escape_leaves_it_and_a_double_click_does_both(open_app: OpenApp, tmp_path: Path) -> None:
    app = open_app(NETS / "sg2_64_rgb.pkl")
    open_by_menu(app)
    window = window_of(app)
    windowed = size_of(app, window)
    for enter, leave in ((("key", "F11"), ("key", "Escape")), (("click", "--repeat", 2, 1), ("key", "F11"))):
        app.xdotool("windowfocus", window, "mousemove", SCREEN[0] // 2, SCREEN[1] // 2, *enter)
        await_(lambda: size_of(app, window) == SCREEN)
        await_picture(app, window, tmp_path / "filled")
        app.xdotool("windowfocus", window, *leave)
        await_(lambda: size_of(app, window) == windowed)
    await_picture(app, window, tmp_path / "windowed")


def test_closed_by_its_own_hand_it_leaves_no_check_mark_and_opens_again(open_app: OpenApp, tmp_path: Path) -> None:
    app = open_app(NETS / "sg2_64_rgb.pkl")
    pid = open_by_menu(app)
    window = window_of(app)
    await_picture(app, window, tmp_path / "first")
    app.xdotool("mousemove", SCREEN[0] // 2, SCREEN[1] // 2, "click", 3)
    # Of the menu's lines, which begin at the mouse, the last one closes the window.
    app.xdotool("mousemove", SCREEN[0] // 2 + 40, SCREEN[1] // 2 + 50)
    app.xdotool("click", 1)
    app.wait_for(lambda: app.ask("presentation")["pid"] is None)
    assert app.value("menu_presentation") is False
    assert is_gone(pid)
    assert app.notices == []

    app.xdotool("windowfocus", app.window_id)
    app.keys("F12")
    app.wait_for(lambda: app.ask("presentation")["pid"] is not None)
    await_picture(app, window_of(app), tmp_path / "again")


def test_a_killed_second_window_is_told_and_the_next_one_ends_with_the_main_window(open_app: OpenApp) -> None:
    app = open_app(NETS / "sg2_64_rgb.pkl")
    pid = open_by_menu(app)
    window_of(app)
    os.kill(pid, signal.SIGKILL)
    app.wait_for(lambda: app.ask("presentation")["pid"] is None)
    assert is_gone(pid)
    (notice,) = app.notices
    assert "presentation window ended" in notice

    app.click("dismiss_1")
    pid = open_by_menu(app)
    window_of(app)
    app.quit()
    assert is_gone(pid)


def test_it_ends_when_the_main_window_is_killed(display: str, tmp_path: Path) -> None:
    app = App(display, tmp_path, NETS / "sg2_64_rgb.pkl")
    pid = open_by_menu(app)
    window_of(app)
    app.kill()
    await_(lambda: is_gone(pid))
