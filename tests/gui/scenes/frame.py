"""The window around the panels: its first start, menus, mistakes, the second window, after a crash."""

from collections.abc import Iterator

from tests.gui.stage import Shot, Stage
from widgets.layout import Place


def start(stage: Stage) -> Iterator[Shot]:
    """What a person sees first."""
    yield stage.shot("start")


def tour(stage: Stage) -> Iterator[Shot]:
    """The hints of the first start."""
    for hint in range(1, 6):
        yield stage.shot(f"tour-{hint}")
        stage.app.click("tour_next")


def menus(stage: Stage) -> Iterator[Shot]:
    """Each menu, and the dialogs behind them."""
    app = stage.app
    for name in ("file", "edit", "view", "help"):
        app.click(f"menu_{name}")
        app.settle(5)
        yield Shot(f"menu-{name}")
        app.keys("Escape")
    app.click("menu_edit")
    app.click("menu_preferences")
    app.settle(5)
    yield Shot("preferences")
    app.keys("Escape")
    app.click("menu_help")
    app.click("menu_keys")
    app.settle(5)
    yield Shot("keys")
    app.keys("Escape")
    app.keys("ctrl+o")
    app.settle(10)
    yield Shot("open-dialog")
    app.keys("Escape")
    app.drag_slider("psi", 0.57, 0.6)
    app.keys("ctrl+q")
    app.settle(10)
    yield Shot("quit-question")
    app.keys("Escape")


def mistakes(stage: Stage) -> Iterator[Shot]:
    """A wrong file, a wrong address, and no model."""
    app = stage.app
    letter = stage.folder / "letter.pkl"
    letter.write_text("Dear all,\nplease find enclosed\n")
    app.front(Place.MODEL)
    app.type("model_path", str(letter))
    app.wait_for(lambda: bool(app.notices))
    yield stage.shot("wrong-file")
    app.click("model_unload")
    yield stage.shot("no-model")


def presentation(stage: Stage) -> Iterator[Shot]:
    """The second window before the first."""
    app = stage.app
    app.keys("F12")
    app.settle(200)
    yield Shot("presentation")
    app.close_second_window()


def recovery(stage: Stage) -> Iterator[Shot]:
    """The offer after a crash, and the work that came back."""
    yield stage.shot("recovery")
