"""Seeds picked from sixteen, points saved, recalled and walked between, and what truncation pulls to, by hand."""

from pathlib import Path

import numpy as np

from tests.gui.driver import App
from widgets.layout import Place


def test_a_seed_is_picked_from_sixteen_saved_recalled_and_walked_from(faces: App, tmp_path: Path) -> None:
    begin = faces.state["latent"]
    faces.click("seed_grid_open")
    faces.wait_for(lambda: bool(faces.value("seed_grid_note") == "Click one to go there"))
    faces.click("seed_tile_5")
    picked, picture = faces.state, faces.frame(tmp_path / "frame")
    assert picked["latent"] != begin
    assert faces.ask("state")["steps"] == 2
    faces.click("seed_grid_open")

    faces.front(Place.POINTS)
    faces.type("point_name", "mine")
    faces.drag_slider("psi", 0.5, 0.2)
    other = faces.state
    assert other["truncation"] != picked["truncation"]
    faces.click("point_save")
    assert faces.value("point_name_0") == "mine"
    assert faces.value("point_name_1") not in ("", "mine")

    faces.click("point_tile_0")
    assert faces.step == "Go to mine"
    assert faces.state == picked
    assert np.array_equal(faces.frame(tmp_path / "frame"), picture)
    faces.drag_slider("path", 0.1, 1.0)
    assert faces.state["truncation"] == other["truncation"]
    assert faces.step == faces.value("point_name_1")

    faces.click("point_drop_0")
    assert not faces.ask("exists", tag="point_row_1")["shown"]
    assert not faces.enabled("path")
    faces.click("point_undelete")
    assert faces.value("point_name_0") == "mine"
    assert faces.enabled("path")


def test_styles_are_pulled_in_some_layers_and_to_the_centre_of_a_cluster(faces: App, tmp_path: Path) -> None:
    faces.front(Place.TRUNCATION)
    whole = faces.frame(tmp_path / "frame")
    faces.drag_slider("cutoff", 0.95, 0.4)
    cutoff = faces.state["truncation"]["cutoff"]
    assert faces.step == f"Cutoff {cutoff}"
    assert not np.array_equal(faces.frame(tmp_path / "frame"), whole)
    faces.right_click("cutoff")
    assert faces.step == "No cutoff"
    assert np.array_equal(faces.frame(tmp_path / "frame"), whole)

    faces.click("centre")
    faces.wait_for(lambda: bool(faces.value("centres_note") == "The most crowded cluster is 1."))
    faces.click("centre_2")
    assert faces.step == "Truncate to centre 3"
    assert faces.state["truncation"]["centre"] == 2
    assert not np.array_equal(faces.frame(tmp_path / "frame"), whole)
    faces.click("centre_mean")
    assert np.array_equal(faces.frame(tmp_path / "frame"), whole)
    faces.click("truncation_reset")
    assert faces.step == "Reset truncation"
    assert faces.state["truncation"]["psi"] == 1
