import json
import os
import subprocess
import sys

from tests.gui.driver import REPOSITORY


def test_both_kinds_of_store_hold_and_show_what_was_put(display: str) -> None:
    environment = dict(os.environ, DISPLAY=display)
    environment.pop("WAYLAND_DISPLAY", None)
    command = [sys.executable, "-m", "tests.gui.atlas_probe"]
    done = subprocess.run(command, cwd=REPOSITORY, env=environment, check=True, capture_output=True, text=True)
    assert json.loads(done.stdout) == {"held": [True] * 4, "colours": [[200, 100, 50]] * 2}
