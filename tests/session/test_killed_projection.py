"""A process that is killed in the middle of a search for a photo leaves the best that it had found."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from explorer.features import bundled_features
from explorer.projection import Loss, make_target
from explorer.projection.photo import read_photo
from explorer.session import Session
from explorer.session.recovery import find_recoverable
from explorer.state import Stored
from tests.models import GOLDEN, golden
from tests.projection.nets import photo_of, picture

NET = GOLDEN / "nets" / "sg2_32_orig.pkl"
ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys
from pathlib import Path
from explorer.projection import Plan, read_photo
from explorer.session import Session

session = Session(threads=1, compile_kernels=False, recovery=Path(sys.argv[2]))
session.open(sys.argv[1])
session.wait(60)
session.project(read_photo(sys.argv[3]), Plan(steps=100_000, samples=64))
frames = 0
while True:
    session.newest_frame()
    session.wait_for_frame(0.02)
    # It is written down in the frame after it was found.
    frames += bool(session.points)
    if frames == 3:
        print(session.points[0].name, flush=True)
"""


def test_a_killed_search_leaves_its_best(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    photo, recovery = tmp_path / "me.png", tmp_path / "recovery"
    Image.fromarray(photo_of(picture(golden("sg2_32_orig").generator, 5)).pixels).save(photo)
    arguments = [sys.executable, "-c", SCRIPT, str(NET), str(recovery), str(photo)]
    with subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "me.png (so far)"
        process.kill()
    (work,) = find_recoverable(recovery)
    session = Session(threads=1, compile_kernels=False, recovery=recovery)
    session.recover(work)
    assert session.wait(60)
    (point,) = session.points
    assert point.name == "me.png (so far)"
    assert isinstance(point.state.latent, Stored)
    session.recall(point)
    assert session.wait(60)
    frame = session.newest_frame()
    session.close()
    assert frame is not None
    loss = Loss(make_target(read_photo(photo), golden("sg2_32_orig").spec), bundled_features())
    found = torch.from_numpy(np.array(frame.pixels)).float().permute(2, 0, 1)[None] / 127.5 - 1
    other = picture(golden("sg2_32_orig").generator, 9)
    assert float(loss(found)) < 0.7 * float(loss(other))
