"""A random hand over every panel finds no way to break the window, and leaves nothing behind in it.

`python -m tests.gui.monkey --events 5000 --seed 0 --seed 1` plays for longer.
"""

import os
from pathlib import Path

from tests.gui.conftest import OpenApp
from tests.gui.monkey import MODELS, Resources, play

EVENTS = int(os.environ.get("MONKEY_EVENTS", "400"))
SEED = int(os.environ.get("MONKEY_SEED", "0"))
# Live memory may only grow by what a person made meanwhile: steps of the history with their recipes and pictures.
# What the process holds may grow by a frame's buffers, which stay with it when they are freed.
LIVE_BYTES, HELD_BYTES = 16 * 2**20, 64 * 2**20


def test_a_random_hand_breaks_nothing_and_leaks_nothing(display: str, tmp_path: Path) -> None:
    played = play(display, tmp_path, seed=SEED, events=EVENTS, parts=2)
    assert played.log == ""
    assert played.status == 0
    before, after = played.counts
    assert after.gl == before.gl
    assert after.heap_bytes - before.heap_bytes < LIVE_BYTES
    assert after.rss_bytes - before.rss_bytes < HELD_BYTES
    assert after.threads <= before.threads + 1
    assert after.files <= before.files + 2


def test_going_to_and_fro_between_models_leaves_no_items_behind(open_app: OpenApp) -> None:
    app = open_app(MODELS[0])
    kept = []
    for _ in range(3):
        for model in (MODELS[1], MODELS[0]):
            app.drop(model)
            app.wait_for(lambda wanted=model.stem: app.ask("state")["model"] == wanted)
            app.settle(10)
        kept.append(Resources.of(app))
    # The first turn opens what is made once; what the history lists of a step may grow with it.
    assert kept[2].items - kept[1].items <= 12
    assert kept[2].gl == kept[1].gl
