"""A model whose pictures are not square, by hand: render, mix, noise, layers, save the project, open it again."""

from pathlib import Path

import numpy as np

from explorer.checkpoints import CheckpointParts, save_checkpoint
from tests.generators.test_oblong_pictures import upright2
from tests.gui.conftest import OpenApp
from widgets.layout import Place

SIZE = (32, 24)


def test_a_picture_that_is_not_square_is_shown_mixed_and_kept(open_app: OpenApp, tmp_path: Path) -> None:
    model = tmp_path / "upright.safetensors"
    save_checkpoint(CheckpointParts(upright2()), model)
    app = open_app(model)
    assert app.value("fact_size").startswith("24 × 32 RGB")
    assert app.frame(tmp_path / "frame").shape[:2] == SIZE
    _, _, width, height = app.ask("picture")["rect"]
    assert abs(width / height - SIZE[1] / SIZE[0]) < 0.02

    before = app.frame(tmp_path / "frame")
    app.click("mix_layer_2")
    mixed = app.frame(tmp_path / "frame")
    assert mixed.shape == before.shape
    assert not np.array_equal(mixed, before)
    app.front(Place.NOISE)
    app.click("noise_random")
    noisy = app.frame(tmp_path / "frame")
    assert noisy.shape == before.shape
    state = app.state
    app.keys("ctrl+s")
    app.type("browser_path", str(tmp_path / "work.latent"))
    app.wait_for((tmp_path / "work.latent").exists)
    again = open_app(tmp_path / "work.latent")
    again.wait_for(lambda: again.state == state)
    assert np.array_equal(again.frame(tmp_path / "frame"), noisy)
    # Saving says so for a while.
    assert app.notices in ([], [f"Saved {tmp_path / 'work.latent'}"])
    assert again.notices == []
