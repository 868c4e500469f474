"""W sliders of both bases, their layers, names and pages, by hand."""

from pathlib import Path

import numpy as np
import pytest

from tests.gui.conftest import NETS, OpenApp
from tests.gui.driver import App
from widgets.layout import Place


def choose(app: App, tag: str, entry: int) -> None:
    """Choose an entry of a combo box, from 0, by clicking it in the list that hangs below."""
    left, top, width, height = app.rect(tag)
    x = round(left + width / 2)
    app.click_at((x, round(top + height / 2)))
    # An entry is as high as a line of text and the space between two items.
    line = app.rect("status_model")[3]
    app.click_at((x, round(top + height + line * 0.5 + 8 + entry * (line + 6))))


def sliders(app: App) -> list[tuple[str, int, list[int] | None, str]]:
    return [(each["basis"], each["index"], each["layers"], each["name"]) for each in app.state["sliders"]]


def test_axes_and_later_directions_are_moved_and_found_again(faces: App) -> None:
    count = faces.value("slider_span").split(" of ")[1]
    assert faces.value("slider_span") == f"1–10 of {count}"
    faces.click("slider_later")
    assert faces.value("slider_span") == f"11–20 of {count}"
    faces.drag_slider("w1", 0.5, 0.9)
    assert sliders(faces) == [("pca", 11, None, "")]
    assert faces.step.startswith("Direction 12 +")

    choose(faces, "slider_list", 1)
    assert faces.value("slider_list") == "Axes"
    faces.drag_slider("w4", 0.5, 0.2)
    assert sliders(faces) == [("pca", 11, None, ""), ("axis", 4, None, "")]
    assert faces.step.startswith("Axis 5 -")

    choose(faces, "slider_list", 3)
    assert faces.value("slider_span") == "1–2 of 2"
    faces.click("w0_reset")
    assert sliders(faces) == [("axis", 4, None, "")]
    assert faces.value("slider_span") == "1–1 of 1"
    choose(faces, "slider_list", 0)
    choose(faces, "slider_count", 1)
    faces.wait_for(lambda: faces.value("slider_span") == f"1–20 of {count}")
    faces.scroll_to("w19", Place.SLIDERS)
    faces.drag_slider("w19", 0.5, 0.7)
    assert sliders(faces)[0] == ("pca", 19, None, "")
    faces.scroll_to("sliders_reset", Place.SLIDERS)
    faces.click("sliders_reset")
    assert faces.step == "Reset W sliders"
    assert sliders(faces) == []


def test_a_direction_moves_some_layers_and_has_a_name_at_the_next_start(open_app: OpenApp, tmp_path: Path) -> None:
    app = open_app(NETS / "sg2_64_rgb.pkl")
    app.drag_slider("w2", 0.5, 0.9)
    everywhere = app.frame(tmp_path / "frame")
    app.click("w2_number")
    app.click("slider_coarse")
    assert app.state["sliders"][0]["layers"] == [0, 1, 2]
    assert app.step.startswith("Direction 3 on 0–2 +")
    assert not np.array_equal(app.frame(tmp_path / "frame"), everywhere)
    app.drag_slider("slider_to", 0.3, 0.62)
    (_, _, layers, _), *others = sliders(app)
    assert layers is not None
    assert layers[0] == 0
    assert len(layers) > 3
    assert others == []
    steps = app.ask("state")["steps"]
    app.type("slider_name", "100% smile")
    assert app.ask("state")["steps"] == steps
    app.drag_slider("w2", 0.9, 0.7)
    assert app.step.startswith(f"100% smile on 0–{layers[-1]} +")
    assert sliders(app) == [("pca", 2, layers, "100% smile")]
    amount = app.state["sliders"][0]["amount"]
    app.click("slider_all")
    assert app.state["sliders"][0] == {
        "basis": "pca",
        "index": 2,
        "amount": pytest.approx(amount),
        "layers": None,
        "name": "100% smile",
    }
    app.click("slider_fine")
    fine = app.state["sliders"][0]["layers"]
    app.keys("ctrl+z")
    assert app.state["sliders"][0]["layers"] is None
    assert app.quit() == 0

    again = open_app(NETS / "sg2_64_rgb.pkl")
    choose(again, "slider_list", 2)
    assert again.value("slider_span") == "1–1 of 1"
    again.drag_slider("w0", 0.5, 0.8)
    assert sliders(again) == [("pca", 2, fine, "100% smile")]


def test_names_of_one_model_are_not_those_of_another(open_app: OpenApp) -> None:
    app = open_app(NETS / "sg2_32_gray.pkl")
    app.click("w0_number")
    app.type("slider_name", "smile")
    app.drag_slider("w0", 0.5, 0.8)
    assert app.step.startswith("smile +")
    app.type("model_path", str(NETS / "sg2_32_cond3.pkl"))
    app.wait_for(lambda: app.ask("state")["model"] == "sg2_32_cond3")
    app.click("sliders_reset")
    app.drag_slider("w0", 0.5, 0.7)
    assert app.step.startswith("Direction 1 +")
