"""Each panel on the left and right, in a state worth looking at."""

from collections.abc import Iterator

from tests.gui.stage import Shot, Stage
from widgets.layout import Place


def model(stage: Stage) -> Iterator[Shot]:
    """The open model, everything about it, and the models that there are."""
    app = stage.app
    app.front(Place.MODEL)
    yield stage.shot("model", Place.MODEL, guide=True)
    app.click("model_details")
    yield stage.shot("model-details")
    app.click("model_details")
    app.click("model_browse")
    yield stage.shot("model-browse", "library", guide=True)
    app.click("model_browse")


def latent(stage: Stage) -> Iterator[Shot]:
    """A place between seeds, and sixteen seeds to pick from."""
    app = stage.app
    app.front(Place.LATENT)
    left, top, width, height = app.rect("seed_pad")
    app.drag(
        (round(left + width * 0.3), round(top + height * 0.5)), (round(left + width * 0.62), round(top + height * 0.3))
    )
    yield stage.shot("latent", Place.LATENT, guide=True)
    app.click("seed_grid_open")
    yield stage.shot("latent-sixteen", "seed_grid", guide=True)
    app.click("seed_grid_open")


def truncation(stage: Stage) -> Iterator[Shot]:
    """Psi, and the centres to choose from."""
    app = stage.app
    app.front(Place.TRUNCATION)
    app.drag_slider("psi", 0.57, 0.72)
    yield stage.shot("truncation", Place.TRUNCATION, guide=True)
    app.click("centre")
    yield stage.shot("truncation-centres", "centres", guide=True)
    app.click("centre")
    app.click("truncation_reset")


def noise(stage: Stage) -> Iterator[Shot]:
    """Noise, layer by layer, and what it adds."""
    app = stage.app
    app.front(Place.NOISE)
    yield stage.shot("noise", Place.NOISE, guide=True)
    app.scroll_to("noise_fold", Place.NOISE)
    app.click("noise_fold")
    yield stage.shot("noise-layers")
    app.click("noise_fold")
    app.scroll_to("noise_only", Place.NOISE)
    app.click("noise_only")
    yield stage.shot("noise-only")
    app.click("noise_only")
    app.front(Place.LATENT)


def sliders(stage: Stage) -> Iterator[Shot]:
    """Directions in W, and the window of one."""
    app = stage.app
    app.front(Place.SLIDERS)
    yield stage.shot("sliders", Place.SLIDERS, guide=True)
    app.click("w0_number")
    app.click("slider_coarse")
    yield stage.shot("sliders-direction", "slider_details", guide=True)
    app.click("slider_all")
    app.click("w0_number")


def mixing(stage: Stage) -> Iterator[Shot]:
    """Two sources."""
    app = stage.app
    app.front(Place.MIXING)
    app.click("mix_add")
    app.click("mix_coarse")
    app.drag_slider("mix_amount", 0.95, 0.6)
    yield stage.shot("mixing", Place.MIXING, guide=True)
    app.click("mix_clear")


def points(stage: Stage) -> Iterator[Shot]:
    """Four saved points, the slider between two of them."""
    app = stage.app
    app.front(Place.POINTS)
    yield stage.shot("points-empty")
    for name, slider in (("plain", "w0"), ("bright", "w1"), ("round", "w2"), ("calm", "w3")):
        app.drag_slider(slider, 0.5, 0.62)
        app.type("point_name", name)
    app.drag_slider("path", 0.1, 0.45)
    yield stage.shot("points", Place.POINTS, guide=True)
    app.front(Place.LATENT)


def animation(stage: Stage) -> Iterator[Shot]:
    """How seeds and points are played."""
    stage.app.front(Place.ANIMATION)
    yield stage.shot("animation", Place.ANIMATION, guide=True)
    stage.app.front(Place.MIXING)


def layers(stage: Stage) -> Iterator[Shot]:
    """A layer's activations with their spectrum."""
    app = stage.app
    app.front(Place.LAYERS)
    app.click("layer_channels_3")
    app.scroll_to("spectrum", Place.LAYERS)
    app.click("spectrum")
    yield stage.shot("layers", Place.LAYERS, guide=True)
    app.click("spectrum")
    app.scroll_to("layer_back", Place.LAYERS)
    app.click("layer_back")
    app.front(Place.SLIDERS)


def performance(stage: Stage) -> Iterator[Shot]:
    """Where the time goes."""
    app = stage.app
    app.front(Place.PERFORMANCE)
    for end in (0.7, 0.4, 0.5):
        app.drag_slider("w4", 0.5, end)
    yield stage.shot("performance", Place.PERFORMANCE, guide=True)
