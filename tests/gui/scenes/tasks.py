"""What people do: edit, go back and compare, make a sheet, look for a photo, train."""

import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

from tests.gui.stage import SAMPLE, Shot, Stage
from widgets.history_rows import BUTTON_PX
from widgets.layout import Place

_PATIENCE = 60_000


def editing(stage: Stage) -> Iterator[Shot]:
    """The window after some work; what the README shows."""
    app = stage.app
    app.type("seed_jump", "137")
    app.drag_slider("w0", 0.5, 0.54)
    app.drag_slider("w2", 0.5, 0.46)
    app.front(Place.MIXING)
    app.click("mix_layer_7")
    app.click("mix_layer_8")
    yield stage.shot("window", guide=True)


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
    yield stage.shot("history", Place.HISTORY, guide=True)
    app.click("compare")
    yield stage.shot("comparison", Place.PICTURE, guide=True)
    app.keys("Escape")


def sheet(stage: Stage) -> Iterator[Shot]:
    """Rows of seeds with styles of columns of seeds."""
    app = stage.app
    app.front(Place.SHEET)
    yield stage.shot("sheet-empty")
    app.click("sheet_make")
    yield stage.shot("sheet", Place.SHEET, guide=True)
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
    yield stage.shot("projection-empty")
    app.drop(photo(stage))
    app.wait_for(lambda: app.value("photo_note").startswith("aunt-ada"))
    yield stage.shot("projection-photo")
    app.scroll_to("photo_time", Place.PROJECTION)
    app.type_number("photo_time", "12")
    app.scroll_to("photo_project", Place.PROJECTION)
    app.plays = True
    app.click("photo_project")
    stage.leave_alone_until(lambda: "left" in app.value("photo_status"))
    time.sleep(5)
    yield stage.shot("projection", Place.PROJECTION, guide=True)
    stage.leave_alone_until(lambda: "is found" in app.value("photo_status"))
    app.plays = False
    yield stage.shot("projection-found")
    app.scroll_to("photo_compare", Place.PROJECTION)
    app.click("photo_compare")
    yield stage.shot("projection-compared")
    app.keys("Escape")
    app.front(Place.SLIDERS)


def training(stage: Stage) -> Iterator[Shot]:
    """The form, its data set, and a run."""
    app = stage.app
    app.front(Place.TRAINING)
    yield stage.shot("training-empty")
    # Of a copy, so that no picture tells where the program lies.
    app.type("training_data", str(shutil.copy(SAMPLE, stage.folder)))
    app.wait_for(lambda: app.value("training_facts").startswith("200 pictures"), frames=_PATIENCE)
    app.type("training_folder", str(stage.folder / "runs" / "toons"))
    app.click("training_transfer")
    yield stage.shot("training-data", Place.TRAINING, guide=True, height_px=430)
    # The space keeps the typing tool from reading the words as its own options.
    app.type("training_options", " --batch 4 --log-kimg 0.004 --snapshot-kimg 0.02 --metric-pictures 8")
    app.plays = True
    app.click("training_start")
    stage.leave_alone_until(lambda: len(app.value("training_line_metric_0")[0]) > 2)
    yield stage.shot("training", Place.TRAINING, guide=True)
    app.click("training_stop")
    stage.leave_alone_until(lambda: app.value("training_status") == "Stopped")
    app.plays = False
    yield stage.shot("training-stopped")
    app.front(Place.PICTURE)
