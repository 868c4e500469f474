"""A photo is dropped, looked for, stopped, edited, saved and opened again."""

import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from explorer.projection.cache import bank_path, save_bank
from tests.faces.test_find_faces import PORTRAIT
from tests.gui.conftest import NETS, OpenApp
from tests.gui.driver import App
from tests.models import golden
from tests.projection.nets import bank, photo_of, picture
from widgets.layout import Place

NAME = "sg2_32_orig"


def learned(settings: Path) -> None:
    """What the app would learn of the model in a minute, from a few samples."""
    folder = settings / "latent-explorer" / "projection"
    save_bank(bank(NAME), bank_path(folder, golden(NAME).info.sha256))


def test_a_photo_is_found_edited_saved_and_opened_again(open_app: OpenApp, tmp_path: Path) -> None:
    learned(tmp_path / "settings")
    photo = tmp_path / "me.png"
    Image.fromarray(photo_of(picture(golden(NAME).generator, 5)).pixels).save(photo)
    app = open_app(NETS / f"{NAME}.pkl")
    app.front(Place.PROJECTION)
    assert not app.enabled("photo_project")
    (tmp_path / "text.jpg").write_text("dear diary")
    app.drop(tmp_path / "text.jpg")
    app.wait_for(lambda: any("its content is text" in notice for notice in app.notices))

    app.drop(photo)
    app.wait_for(lambda: app.value("photo_note") == "me.png")
    app.scroll_to("photo_stop", Place.PROJECTION)
    app.type_number("photo_time", "300")
    app.plays = True
    app.click("photo_project")
    app.wait_for(lambda: app.value("photo_status").startswith("me.png: W, "), frames=3000)
    app.wait_for(lambda: app.state["latent"]["type"] == "stored")
    app.click("photo_stop")
    app.plays = False
    app.wait_for(lambda: app.step == "Project me.png")
    found = app.state
    assert found["truncation"]["psi"] == 1

    app.scroll_to("photo_mix", Place.PROJECTION)
    app.click("photo_mix")
    app.wait_for(lambda: len(app.state["mixing"]) == 1)
    assert app.state["mixing"][0]["latent"] == found["latent"]
    app.click("mix_middle")
    app.wait_for(lambda: bool(app.state["mixing"][0]["layers"]))
    app.front(Place.PROJECTION)
    app.scroll_to("photo_show", Place.PROJECTION)
    app.click("photo_show")
    app.wait_for(lambda: app.state == found)
    app.click("photo_point")
    app.wait_for(lambda: app.value("point_name_0") == "me.png")

    app.front(Place.SLIDERS)
    app.drag_slider("w0", 0.5, 0.7)
    assert app.state["sliders"]
    app.keys("ctrl+z")
    app.wait_for(lambda: app.state == found)
    before = app.frame(tmp_path / "frame")
    app.keys("ctrl+s")
    app.type("browser_path", str(tmp_path / "me.latent"))
    app.wait_for((tmp_path / "me.latent").exists)
    again = open_app(tmp_path / "me.latent")
    again.wait_for(lambda: again.state == found)
    assert np.array_equal(again.frame(tmp_path / "frame"), before)


def pink(app: App) -> int:
    """Pixels of the photo in the panel that show the mask's colour, much redder than green."""
    left, top, width, height = (round(side) for side in app.rect("photo_view"))
    seen = app.screen()[top : top + height, left : left + width].astype(int)
    return int((seen[..., 0] - seen[..., 1] > 60).sum())


def test_strokes_of_a_mask_are_taken_back_one_by_one_and_so_is_clear(open_app: OpenApp, tmp_path: Path) -> None:
    photo = tmp_path / "grey.png"
    Image.new("RGB", (64, 64), (128, 128, 128)).save(photo)
    app = open_app(NETS / f"{NAME}.pkl")
    app.front(Place.PROJECTION)
    app.drop(photo)
    app.wait_for(lambda: app.value("photo_note") == "grey.png")
    app.scroll_to("photo_paint", Place.PROJECTION)
    app.click("photo_paint")
    assert not app.enabled("photo_unpaint")
    left, top, width, height = app.rect("photo_view")
    covered = [pink(app)]
    for across in (0.3, 0.7):
        x = left + across * width
        # Two moves only: a stroke has no gaps however fast it is.
        app.drag((x, top + 0.25 * height), (x, top + 0.75 * height), steps=2)
        app.wait_for(lambda: pink(app) > covered[-1])
        app.settle()
        covered.append(pink(app))
    assert covered[0] == 0
    app.click("photo_uncover")
    app.wait_for(lambda: pink(app) == 0)
    for expected in reversed(covered):
        app.click("photo_unpaint")
        app.wait_for(lambda count=expected: pink(app) == count)
    app.wait_for(lambda: not app.enabled("photo_unpaint"))


@pytest.mark.skipif(shutil.which("xclip") is None, reason="xclip is not installed, which alone reads pictures from X")
def test_a_picture_in_the_clipboard_is_pasted(open_app: OpenApp, tmp_path: Path) -> None:
    photo = tmp_path / "me.png"
    Image.fromarray(photo_of(picture(golden(NAME).generator, 5)).pixels).save(photo)
    app = open_app(NETS / f"{NAME}.pkl")
    app.front(Place.PROJECTION)
    # The window itself owns the clipboard now: asking it must not wait for itself.
    app.keys("ctrl+c")
    app.keys("ctrl+v")
    app.wait_for(lambda: any("no photo in the clipboard" in notice for notice in app.notices))
    subprocess.run(["xclip", "-selection", "clipboard", "-t", "image/png", photo], env=app.env, check=True)
    app.keys("ctrl+v")
    app.wait_for(lambda: app.value("photo_note") == "Pasted photo")
    assert app.enabled("photo_project")


def test_photos_that_are_dropped_together_are_found_one_after_the_other(open_app: OpenApp, tmp_path: Path) -> None:
    learned(tmp_path / "settings")
    names = ["one.png", "two.png", "three.png"]
    for seed, name in enumerate(names):
        Image.fromarray(photo_of(picture(golden(NAME).generator, seed)).pixels).save(tmp_path / name)
    (tmp_path / "notes.txt").write_text("dear diary")
    app = open_app(NETS / f"{NAME}.pkl")
    app.front(Place.PROJECTION)
    app.drop(*(tmp_path / name for name in (*names, "notes.txt")))
    app.wait_for(lambda: app.value("photo_note") == "one.png, and 2 more after it")
    assert app.notices == ["Of what was dropped at once, this was left aside: notes.txt."]
    app.scroll_to("photo_stop", Place.PROJECTION)
    app.type_number("photo_time", "2")
    app.plays = True
    app.click("photo_project")
    app.wait_for(lambda: app.value("photo_note") == "one.png")
    app.wait_for(lambda: "; 2 more wait" in app.value("photo_status"))
    for row, name in enumerate(names):
        tag = f"point_name_{row}"
        app.wait_for(lambda tag=tag: app.ask("exists", tag=tag)["exists"], frames=3000)
        # Until it is found, its point is called "so far".
        app.wait_for(lambda tag=tag, name=name: app.value(tag) == name, frames=3000)
    app.plays = False
    app.wait_for(lambda: app.step == "Project three.png")


def test_a_face_is_turned_upright_for_a_model_of_faces(open_app: OpenApp, tmp_path: Path) -> None:
    faces = tmp_path / "stylegan2-ffhq-32x32.pkl"
    shutil.copy(NETS / f"{NAME}.pkl", faces)
    texture = tmp_path / "texture.png"
    Image.fromarray(photo_of(picture(golden(NAME).generator, 5)).pixels).save(texture)
    app = open_app(faces)
    app.front(Place.PROJECTION)
    assert app.value("photo_face")
    app.drop(PORTRAIT)
    app.wait_for(lambda: app.value("photo_note") == "astronaut.jpg. The face was turned upright and cut out")
    assert app.rect("photo_view")[2] == app.rect("photo_view")[3]
    app.scroll_to("photo_face", Place.PROJECTION)
    app.click("photo_face")
    app.wait_for(lambda: app.value("photo_note") == "astronaut.jpg")
    assert app.rect("photo_view")[2] > app.rect("photo_view")[3]
    app.click("photo_face")
    app.wait_for(lambda: "cut out" in app.value("photo_note"))
    app.drop(texture)
    app.wait_for(lambda: app.value("photo_note") == "texture.png. No face was found")
    app.drop(NETS / f"{NAME}.pkl")
    app.wait_for(lambda: not app.value("photo_face"))
    app.wait_for(lambda: app.value("photo_note") == "texture.png")
