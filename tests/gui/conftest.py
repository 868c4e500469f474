import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gui.driver import SCREEN, App

_TOOLS = ("Xvfb", "xdotool", "import")
NETS = Path(__file__).resolve().parents[1] / "golden" / "nets"

OpenApp = Callable[..., App]


@pytest.fixture(scope="session")
def display() -> Iterator[str]:
    missing = [tool for tool in _TOOLS if shutil.which(tool) is None]
    if missing:
        pytest.fail(
            f"{', '.join(missing)} not found: the window's tests need a virtual display and a mouse, "
            "apt-get install xvfb xdotool imagemagick libgl1 libgl1-mesa-dri",
            pytrace=False,
        )
    reading, writing = os.pipe()
    server = subprocess.Popen(
        [
            "Xvfb",
            "-displayfd",
            str(writing),
            "-screen",
            "0",
            f"{SCREEN[0]}x{SCREEN[1]}x24",
            "-nolisten",
            "tcp",
            "-noreset",
        ],
        pass_fds=[writing],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(writing)
    # Up to the newline and no further: the server ends when the pipe is closed before it wrote the number.
    with os.fdopen(reading) as numbers:
        number = numbers.readline().strip()
    yield f":{number}"
    server.terminate()
    server.wait(10)


@pytest.fixture
def open_app(display: str, tmp_path: Path) -> Iterator[OpenApp]:
    """Opens the app with the arguments given; it must close cleanly at the end."""
    settings = tmp_path / "settings"
    settings.mkdir()
    apps: list[App] = []

    def opened(*arguments: str | Path, first_start: bool = False) -> App:
        apps.append(App(display, settings, *arguments, first_start=first_start))
        return apps[-1]

    try:
        yield opened
        statuses = [app.quit() for app in apps]
    finally:
        for app in apps:
            app.kill()
    assert statuses == [0] * len(apps)


@pytest.fixture
def faces(open_app: OpenApp) -> App:
    """The app on a StyleGAN2 model."""
    return open_app(NETS / "sg2_64_rgb.pkl")
