import os
import subprocess
import sys

from tests.gui.driver import REPOSITORY


def test_without_a_display_the_app_says_so_in_one_line_and_exits_with_2() -> None:
    environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
    result = subprocess.run(
        [sys.executable, "main.py"], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 2
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert "xvfb-run" in line
    assert "main.py render" in line


def test_a_display_that_does_not_answer_is_no_display() -> None:
    environment = {**os.environ, "DISPLAY": ":987"}
    result = subprocess.run(
        [sys.executable, "main.py"], cwd=REPOSITORY, env=environment, capture_output=True, text=True
    )
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
