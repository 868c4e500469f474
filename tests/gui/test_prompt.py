"""The Prompt panel, by hand."""

from pathlib import Path

import numpy as np

from explorer.checkpoints import open_checkpoint
from explorer.rendering import Renderer
from explorer.state.serialize import decode_state
from explorer.text import SENTENCES
from tests.gui.conftest import OpenApp
from tests.gui.driver import App
from tests.models import write_stylegan_t
from widgets.layout import Place

FOLDER = Path(__file__).parents[1] / "text" / "folders" / "sentences"


def texts(app: App) -> list[list[object]]:
    return app.state["condition"]["weights"]


def test_texts_are_added_weighed_reworded_and_removed(open_app: OpenApp, tmp_path: Path) -> None:
    model = write_stylegan_t(tmp_path / "texts.safetensors", c_dim=24, kind=SENTENCES)
    app = open_app(model)
    app.front(Place.PROMPT)
    app.click("encoder_folder")
    app.type("browser_path", str(FOLDER))
    app.settle(5)
    app.click("browser_ok")
    app.wait_for(lambda: str(FOLDER) in app.value("encoder"))

    app.type("prompt_new", "a red cat")
    assert app.step == "Add “a red cat”"
    app.type("prompt_new", "the dog")
    app.drag_slider("prompt_weight_1", 0.98, 0.2)
    assert texts(app)[0] == ["a red cat", 1.0]
    assert -0.75 < texts(app)[1][1] < -0.45
    assert app.step.endswith("of “the dog”")
    app.type("prompt_text_0", "a green cat")
    assert texts(app)[0] == ["a green cat", 1.0]
    app.settle()
    renderer = Renderer(open_checkpoint(model))
    renderer.texts.use_folder(FOLDER)
    expected = renderer.frame(decode_state(app.state)).pixels
    assert np.abs(app.frame(tmp_path / "frame").astype(int) - expected).max() <= 1

    app.click("prompt_drop_0")
    assert [text for text, _ in texts(app)] == ["the dog"]
    app.keys("ctrl+z")
    app.wait_for(lambda: len(texts(app)) == 2)

    app.type("model_path", "bundled:toons64")
    app.wait_for(lambda: "toon" in app.ask("state")["model"].lower())
    assert not app.enabled("prompt_new")
    assert not app.enabled("encoder_folder")
    assert app.state["condition"] == {"type": "none"}
