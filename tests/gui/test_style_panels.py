"""Style mixing, the sheet, noise, equivariance and layers, by hand."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.gui.conftest import NETS, OpenApp
from tests.gui.driver import REPOSITORY, App
from tests.models import GOLDEN
from widgets.layout import Place


def layers_of(app: App) -> list[list[int]]:
    return [mix["layers"] for mix in app.state["mixing"]]


def test_several_sources_are_mixed_kept_and_swapped(faces: App, tmp_path: Path) -> None:
    faces.click("mix_layer_0")
    faces.click("mix_add")
    assert faces.step == "Mix source 2"
    faces.click("mix_fine")
    faces.type("mix_seed", "4.25")
    assert faces.step == "Mix 4 (75%)  5 (25%)"
    faces.drag_slider("mix_amount", 0.98, 0.5)
    first, second = faces.state["mixing"]
    assert (first["layers"], second["layers"]) == ([0], [7, 8, 9])
    assert second["latent"] == {"type": "seed_pad", "x": 4.25, "y": 0.0}
    assert 0.4 < second["amount"] < 0.6

    faces.click("mix_source_0")
    faces.click("mix_layer_1")
    assert layers_of(faces) == [[0, 1], [7, 8, 9]]
    state = faces.state
    faces.scroll_to("mix_swap", Place.MIXING)
    faces.click("mix_swap")
    assert faces.step == "Swap base and source 1"
    assert faces.state["latent"] == first["latent"]
    assert faces.state["mixing"][0]["latent"] == state["latent"]
    faces.click("mix_swap")
    assert faces.state == state

    before = faces.frame(tmp_path / "frame")
    faces.click("mix_keep")
    faces.wait_for(lambda: faces.step == "Keep the mix")
    faces.settle()
    assert faces.state["mixing"] == []
    assert faces.state["latent"]["space"] == "w_plus"
    assert np.array_equal(faces.frame(tmp_path / "frame"), before)
    faces.keys("ctrl+z")
    faces.scroll_to("mix_remove_1", Place.MIXING)
    faces.click("mix_remove_1")
    assert faces.step == "Remove mix source 2"
    assert layers_of(faces) == [[0, 1]]


def test_the_sheet_is_the_command_lines_and_a_click_takes_a_cell(open_app: OpenApp, tmp_path: Path) -> None:
    app = open_app(NETS / "sg2_32_cond3.pkl")
    app.front(Place.SHEET)
    app.type("sheet_rows", "1-2,7")
    app.type("sheet_cols", "3")
    app.click("sheet_middle")
    assert app.value("sheet_layers") == "3-7"
    app.type_number("sheet_psi", "0.4")
    state = app.state
    # The hand is where the first picture comes before it is there.
    left, top, width, height = app.rect("sheet_make")
    app.xdotool("mousemove", round(left + width / 2), round(top + height / 2))
    app.settle()
    app.xdotool("mousedown", 1)
    app.settle(2)
    left, top, width, height = app.rect("sheet_view")
    app.xdotool("mouseup", 1, "mousemove", round(left + width / 2), round(top + height / 2))
    app.wait_for(lambda: app.enabled("sheet_save"))
    assert app.state == state

    app.click("sheet_save")
    app.type("browser_path", str(tmp_path / "window.png"))
    app.wait_for(lambda: (tmp_path / "window.png").exists())
    command = [sys.executable, "main.py", "mix", str(NETS / "sg2_32_cond3.pkl"), "--rows", "1-2,7", "--cols", "3"]
    command += ["--layers", "3-7", "--psi", "0.4", "--out", str(tmp_path / "line.png")]
    subprocess.run(command, cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    sheet = np.asarray(Image.open(tmp_path / "window.png"))
    assert sheet.shape == (4 * 32, 2 * 32, 3)
    assert np.array_equal(sheet, np.asarray(Image.open(tmp_path / "line.png")))

    # The sheet is twice as high as it is wide, and stands in the middle of its space.
    left, top, width, height = app.rect("sheet_view")
    app.click_at((round(left + width / 2 + height / 8), round(top + height * 5 / 8)))
    assert app.step == "Seed 2 with styles of seed 3"
    assert app.state["latent"] == {"type": "seed_pad", "x": 2.0, "y": 0.0}
    assert app.state["truncation"]["psi"] == 0.4
    assert app.ask("state")["steps"] == 2
    assert np.array_equal(app.frame(tmp_path / "frame"), sheet[64:96, 32:])

    app.type("sheet_rows", "5-1")
    app.click("sheet_make")
    app.wait_for(lambda: "write 1-5" in app.value("sheet_note"))


def test_noise_is_set_by_layer_and_seen_alone_with_a_way_back(faces: App, tmp_path: Path) -> None:
    faces.front(Place.NOISE)
    plain = faces.frame(tmp_path / "frame")
    faces.click("noise_random")
    faces.scroll_to("noise_fold", Place.NOISE)
    faces.click("noise_fold")
    faces.scroll_to("noise_layer_b16.conv1", Place.NOISE)
    faces.drag_slider("noise_layer_b16.conv1", 0.25, 0.75)
    ((name, factor),) = faces.state["noise"]["layers"]
    assert name == "b16.conv1"
    assert factor > 2
    assert faces.step == f"Noise b16.conv1 {factor:.2f}"
    with_noise = faces.frame(tmp_path / "frame")
    assert not np.array_equal(plain, with_noise)

    faces.scroll_to("noise_only", Place.NOISE)
    faces.click("noise_only")
    assert faces.step == "Show what noise adds"
    assert faces.state["output"]["noise_only"]
    assert faces.value("shown_words").startswith("What noise adds, +24 dB")
    faces.scroll_to("noise_gain", Place.NOISE)
    faces.right_click("noise_gain")
    assert faces.state["output"]["scale_db"] == 0
    difference = faces.frame(tmp_path / "frame").astype(int)
    faces.click("shown_back")
    assert faces.step == "Back to the picture"
    assert np.array_equal(faces.frame(tmp_path / "frame"), with_noise)

    faces.scroll_to("noise_none", Place.NOISE)
    faces.click("noise_none")
    without = faces.frame(tmp_path / "frame")
    # A level that was cut off at black or white tells nothing of what was added to it.
    told = (np.minimum(with_noise, without) > 0) & (np.maximum(with_noise, without) < 255) & (difference % 255 > 0)
    assert told.mean() > 0.2
    added = with_noise.astype(int) - without
    assert np.abs(added[told]).max() > 8
    assert np.abs(difference - 128 - added)[told].max() <= 1


def test_the_picture_itself_is_dragged_played_and_measured(open_app: OpenApp, tmp_path: Path) -> None:
    app = open_app(NETS / "sg3r_64.pkl")
    app.front(Place.EQUIVARIANCE)
    app.scroll_to("transform_drag", Place.EQUIVARIANCE)
    app.click("transform_drag")
    left, top, width, height = app.ask("picture")["rect"]
    middle = (round(left + width / 2), round(top + height / 2))
    app.drag(middle, (round(middle[0] + width / 4), round(middle[1] - height / 8)))
    transform = app.state["transform"]
    assert (transform["translate_x"], transform["translate_y"]) == pytest.approx((0.25, -0.125), abs=0.005)
    assert app.step == "Shift 0.25, -0.12"
    assert app.ask("state")["steps"] == 2
    app.click("transform_reset")

    for key, field, wanted in (("shift", "rotate_deg", 90.0), ("ctrl", "scale", 2.0)):
        end = {"shift": (middle[0], round(top + height / 4)), "ctrl": (round(left + width), middle[1])}[key]
        app.xdotool("keydown", key)
        app.settle()
        app.drag((round(left + width * 3 / 4), middle[1]), end)
        app.xdotool("keyup", key)
        app.settle()
        assert app.state["transform"][field] == pytest.approx(wanted, rel=0.02)
        app.click("transform_reset")

    for key in ("shift", "ctrl"):
        app.xdotool("keydown", key)
        app.settle()
    below = round(top + height * 3 / 4)
    app.drag((middle[0], below), (round(middle[0] + width / 8), below))
    for key in ("shift", "ctrl"):
        app.xdotool("keyup", key)
        app.settle()
    assert app.state["transform"]["shear"] == pytest.approx(0.5, abs=0.01)
    assert app.step == f"Shear {app.state['transform']['shear']:.2f}"
    app.click("transform_reset")

    app.scroll_to("untransform", Place.EQUIVARIANCE)
    still = app.frame(tmp_path / "frame")
    app.click("untransform")
    assert np.array_equal(app.frame(tmp_path / "frame"), still)
    steps = app.ask("state")["steps"]
    app.plays = True
    app.click("transform_spin")
    app.settle(20)
    app.click("transform_spin")
    app.plays = False
    app.settle()
    assert app.state["transform"]["rotate_deg"] != 0
    assert app.step.startswith("Turn ")
    assert app.ask("state")["steps"] == steps + 1

    app.scroll_to("eq_measure", Place.EQUIVARIANCE)
    app.click("eq_measure")
    app.wait_for(lambda: str(app.value("eq_samples")).startswith("8 samples."))
    assert all(float(app.value(f"eq_{name}").split()[0]) > 40 for name in ("T", "frac", "R"))


def show_layer(app: App, name: str, channels: int, first: int, scale_db: float) -> None:
    app.scroll_to(f"layer_{name}", "layer_list")
    app.click(f"layer_{name}")
    assert app.step == f"Show {name}"
    app.click(f"layer_channels_{channels}")
    app.type_number("layer_first", str(first))
    app.type_number("layer_scale", str(scale_db))


def test_layers_look_as_in_the_published_viewer(open_app: OpenApp, tmp_path: Path) -> None:
    with np.load(GOLDEN / "viewer" / "sg3t_64.npz") as arrays:
        cases = json.loads(str(arrays["cases_json"]))
        layer, spectrum = ({"image": arrays[f"{i:02d}/image"], "stats": arrays[f"{i:02d}/stats"]} for i in (4, 7))
    assert (cases[4]["layer_name"], cases[7]["fft_range_db"], cases[7]["fft_beta"]) == ("L7_52_32", 80, 4)
    app = open_app(NETS / "sg3t_64.pkl")
    plain = app.state["output"]
    app.type_number("seed_x", "3")
    app.right_click("psi")
    app.front(Place.LAYERS)

    show_layer(app, "L7_52_32", 3, 2, 10)
    shown = app.frame(tmp_path / "frame")
    assert np.abs(shown.astype(int) - layer["image"]).max() <= 1
    names = ("mean", "mean_shown", "std", "std_shown", "max_abs", "max_abs_shown")
    assert [float(app.value(f"stats_{name}")) for name in names] == pytest.approx(layer["stats"], rel=1e-3)
    assert app.value("shown_words") == "Layer L7_52_32, channels 2–4, +10 dB"

    show_layer(app, "output", 1, 0, 0)
    app.scroll_to("spectrum_range", Place.LAYERS)
    app.click("spectrum")
    app.click("spectrum_all")
    app.type_number("spectrum_range", "80")
    app.type_number("spectrum_beta", "4")
    shown = app.frame(tmp_path / "frame")
    assert shown.shape == spectrum["image"].shape
    assert np.abs(shown.astype(int) - spectrum["image"]).max() <= 1
    app.scroll_to("layer_back", Place.LAYERS)
    app.click("layer_back")
    assert app.state["output"] == plain


def test_progan_says_why_nothing_of_this_can_be_done(open_app: OpenApp) -> None:
    app = open_app(NETS.parent / "formats" / "progan_32.pkl")
    for control in ("mix_seed", "mix_add", "mix_swap", "noise_only", "untransform", "eq_measure", "transform_drag"):
        assert not app.enabled(control), control
    app.front(Place.SHEET)
    assert not app.enabled("sheet_make")
    assert app.value("sheet_note") == "This model has one row of styles: nothing can be mixed."
    app.front(Place.LAYERS)
    app.click("layer_b4.conv1")
    assert app.step == "Show b4.conv1"
