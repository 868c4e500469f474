"""The Model and Performance panels, by hand: browsing, recent models, failure, precision, unloading, readings."""

import json
import shutil
from pathlib import Path

import numpy as np

from tests.gui.conftest import NETS, OpenApp
from tests.gui.driver import App
from tests.gui.test_shell import choose
from widgets.layout import Place

FACES, GREY = NETS / "sg2_64_rgb.pkl", NETS / "sg2_32_gray.pkl"


def model(app: App) -> str:
    return str(app.ask("state")["model"])


def make_run(folder: Path) -> Path:
    folder.mkdir(parents=True)
    for kimg, net in ((200, FACES), (1000, GREY)):
        shutil.copy(net, folder / f"network-snapshot-{kimg:06}.pkl")
    line = {"results": {"fid50k_full": 7.5}, "snapshot_pkl": "network-snapshot-001000.pkl"}
    (folder / "metric-fid50k_full.jsonl").write_text(json.dumps(line))
    return folder


def test_models_are_browsed_opened_again_and_unloaded(open_app: OpenApp, tmp_path: Path) -> None:
    run = make_run(tmp_path / "runs" / "00001-faces")
    app = open_app(FACES)
    app.drag_slider("psi", 0.5, 0.7)
    psi = app.state["truncation"]["psi"]
    app.click("model_browse")
    app.settle(5)
    assert app.value("library_note").startswith("Choose a folder")
    app.click("library_folder")
    app.type("browser_path", str(run.parent))
    app.settle(5)
    app.click("browser_ok")
    app.wait_for(lambda: app.value("library_note") == "A click opens a model.")
    app.click("library_shelf_1")
    app.settle(5)
    app.click("library_row_0")
    app.wait_for(lambda: model(app) == "network-snapshot-001000")
    assert app.value("fact_size").startswith("32 × 32 grey")
    app.click("model_browse")
    kept = json.loads((tmp_path / "settings" / "latent-explorer" / "settings.json").read_text())
    assert kept["runs_folder"] == str(run.parent)

    choose(app, "model_known", 1)
    app.wait_for(lambda: model(app) == FACES.stem)
    assert app.value("model_known") == FACES.name
    app.click("model_unload")
    app.wait_for(lambda: app.value("model_name") == "No model open")
    assert not app.enabled("model_unload")
    assert not app.enabled("device_cpu")
    assert app.value("fact_family") == "–"
    choose(app, "model_known", 0)
    app.wait_for(lambda: model(app) == FACES.stem)
    assert app.state["truncation"]["psi"] == psi


def test_failure_details_and_precision(open_app: OpenApp, tmp_path: Path) -> None:
    app = open_app()
    assert app.value("fact_licence") == "CC-BY-4.0"
    app.click("model_details")
    app.settle(5)
    assert app.value("detail_file_0").endswith("toons64.safetensors")
    before = app.frame(tmp_path / "frame")
    late = tmp_path / "late.pkl"
    app.type("model_path", str(late))
    app.wait_for(lambda: "does not exist" in app.value("model_error"))
    assert [text for text in app.notices if "does not exist" in text]
    assert np.array_equal(app.frame(tmp_path / "frame", "card")[..., :3], before)
    shutil.copy(FACES, late)
    app.click("model_again")
    app.wait_for(lambda: model(app) == "late")
    app.settle(5)
    assert not app.ask("exists", tag="model_failure")["shown"]
    assert app.value("detail_file_0") == str(late)

    exact = app.frame(tmp_path / "frame").astype(int)
    assert not app.enabled("precision_float16")
    assert "float16: float16 overflows" in app.value("precision_tip")
    app.click("precision_bfloat16")
    app.settle()
    rounded = app.frame(tmp_path / "frame").astype(int)
    assert 0 < np.abs(rounded - exact).max() < 40

    app.front(Place.PERFORMANCE)
    app.drag_slider("psi", 0.5, 0.6)
    app.wait_for(lambda: str(app.value("perf_compute")).startswith("processor, bf16"))
    app.wait_for(lambda: "no compiled form for torch.bfloat16" in app.value("perf_kernels"))
    assert app.value("perf_full").split()[1] == "ms,"
    assert app.value("perf_layers").endswith("computed")
    assert "synthesis" in app.value("perf_stage_names").splitlines()
    assert app.value("perf_memory_names").startswith("this process\nweights of ")
    app.quit()
    kept = json.loads((tmp_path / "settings" / "latent-explorer" / "settings.json").read_text())
    assert kept["precision"] == "bfloat16"
