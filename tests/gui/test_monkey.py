"""A random hand over every panel finds no way to break the window, and leaves nothing behind in it.

`python -m tests.gui.monkey --events 5000 --seed 0 --seed 1` plays for longer.
"""

import os
from pathlib import Path

from tests.gui.monkey import play

EVENTS = int(os.environ.get("MONKEY_EVENTS", "400"))
SEED = int(os.environ.get("MONKEY_SEED", "0"))
MEGABYTE = 2**20


def test_a_random_hand_breaks_nothing_and_leaks_nothing(display: str, tmp_path: Path) -> None:
    played = play(display, tmp_path, seed=SEED, events=EVENTS, warm_up=EVENTS // 2)
    assert played.log == ""
    assert played.status == 0
    before, after = played.after_warm_up, played.at_end
    assert after.gl == before.gl
    assert after.rss_bytes - before.rss_bytes < 60 * MEGABYTE
