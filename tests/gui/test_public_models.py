"""Public models in the browser, by hand, from a server on this machine: fetched, stopped, gone on with, offline."""

import json
import threading
from pathlib import Path

from tests.gui.conftest import NETS, OpenApp
from tests.gui.driver import App
from tests.remote.server import serving

FACES, GREY = NETS / "sg2_64_rgb.pkl", NETS / "sg2_32_gray.pkl"


def listed(folder: Path, *addresses: str) -> None:
    """A list of a person's own, which stands before the public one: its shelf is the first below the bundled models."""
    facts = {"family": "stylegan2", "resolution": [64, 64], "licence": "CC0", "about_mb": 2, "page": "https://page"}
    models = [{"name": f"Mine {i}", "address": address, **facts} for i, address in enumerate(addresses)]
    (folder / "latent-explorer").mkdir(exist_ok=True)
    (folder / "latent-explorer" / "known-models.json").write_text(json.dumps(models))


def note(app: App) -> str:
    return str(app.value("library_note"))


def test_a_public_model_is_fetched_by_a_click_stopped_and_gone_on_with(open_app: OpenApp, tmp_path: Path) -> None:
    with serving() as server:
        gate = threading.Event()
        listed(
            tmp_path / "settings",
            server.page("/faces.pkl", FACES.read_bytes(), gate=gate),
            server.page("/grey.pkl", GREY.read_bytes()),
            "http://127.0.0.1:1/nowhere.pkl",
        )
        app = open_app()
        app.click("model_browse")
        app.settle(5)
        app.click("library_shelf_1")
        app.settle(5)
        assert app.ask("exists", tag="library_row_2")["shown"]

        # Half of it comes, and is kept when the hand stops it.
        app.plays = True
        app.click("library_row_0")
        app.wait_for(lambda: "faces.pkl… 5" in note(app))
        app.click("status_cancel_0")
        app.wait_for(lambda: note(app).startswith("Stopped."))
        gate.set()
        app.click("library_row_0")
        app.wait_for(lambda: app.ask("state")["model"] == "faces")
        app.plays = False
        app.settle(5)
        ranges = [headers.get("range") for path, headers in server.asked if path == "/faces.pkl"]
        assert ranges[0] is None
        assert ranges[-1].startswith("bytes=")
        assert note(app) == "A click opens a model."

        # The other one is fetched once, and then opened from here.
        for _ in range(2):
            app.click("library_row_1")
            app.wait_for(lambda: app.ask("state")["model"] == "grey")
            app.click("library_row_0")
            app.wait_for(lambda: app.ask("state")["model"] == "faces")
        assert sum(path == "/grey.pkl" and "if-none-match" not in headers for path, headers in server.asked) == 1

        app.click("library_row_2")
        app.wait_for(lambda: "cannot be fetched" in note(app))
        assert "Check the address and the connection" in app.value("model_error")
        assert app.ask("state")["model"] == "faces"
