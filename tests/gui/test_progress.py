"""Jobs in the status line: two at once, one stopped by hand, the other seen to its end."""

from tests.gui.conftest import NETS, OpenApp
from widgets.layout import Place


def test_two_jobs_are_shown_and_the_one_that_is_cancelled_stops(open_app: OpenApp) -> None:
    app = open_app(NETS / "sg3r_64.pkl")
    app.front(Place.SHEET)
    app.type("sheet_rows", "0-60")
    app.type("sheet_cols", "0-60")
    app.plays = True
    app.click("sheet_make")
    app.wait_for(lambda: app.value("status_job_0").startswith("Make the mixing sheet… "))
    app.click("seed_grid_open")
    app.wait_for(lambda: app.value("status_job_1").startswith("16 seeds…"))
    steps = app.ask("state")["steps"]
    # The controls work on while one goes on and the other waits for its turn.
    app.drag_slider("psi", 0.5, 0.4)
    assert app.ask("state")["steps"] == steps + 1
    app.click("status_cancel_0")
    app.wait_for(lambda: not app.value("status_job_0").startswith("Make the mixing sheet"))
    app.plays = False
    app.settle()
    assert not app.ask("exists", tag="status_job_row_0")["shown"]
    assert app.value("seed_grid_note") == "Click one to go there"
    assert app.notices == []
