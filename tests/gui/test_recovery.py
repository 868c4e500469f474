"""What a killed window leaves behind, and the next one offers."""

from pathlib import Path

from tests.gui.conftest import NETS, OpenApp
from tests.gui.driver import App


def killed_after_dragging_psi(display: str, tmp_path: Path) -> float:
    app = App(display, tmp_path / "settings", NETS / "sg2_64_rgb.pkl")
    app.drag_slider("psi", 0.57, 0.2)
    psi = float(app.state["truncation"]["psi"])
    app.kill()
    assert psi < 0
    return psi


def test_a_killed_window_leaves_its_work_to_the_next_one(open_app: OpenApp, display: str, tmp_path: Path) -> None:
    psi = killed_after_dragging_psi(display, tmp_path)
    app = open_app(NETS / "sg2_64_rgb.pkl")
    assert app.state["truncation"]["psi"] == 0.7
    app.click("recovery_restore")
    assert app.state["truncation"]["psi"] == psi
    assert app.step == f"Psi {psi:.2f}"
    app.keys("ctrl+z")
    assert app.state["truncation"]["psi"] == 0.7


def test_discarded_work_is_not_offered_again(open_app: OpenApp, display: str, tmp_path: Path) -> None:
    killed_after_dragging_psi(display, tmp_path)
    app = open_app(NETS / "sg2_64_rgb.pkl")
    app.click("recovery_discard")
    assert app.state["truncation"]["psi"] == 0.7
    assert app.notices == []
    app.quit()
    assert open_app(NETS / "sg2_64_rgb.pkl").notices == []
