import subprocess
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from tests.gui.conftest import NETS, OpenApp
from tests.gui.driver import REPOSITORY, App
from widgets.layout import Place


def differ(a: npt.NDArray[np.uint8], b: npt.NDArray[np.uint8]) -> bool:
    return a.shape != b.shape or not np.array_equal(a, b)


def test_dragging_psi_changes_the_state_and_the_picture_in_one_step(faces: App) -> None:
    before = faces.picture_on_screen()
    faces.drag_slider("psi", 0.57, 0.2)
    psi = faces.state["truncation"]["psi"]
    assert -0.6 < psi < -0.2
    assert faces.step == f"Psi {psi:.2f}"
    assert faces.ask("state")["steps"] == 2
    assert differ(before, faces.picture_on_screen())


def test_dragging_the_seed_pad_moves_through_fractional_seeds(faces: App) -> None:
    before = faces.picture_on_screen()
    left, top, _, _ = faces.rect("seed_pad")
    faces.drag((round(left + 40), round(top + 40)), (round(left + 120), round(top + 80)))
    latent = faces.state["latent"]
    assert latent["type"] == "seed_pad"
    assert latent["x"] == pytest.approx(-0.5 + 120 / 46, abs=0.03)
    assert latent["y"] == pytest.approx(-0.5 + 80 / 46, abs=0.03)
    assert faces.step.startswith("Seed at")
    assert differ(before, faces.picture_on_screen())


def test_dragging_the_picture_moves_through_seeds_as_a_map_does(faces: App) -> None:
    before = faces.picture_on_screen()
    left, top, width, height = faces.ask("picture")["rect"]
    centre = (round(left + width / 2), round(top + height / 2))
    faces.drag(centre, (centre[0] - 90, centre[1] - 45))
    assert faces.state["latent"] == {"type": "seed_pad", "x": 0.5, "y": 0.25}
    assert faces.ask("state")["steps"] == 2
    assert differ(before, faces.picture_on_screen())


def test_seeds_play_at_the_speed_that_was_dragged_and_stop_as_one_step(faces: App) -> None:
    faces.front(Place.ANIMATION)
    faces.drag_slider("play_seed_x", 0.6, 0.1)
    assert faces.notices == []
    assert faces.value("play_seed_x") < 0
    steps = faces.ask("state")["steps"]
    faces.plays = True
    faces.click("play_seeds")
    faces.wait_for(lambda: faces.state["latent"]["x"] < -0.2)
    faces.click("play_seeds")
    faces.plays = False
    faces.settle()
    assert faces.ask("state")["steps"] == steps + 1
    assert faces.step.startswith("Seed at -")


def test_a_click_on_the_picture_is_no_step(faces: App) -> None:
    left, top, width, height = faces.ask("picture")["rect"]
    faces.click_at((round(left + width / 2), round(top + height / 2)))
    assert faces.ask("state")["steps"] == 1


def test_dragging_a_w_slider_offsets_one_direction(faces: App) -> None:
    before = faces.picture_on_screen()
    faces.drag_slider("w2", 0.5, 0.9)
    (slider,) = faces.state["sliders"]
    assert (slider["basis"], slider["index"], slider["layers"]) == ("pca", 2, None)
    assert 2.5 < slider["amount"] < 4
    assert differ(before, faces.picture_on_screen())
    faces.click("w2_reset")
    assert faces.state["sliders"] == []
    assert not differ(before, faces.picture_on_screen())


def test_mixing_toggles_put_a_second_seed_into_layers(faces: App) -> None:
    before = faces.picture_on_screen()
    faces.click("mix_layer_3")
    (mix,) = faces.state["mixing"]
    assert mix["layers"] == [3]
    with_one = faces.picture_on_screen()
    assert differ(before, with_one)
    faces.click("mix_coarse")
    assert faces.state["mixing"][0]["layers"] == [0, 1, 2, 3]
    faces.click("mix_none")
    assert faces.state["mixing"][0]["layers"] == []
    assert not differ(before, faces.picture_on_screen())


def test_dragging_a_transform_slider_moves_a_stylegan3_picture(open_app: OpenApp) -> None:
    app = open_app(NETS / "sg3t_64.pkl")
    app.front(Place.EQUIVARIANCE)
    before = app.picture_on_screen()
    app.drag_slider("translate_x", 0.5, 0.7)
    assert 0.3 < app.state["transform"]["translate_x"] < 0.5
    shifted = app.picture_on_screen()
    assert differ(before, shifted)
    app.drag_slider("rotate_deg", 0.5, 0.6)
    assert 20 < app.state["transform"]["rotate_deg"] < 50
    assert differ(shifted, app.picture_on_screen())
    app.click("transform_reset")
    assert not differ(before, app.picture_on_screen())


def test_controls_that_the_model_cannot_follow_are_greyed(open_app: OpenApp) -> None:
    app = open_app(NETS / "sg2_64_rgb.pkl")
    assert app.enabled("psi")
    assert app.enabled("noise_const")
    assert not app.enabled("translate_x")
    assert not app.enabled("noise_seed")
    app.type("model_path", str(NETS / "sg3t_64.pkl"))
    assert app.enabled("translate_x")
    assert not app.enabled("noise_const")


def test_progan_has_neither_noise_nor_a_centre_nor_rows_to_mix(open_app: OpenApp) -> None:
    app = open_app(NETS.parent / "formats" / "progan_32.pkl")
    for control in ("psi", "noise_const", "mix_seed", "translate_x"):
        assert not app.enabled(control)


def test_undo_by_key_and_by_button_restores_the_exact_state_and_picture(faces: App) -> None:
    states, pictures = [faces.state], [faces.picture_on_screen()]
    for end in (0.3, 0.9):
        faces.drag_slider("psi", 0.5, end)
        states.append(faces.state)
        pictures.append(faces.picture_on_screen())
    faces.keys("ctrl+z")
    assert faces.state == states[1]
    assert not differ(faces.picture_on_screen(), pictures[1])
    faces.front(Place.HISTORY)
    faces.click("undo")
    assert faces.state == states[0]
    assert not differ(faces.picture_on_screen(), pictures[0])
    faces.keys("ctrl+y")
    faces.keys("ctrl+shift+z")
    assert faces.state == states[2]
    assert not differ(faces.picture_on_screen(), pictures[2])


def test_shortcuts_do_not_fire_while_typing(faces: App) -> None:
    faces.drag_slider("psi", 0.5, 0.3)
    state = faces.state
    faces.click("model_path")
    faces.keys("ctrl+z")
    assert faces.state == state
    assert faces.ask("state")["steps"] == 2


def test_a_saved_project_opens_with_the_same_state_and_picture(open_app: OpenApp, tmp_path: Path) -> None:
    app = open_app(NETS / "sg2_64_rgb.pkl")
    app.drag_slider("psi", 0.5, 0.8)
    app.click("mix_layer_5")
    app.keys("ctrl+s")
    path = tmp_path / "mine.latent"
    app.type("browser_path", str(path))
    app.wait_for(lambda: app.notices == [f"Saved {path}"])
    assert not app.ask("state")["dirty"]
    state, frame = app.state, app.frame(tmp_path / "frame")
    again = open_app(path)
    assert again.state == state
    assert np.array_equal(again.frame(tmp_path / "frame"), frame)
    assert again.ask("state")["step"] == "Mix layer 5 on"


def test_opening_a_jpeg_says_what_it_is_and_keeps_the_picture(faces: App, tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (32, 32), (200, 30, 40)).save(photo)
    before = faces.state, faces.picture_on_screen()
    faces.type("model_path", str(photo))
    faces.wait_for(lambda: bool(faces.notices))
    (text,) = faces.notices
    assert "JPEG" in text
    assert faces.state == before[0]
    assert faces.ask("state")["model"] == "sg2_64_rgb"
    faces.click("dismiss_1")
    assert faces.notices == []
    assert not differ(before[1], faces.picture_on_screen())


def test_the_picture_on_screen_is_the_frame_pixel_for_pixel(faces: App, tmp_path: Path) -> None:
    frame = faces.frame(tmp_path / "frame")
    zoom = round(faces.ask("picture")["zoom"])
    assert np.array_equal(faces.picture_on_screen(), frame.repeat(zoom, 0).repeat(zoom, 1))


@pytest.mark.parametrize("name", ["sg2_64_rgb", "sg2_32_gray", "sg2_32_cond3", "sg3t_32_cond4"])
def test_the_card_holds_the_frame_for_every_kind_of_model(open_app: OpenApp, tmp_path: Path, name: str) -> None:
    app = open_app(NETS / f"{name}.pkl")
    frame, card = app.frame(tmp_path / "frame"), app.frame(tmp_path / "card", "card")
    channels = 1 if frame.shape[2] == 1 else 3
    assert np.array_equal(card[:, :, :channels], frame[:, :, :channels])
    assert np.all(card[:, :, 3] == 255)


def test_the_float_texture_shows_the_same_picture(open_app: OpenApp, tmp_path: Path) -> None:
    app = open_app(NETS / "sg2_64_rgb.pkl", "--float-texture")
    app.drag_slider("psi", 0.5, 0.8)
    frame = app.frame(tmp_path / "frame")
    assert np.array_equal(app.frame(tmp_path / "card", "card")[:, :, :3], frame)
    zoom = round(app.ask("picture")["zoom"])
    shown = app.picture_on_screen().astype(int)
    # Interpolated between repeated pixels: only the middles are exact.
    middle = slice(zoom // 2, None, zoom)
    assert np.abs(shown[middle, middle] - frame.astype(int)).max() <= 1


def test_the_window_shows_what_the_command_line_renders(open_app: OpenApp, tmp_path: Path) -> None:
    app = open_app(NETS / "sg2_64_rgb.pkl")
    app.click("seed_random")
    app.drag_slider("psi", 0.5, 0.8)
    latent, psi = app.state["latent"], app.state["truncation"]["psi"]
    seed = round(latent["x"] + 100 * latent["y"])
    frame = app.frame(tmp_path / "frame")
    command = [
        sys.executable,
        "main.py",
        "render",
        str(NETS / "sg2_64_rgb.pkl"),
        "--seeds",
        str(seed),
        "--psi",
        str(psi),
    ]
    subprocess.run([*command, "--out", str(tmp_path)], cwd=REPOSITORY, check=True, stdout=subprocess.DEVNULL)
    assert np.array_equal(np.asarray(Image.open(tmp_path / f"seed{seed:04d}.png")), frame)


def test_choosing_a_class_changes_the_picture(open_app: OpenApp) -> None:
    app = open_app(NETS / "sg2_32_cond3.pkl")
    before = app.picture_on_screen()
    left, top, _, height = app.rect("class")
    app.click("class")
    # The list opens below; its third line is the second class.
    app.click_at((round(left + 40), round(top + height * 3.4)))
    assert app.state["condition"] == {"type": "class_mix", "weights": [[1, 1.0]]}
    assert differ(before, app.picture_on_screen())


def test_without_a_model_the_window_says_what_to_do_and_opens_what_is_typed(open_app: OpenApp, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.pkl"
    nothing.write_bytes(b"not a model")
    app = open_app(nothing)
    assert app.ask("state")["model"] == ""
    assert not app.enabled("psi")
    assert "drag" in app.value("welcome_text")
    assert len(app.notices) == 1
    app.type("model_path", str(NETS / "sg2_64_rgb.pkl"))
    assert app.ask("state")["model"] == "sg2_64_rgb"
    assert app.enabled("psi")


def test_reset_layout_brings_moved_panels_back(faces: App) -> None:
    before = faces.rect("picture")
    left, top, _, height = before
    faces.drag((round(left - 1), round(top + height / 2)), (round(left + 79), round(top + height / 2)))
    assert faces.rect("picture")[2] < before[2] - 60
    faces.click("menu_view")
    faces.click("menu_reset_layout")
    faces.settle(10)
    assert faces.rect("picture") == before
