"""What is trained on: a path, what is known of it, its first pictures, and a data set made of a folder."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from explorer.session.training import Asked, DatasetReport, Health, Making, free_zip
from widgets.atlas import Tile
from widgets.controls import Item, Kit, caption_row, set_enabled, show_value, tooltip
from widgets.files import FileDialogs
from widgets.places import asset
from widgets.settings import RECENT, SettingsStore
from widgets.training.words import classes_in_words, facts_of, health_in_words

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["DataChoice", "made_size"]

_TILES = 24
_TILE_PX = 44
_CAPTION_PX = 84
_HOW = {"Cut": "crop", "Stretch": "fit", "With bars": "pad"}
_EMPTY = (
    "Choose a zip of pictures or a folder of them, or drop one here. The sample is 200 cartoon faces, enough for a try."
)


def made_size(text: str, health: Health | None) -> str:
    """A size as the command line takes it: what was typed, or else what the pictures suggest."""
    typed = text.strip().lower().replace("×", "x").replace(" ", "")
    if typed or health is None:
        return typed
    width, height = health.suggested
    return str(width) if width == height else f"{width}x{height}"


class DataChoice:
    """The upper part of the form.

    Args:
        kit: Look and session.
        dialogs: To choose with.
        store: Remembers the last ones.
        changed: Told that another data set is looked at.
    """

    def __init__(self, kit: Kit, dialogs: FileDialogs, store: SettingsStore, changed: Callable[[], None]) -> None:
        self._kit = kit
        self._dialogs = dialogs
        self._store = store
        self._changed = changed
        self._looked: Asked[DatasetReport] | None = None
        self._health: Asked[Health] | None = None
        self._made: tuple[Making, Asked[Health]] | None = None
        self._tiles: list[Tile] = []
        self._complaint = ""
        self._drawn: tuple[object, ...] = ()

    @property
    def report(self) -> DatasetReport | None:
        """What is known of the chosen data set; ``None`` before it was looked at, or when it is none."""
        return None if self._looked is None else self._looked.answer

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        with caption_row(look, "Data set", "A zip of equally large pictures, or a folder.", width_px=_CAPTION_PX):
            dpg.add_input_text(
                tag="training_data",
                width=-look.px(264),
                hint="a zip or a folder of pictures",
                on_enter=True,
                callback=lambda _sender, text: self.choose(Path(text.strip().strip("\"'")).expanduser()),
            )
            dpg.add_combo(
                tag="training_recent", no_preview=True, callback=lambda _sender, path: self.choose(Path(path))
            )
            for name, label, width, act in (
                ("choose", "Zip…", 62, lambda: self._dialogs.choose_file("Open a data set", (".zip",), self.choose)),
                ("photos", "Folder…", 76, lambda: self._dialogs.choose_folder("A folder of pictures", self.choose)),
                ("sample", "Sample", 72, lambda: self.choose(asset("datasets", "toons-sample.zip"))),
            ):
                dpg.add_button(
                    tag=f"training_{name}",
                    label=label,
                    width=look.px(width),
                    user_data=act,
                    callback=lambda _sender, _value, act: act(),
                )
        tooltip(look, "training_recent", "Data sets of late")
        tooltip(look, "training_sample", "200 cartoon faces of 64 × 64 that come with the program.")
        with dpg.group(indent=look.px(_CAPTION_PX)):
            dpg.add_text(_EMPTY, tag="training_facts", wrap=0, color=(*look.palette.quiet, 255))
            dpg.add_text("", tag="training_classes", wrap=0, show=False)
            with dpg.group(tag="training_tiles", show=False):
                for start in (0, _TILES // 2):
                    with dpg.group(horizontal=True, horizontal_spacing=look.px(2)):
                        self._tiles += [self._tile(place) for place in range(start, start + _TILES // 2)]
            dpg.add_text("", tag="training_problems", wrap=0, color=(*look.palette.error, 255), show=False)
            dpg.add_text("", tag="training_notes", wrap=0, color=(*look.palette.quiet, 255), show=False)
            self._build_making()

    def _tile(self, place: int) -> Tile:
        kit = self._kit
        return Tile(kit.look, kit.atlas, size_px=(_TILE_PX, _TILE_PX), tag=f"training_tile_{place}")

    def _build_making(self) -> None:
        look = self._kit.look
        with dpg.group(tag="training_making", horizontal=True, show=False):
            dpg.add_text("Size", color=(*look.palette.quiet, 255))
            dpg.add_input_text(tag="training_size", width=look.px(84), hint="as 64")
            dpg.add_combo(list(_HOW), tag="training_how", width=look.px(104), default_value="Cut")
            dpg.add_checkbox(tag="training_folders", label="Folders are classes")
            dpg.add_button(tag="training_make", label="Make a data set", width=look.px(150), callback=self._make)
        dpg.bind_item_theme("training_make", look.primary)
        tooltip(look, "training_size", "Side of a square, or width x height as 192x256. Empty: as suggested.")
        tooltip(look, "training_how", "What becomes of pictures of another shape: cut off, stretched, or given bars.")

    def choose(self, path: Path) -> None:
        """Look at a data set."""
        path = path.absolute()
        for asked in (self._looked, self._health):
            if asked is not None:
                asked.job.cancel()
        show_value("training_data", str(path))
        self._looked, self._health, self._complaint = self._kit.session.training.report(path), None, ""
        self._changed()

    def poll(self) -> bool:
        """Show what is known by now; true when that changed."""
        looked, training = self._looked, self._kit.session.training
        if looked is not None and looked.answer is not None and looked.job.done and self._health is None:
            self._remember(looked.answer.path)
            self._health = training.health(looked.answer.path)
            for place, tile in enumerate(self._tiles):
                tile.show((looked.answer.path, place) if place < len(looked.answer.thumbnails) else None)
            self._changed()
        self._take_made()
        making = self._made[1].job if self._made is not None else None
        drawn = (
            looked,
            looked is not None and looked.job.done,
            self._health is not None and self._health.job.done,
            making is not None and (making.progress, making.done),
        )
        if drawn != self._drawn:
            self._drawn = drawn
            self._show()
        return self._draw_tiles() or drawn is self._drawn

    def _draw_tiles(self) -> bool:
        report, atlas = self.report, self._kit.atlas
        if report is None or not atlas.is_ready or not dpg.is_item_visible("training_tiles"):
            return False
        for place, picture in enumerate(report.thumbnails):
            # Other panels may have needed the room.
            if atlas.find((report.path, place)) is None:
                atlas.put((report.path, place), picture)
        redrawn = [tile.poll() for tile in self._tiles]
        return any(redrawn)

    def _remember(self, path: Path) -> None:
        known = self._store.settings.datasets
        self._store.change(datasets=tuple(dict.fromkeys((str(path), *known)))[:RECENT])

    def _show(self) -> None:
        palette = self._kit.look.palette
        report, looked = self.report, self._looked
        facts = _EMPTY if looked is None else facts_of(report) if report is not None else str(looked.job.error or "…")
        failed = looked is not None and looked.job.error is not None
        colour = palette.error if failed else palette.quiet if report is None else palette.text
        dpg.configure_item("training_facts", color=(*colour, 255))
        show_value("training_facts", facts)
        health = self._health.answer if self._health is not None else None
        problems = report.problems if report is not None else ()
        notes = [*(report.notes if report is not None else ()), *health_in_words(health)]
        if self._health is not None and not self._health.job.done:
            notes.append("Looking closely at every picture…")
        if self._health is not None and self._health.job.error and not problems:
            problems = (self._health.job.error,)
        problems = (*problems, self._complaint)
        _show_lines("training_classes", [classes_in_words(report)] if report is not None else [])
        _show_lines("training_problems", problems)
        _show_lines("training_notes", [*self._making_words(), *notes])
        count = len(report.thumbnails) if report is not None else 0
        dpg.configure_item("training_tiles", show=count > 0)
        for place, tile in enumerate(self._tiles):
            dpg.configure_item(tile.frame, show=place < count)
        can_be_made = report is not None and (report.is_folder or bool(report.problems)) and report.pictures > 1
        dpg.configure_item("training_making", show=can_be_made)
        dpg.configure_item("training_recent", items=list(self._store.settings.datasets))
        busy = self._made is not None
        set_enabled(("training_size", "training_how", "training_folders"), not busy)
        dpg.set_item_label("training_make", "Stop" if busy else "Make a data set")

    def _making_words(self) -> list[str]:
        if self._made is not None:
            making, asked = self._made
            return [f"Making {making.target.name}… {asked.job.progress or 0:.0%}"]
        report = self.report
        if report is None or report.can_be_trained_on or report.pictures < 2:
            return []
        size = made_size(str(dpg.get_value("training_size")), self._health.answer if self._health else None)
        wanted = f" of {size.replace('x', ' × ')} pixels" if size else ""
        return [f"Make a data set{wanted} of it: {free_zip(report.path).name} will lie beside it."]

    def _make(self) -> None:
        if self._made is not None:
            self._made[1].job.cancel()
            return
        report = self.report
        if report is None:
            return
        health = self._health.answer if self._health is not None else None
        making = Making(
            source=report.path,
            target=free_zip(report.path),
            size=made_size(str(dpg.get_value("training_size")), health),
            how=_HOW[str(dpg.get_value("training_how"))],
            folders_are_classes=bool(dpg.get_value("training_folders")),
        )
        self._made = making, self._kit.session.training.make(making)

    def _take_made(self) -> None:
        if self._made is None or not self._made[1].job.done:
            return
        (making, asked), self._made = self._made, None
        if asked.answer is not None:
            self.choose(making.target)
        self._complaint = asked.job.error or ""
        self._drawn = ()


def _show_lines(item: Item, lines: "Sequence[str]") -> None:
    text = "\n".join(line for line in lines if line)
    show_value(item, text)
    if dpg.is_item_shown(item) != bool(text):
        dpg.configure_item(item, show=bool(text))
