"""Every panel and dialog in a state worth looking at, brought there by hand; `screenshot` takes their pictures.

A scene is a generator: it brings the app somewhere, yields what there is to see, and leaves the app as it found it
wherever another scene would mind.
"""

import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.gui.driver import REPOSITORY, App
from widgets.history_rows import BUTTON_PX, ROW_PX
from widgets.layout import Place

__all__ = ["SCENES", "Scene", "Shot", "Stage"]

NETS = REPOSITORY / "tests" / "golden" / "nets"
SAMPLE = REPOSITORY / "assets" / "datasets" / "toons-sample.zip"
_PATIENCE = 60_000
_THUMBNAILS = 20


@dataclass(frozen=True)
class Shot:
    """One picture."""

    name: str
    """Of its file."""
    area: int | str | None = None
    """The item that the guide shows; the whole window when ``None``."""
    guide: bool = False
    """Whether it is one of the guide's."""
    height_px: int | None = None
    """How much of the area, in pixels of the design; all of it when ``None``."""


@dataclass(frozen=True)
class Stage:
    """What a scene plays on."""

    app: App
    """The window."""
    folder: Path
    """For files of its own."""
    scale: float
    """Pixels on screen for one of the design."""

    def px(self, design_px: float) -> int:
        """Pixels on screen."""
        return round(design_px * self.scale)

    def away(self) -> None:
        """Take the mouse where it explains nothing, and wait for small pictures."""
        left, top, width, height = self.app.rect("status_fps")
        self.app.xdotool("mousemove", round(left + width + self.px(300)), round(top + height / 2))
        self.app.settle(_THUMBNAILS)

    def leave_alone_until(self, holds: Callable[[], bool]) -> None:
        """Wait for what takes minutes: asking all the time would take the processor from it."""
        while not holds():
            time.sleep(0.5)
            self.app.settle(2)

    def click_row(self, row: int, from_right: float = 0.0) -> None:
        """Click a step of the history, from the top, in its middle or at a button at its end."""
        left, top, width, _ = self.app.rect("history_rows")
        x = left + (width - self.px(from_right) if from_right else width / 2)
        self.app.click_at((round(x), round(top + self.px((row + 0.5) * ROW_PX))))


Play = Callable[[Stage], Iterator[Shot]]


@dataclass(frozen=True)
class Scene:
    """A play, and what it needs."""

    play: Play
    """Yields shots."""
    model: str = ""
    """Of the golden nets; the bundled model when empty."""
    first_start: bool = False
    """Whether the tour is to be shown."""

    @property
    def name(self) -> str:
        """That of its play."""
        return self.play.__name__


def start(stage: Stage) -> Iterator[Shot]:
    """What a person sees first."""
    stage.away()
    yield Shot("start")


def tour(stage: Stage) -> Iterator[Shot]:
    """The hints of the first start."""
    for hint in range(1, 6):
        stage.away()
        yield Shot(f"tour-{hint}")
        stage.app.click("tour_next")


def model(stage: Stage) -> Iterator[Shot]:
    """The open model, everything about it, and the models that there are."""
    app = stage.app
    app.front(Place.MODEL)
    stage.away()
    yield Shot("model", Place.MODEL, guide=True)
    app.click("model_details")
    stage.away()
    yield Shot("model-details")
    app.click("model_details")
    app.click("model_browse")
    stage.away()
    yield Shot("model-browse", "library", guide=True)
    app.click("model_browse")


def latent(stage: Stage) -> Iterator[Shot]:
    """A place between seeds, and sixteen seeds to pick from."""
    app = stage.app
    app.front(Place.LATENT)
    left, top, width, height = app.rect("seed_pad")
    app.drag(
        (round(left + width * 0.3), round(top + height * 0.5)), (round(left + width * 0.62), round(top + height * 0.3))
    )
    stage.away()
    yield Shot("latent", Place.LATENT, guide=True)
    app.click("seed_grid_open")
    stage.away()
    yield Shot("latent-sixteen", "seed_grid", guide=True)
    app.click("seed_grid_open")


def editing(stage: Stage) -> Iterator[Shot]:
    """The window after some work; what the README shows."""
    app = stage.app
    app.type("seed_jump", "137")
    app.drag_slider("w0", 0.5, 0.54)
    app.drag_slider("w2", 0.5, 0.46)
    app.front(Place.MIXING)
    app.click("mix_layer_7")
    app.click("mix_layer_8")
    stage.away()
    yield Shot("window", guide=True)


def points(stage: Stage) -> Iterator[Shot]:
    """Four saved points, the slider between two of them."""
    app = stage.app
    app.front(Place.POINTS)
    stage.away()
    yield Shot("points-empty")
    for name, slider in (("plain", "w0"), ("bright", "w1"), ("round", "w2"), ("calm", "w3")):
        app.drag_slider(slider, 0.5, 0.62)
        app.type("point_name", name)
    app.drag_slider("path", 0.1, 0.45)
    stage.away()
    yield Shot("points", Place.POINTS, guide=True)
    app.front(Place.LATENT)


def truncation(stage: Stage) -> Iterator[Shot]:
    """Psi, and the centres to choose from."""
    app = stage.app
    app.front(Place.TRUNCATION)
    app.drag_slider("psi", 0.57, 0.72)
    stage.away()
    yield Shot("truncation", Place.TRUNCATION, guide=True)
    app.click("centre")
    stage.away()
    yield Shot("truncation-centres", "centres", guide=True)
    app.click("centre")
    app.click("truncation_reset")


def noise(stage: Stage) -> Iterator[Shot]:
    """Noise, layer by layer, and what it adds."""
    app = stage.app
    app.front(Place.NOISE)
    stage.away()
    yield Shot("noise", Place.NOISE, guide=True)
    app.scroll_to("noise_fold", Place.NOISE)
    app.click("noise_fold")
    stage.away()
    yield Shot("noise-layers")
    app.click("noise_fold")
    app.scroll_to("noise_only", Place.NOISE)
    app.click("noise_only")
    stage.away()
    yield Shot("noise-only")
    app.click("noise_only")
    app.front(Place.LATENT)


def sliders(stage: Stage) -> Iterator[Shot]:
    """Directions in W, and the window of one."""
    app = stage.app
    app.front(Place.SLIDERS)
    stage.away()
    yield Shot("sliders", Place.SLIDERS, guide=True)
    app.click("w0_number")
    app.click("slider_coarse")
    stage.away()
    yield Shot("sliders-direction", "slider_details", guide=True)
    app.click("slider_all")
    app.click("w0_number")


def mixing(stage: Stage) -> Iterator[Shot]:
    """Two sources."""
    app = stage.app
    app.front(Place.MIXING)
    app.click("mix_add")
    app.click("mix_coarse")
    app.drag_slider("mix_amount", 0.95, 0.6)
    stage.away()
    yield Shot("mixing", Place.MIXING, guide=True)
    app.click("mix_clear")


def animation(stage: Stage) -> Iterator[Shot]:
    """How seeds and points are played."""
    stage.app.front(Place.ANIMATION)
    stage.away()
    yield Shot("animation", Place.ANIMATION, guide=True)
    stage.app.front(Place.MIXING)


def layers(stage: Stage) -> Iterator[Shot]:
    """A layer's activations with their spectrum."""
    app = stage.app
    app.front(Place.LAYERS)
    app.click("layer_channels_3")
    app.scroll_to("spectrum", Place.LAYERS)
    app.click("spectrum")
    stage.away()
    yield Shot("layers", Place.LAYERS, guide=True)
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
    stage.away()
    yield Shot("performance", Place.PERFORMANCE, guide=True)


def history(stage: Stage) -> Iterator[Shot]:
    """Branches, a pinned step, and a comparison with it."""
    app = stage.app
    app.front(Place.HISTORY)
    app.drag_slider("w1", 0.5, 0.75)
    app.keys("ctrl+z")
    app.keys("ctrl+z")
    app.drag_slider("w3", 0.5, 0.3)
    app.type("seed_jump", "9")
    stage.click_row(2, BUTTON_PX / 2)
    stage.away()
    yield Shot("history", Place.HISTORY, guide=True)
    app.click("compare")
    stage.away()
    yield Shot("comparison", Place.PICTURE, guide=True)
    app.keys("Escape")


def sheet(stage: Stage) -> Iterator[Shot]:
    """Rows of seeds with styles of columns of seeds."""
    app = stage.app
    app.front(Place.SHEET)
    stage.away()
    yield Shot("sheet-empty")
    app.click("sheet_make")
    stage.away()
    yield Shot("sheet", Place.SHEET, guide=True)
    app.front(Place.PICTURE)


def photo(stage: Stage) -> Path:
    """A picture of the sample, as a photo of somebody's."""
    path = stage.folder / "aunt-ada.png"
    with zipfile.ZipFile(SAMPLE) as pictures:
        names = sorted(name for name in pictures.namelist() if name.endswith((".png", ".jpg", ".webp")))
        path.write_bytes(pictures.read(names[5]))
    return path


def projection(stage: Stage) -> Iterator[Shot]:
    """A photo that is looked for, and one that was found."""
    app = stage.app
    app.front(Place.PROJECTION)
    stage.away()
    yield Shot("projection-empty")
    app.drop(photo(stage))
    app.wait_for(lambda: app.value("photo_note").startswith("aunt-ada"))
    stage.away()
    yield Shot("projection-photo")
    app.scroll_to("photo_time", Place.PROJECTION)
    app.type_number("photo_time", "12")
    app.scroll_to("photo_project", Place.PROJECTION)
    app.plays = True
    app.click("photo_project")
    stage.leave_alone_until(lambda: "left" in app.value("photo_status"))
    time.sleep(5)
    stage.away()
    yield Shot("projection", Place.PROJECTION, guide=True)
    stage.leave_alone_until(lambda: "is found" in app.value("photo_status"))
    app.plays = False
    stage.away()
    yield Shot("projection-found")
    app.scroll_to("photo_compare", Place.PROJECTION)
    app.click("photo_compare")
    stage.away()
    yield Shot("projection-compared")
    app.keys("Escape")
    app.front(Place.SLIDERS)


def training(stage: Stage) -> Iterator[Shot]:
    """The form, its data set, and a run."""
    app = stage.app
    app.front(Place.TRAINING)
    stage.away()
    yield Shot("training-empty")
    # Of a copy, so that no picture tells where the program lies.
    app.type("training_data", str(shutil.copy(SAMPLE, stage.folder)))
    app.wait_for(lambda: app.value("training_facts").startswith("200 pictures"), frames=_PATIENCE)
    app.type("training_folder", str(stage.folder / "runs" / "toons"))
    app.click("training_transfer")
    stage.away()
    yield Shot("training-data", Place.TRAINING, guide=True, height_px=430)
    # The space keeps the typing tool from reading the words as its own options.
    app.type("training_options", " --batch 4 --log-kimg 0.004 --snapshot-kimg 0.02 --metric-pictures 8")
    app.plays = True
    app.click("training_start")
    stage.leave_alone_until(lambda: len(app.value("training_line_metric_0")[0]) > 2)
    stage.away()
    yield Shot("training", Place.TRAINING, guide=True)
    app.click("training_stop")
    stage.leave_alone_until(lambda: app.value("training_status") == "Stopped")
    app.plays = False
    stage.away()
    yield Shot("training-stopped")
    app.front(Place.PICTURE)


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
    stage.away()
    yield Shot("wrong-file")
    app.click("model_unload")
    stage.away()
    yield Shot("no-model")


def presentation(stage: Stage) -> Iterator[Shot]:
    """The second window before the first."""
    app = stage.app
    app.keys("F12")
    app.settle(200)
    yield Shot("presentation")
    app.close_second_window()


def classes(stage: Stage) -> Iterator[Shot]:
    """A model of classes."""
    app = stage.app
    app.front(Place.LATENT)
    app.click("class_more")
    stage.away()
    yield Shot("classes")
    app.click("class_more")
    app.front(Place.TRUNCATION)


def prompt(stage: Stage) -> Iterator[Shot]:
    """A model that draws texts, and its encoder's absence."""
    app = stage.app
    app.front(Place.PROMPT)
    app.type("prompt_new", "a red cat")
    stage.away()
    yield Shot("prompt", Place.PROMPT, guide=True)


def equivariance(stage: Stage) -> Iterator[Shot]:
    """A picture that is moved and turned, and the reading."""
    app = stage.app
    app.front(Place.EQUIVARIANCE)
    app.drag_slider("translate_x", 0.5, 0.6)
    app.drag_slider("rotate_deg", 0.5, 0.56)
    app.scroll_to("eq_measure", Place.EQUIVARIANCE)
    app.click("eq_measure")
    stage.away()
    yield Shot("equivariance", Place.EQUIVARIANCE, guide=True)


def greyed(stage: Stage) -> Iterator[Shot]:
    """Panels that a model has no use for."""
    app = stage.app
    app.front(Place.EQUIVARIANCE)
    app.front(Place.PROMPT)
    stage.away()
    yield Shot("greyed")
    app.front(Place.LATENT)
    app.front(Place.MIXING)


SCENES: tuple[Scene, ...] = (
    Scene(tour, first_start=True),
    Scene(start),
    Scene(model),
    Scene(latent),
    Scene(editing),
    Scene(truncation),
    Scene(noise),
    Scene(sliders),
    Scene(mixing),
    Scene(points),
    Scene(animation),
    Scene(layers),
    Scene(performance),
    Scene(history),
    Scene(sheet),
    Scene(greyed),
    Scene(projection),
    Scene(training),
    Scene(menus),
    Scene(presentation),
    Scene(mistakes),
    Scene(equivariance, "sg3r_64"),
    Scene(classes, "sg3t_32_cond4"),
    Scene(prompt, "sgt_32"),
)
