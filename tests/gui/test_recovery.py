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


def test_a_kill_in_the_middle_of_a_drag_costs_nothing_but_that_drag(
    open_app: OpenApp, display: str, tmp_path: Path
) -> None:
    killed = App(display, tmp_path / "settings", NETS / "sg2_64_rgb.pkl")
    try:
        states = [killed.state]
        for edit in (
            lambda: killed.drag_slider("psi", 0.57, 0.3),
            lambda: killed.drag_slider("w1", 0.5, 0.8),
            lambda: killed.click("mix_layer_3"),
        ):
            edit()
            states.append(killed.state)
        # Back, and on from there: the step that was undone is a branch of its own.
        killed.keys("ctrl+z")
        killed.click("seed_random")
        states[-1] = killed.state
        steps = killed.ask("state")["steps"]
        left, top, width, height = killed.rect("psi")
        y = round(top + height / 2)
        killed.xdotool("mousemove", round(left + width * 0.3), y)
        killed.settle()
        killed.xdotool("mousedown", 1)
        killed.settle(2)
        killed.xdotool("mousemove", round(left + width * 0.9), y)
        killed.settle()
        assert killed.state != states[-1]
    finally:
        killed.kill()
        # The button is the server's, and stays down without the window.
        killed.xdotool("mouseup", 1)
    app = open_app(NETS / "sg2_64_rgb.pkl")
    app.click("recovery_restore")
    app.wait_for(lambda: app.state == states[-1])
    # With the branch that was left, and the way back to the beginning.
    assert app.ask("state")["steps"] == steps == 5
    for state in reversed(states[:-1]):
        app.keys("ctrl+z")
        assert app.state == state


def test_discarded_work_is_not_offered_again(open_app: OpenApp, display: str, tmp_path: Path) -> None:
    killed_after_dragging_psi(display, tmp_path)
    app = open_app(NETS / "sg2_64_rgb.pkl")
    # One click loses nothing.
    app.click("recovery_discard")
    app.click("recovery_keep")
    app.click("recovery_discard")
    app.click("recovery_discard_for_good")
    assert app.state["truncation"]["psi"] == 0.7
    assert app.notices == []
    app.quit()
    assert open_app(NETS / "sg2_64_rgb.pkl").notices == []
