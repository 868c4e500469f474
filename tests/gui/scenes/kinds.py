"""Models of other kinds than the bundled one, and what they have or lack."""

from collections.abc import Iterator

from tests.gui.stage import Shot, Stage
from widgets.layout import Place


def classes(stage: Stage) -> Iterator[Shot]:
    """A model of classes."""
    app = stage.app
    app.front(Place.LATENT)
    app.click("class_more")
    yield stage.shot("classes")
    app.click("class_more")
    app.front(Place.TRUNCATION)


def prompt(stage: Stage) -> Iterator[Shot]:
    """A model that draws texts, and its encoder's absence."""
    app = stage.app
    app.front(Place.PROMPT)
    app.type("prompt_new", "a red cat")
    yield stage.shot("prompt", Place.PROMPT, guide=True)


def equivariance(stage: Stage) -> Iterator[Shot]:
    """A picture that is moved and turned, and the reading."""
    app = stage.app
    app.front(Place.EQUIVARIANCE)
    app.drag_slider("translate_x", 0.5, 0.6)
    app.drag_slider("rotate_deg", 0.5, 0.56)
    app.scroll_to("eq_measure", Place.EQUIVARIANCE)
    app.click("eq_measure")
    yield stage.shot("equivariance", Place.EQUIVARIANCE, guide=True)


def greyed(stage: Stage) -> Iterator[Shot]:
    """Panels that a model has no use for."""
    app = stage.app
    app.front(Place.EQUIVARIANCE)
    app.front(Place.PROMPT)
    yield stage.shot("greyed")
    app.front(Place.LATENT)
    app.front(Place.MIXING)
