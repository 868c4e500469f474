"""The window to browse models: those that come with the app, public ones, and training runs in a folder."""

from pathlib import Path
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from explorer.errors import CheckpointError
from explorer.project import known_models
from explorer.remote import installed_folder, kept_models
from widgets.controls import Kit, show_value, tooltip
from widgets.files import FileDialogs
from widgets.layout import Place
from widgets.popup import Popup
from widgets.settings import SettingsStore
from widgets.shelves import Shelf, public_shelves, shelves
from widgets.status_jobs import describe_job

if TYPE_CHECKING:
    from explorer.project.runs import Run
    from explorer.session import Job, Scan

__all__ = ["Library", "public_now"]

_WIDTH_PX = 840
_LIST_PX = 240
_HEIGHT_PX = 360
_MOST_ROWS = 300
_ROW_PX = 23
# Which field of a row, and its heading; those that no row has are left out.
_COLUMNS = (
    ("kimg", "kimg"),
    ("metric", "Measured"),
    ("licence", "Licence"),
    ("size", "Size"),
    ("kept", "Here"),
    ("written", "Written"),
)
_EMPTY = (
    "Choose a folder that training runs or models lie in. Snapshots of this app (snapshot-*.safetensors) and of the "
    "published trainers (network-snapshot-*.pkl) are listed run by run, the newest first."
)


class Library:
    """Shelves on the left, the models of one on the right; a click opens a model."""

    def __init__(self, kit: Kit, dialogs: FileDialogs, store: SettingsStore) -> None:
        self._kit = kit
        self._dialogs = dialogs
        self._store = store
        self._scan: Scan | None = None
        self._runs: tuple[Run, ...] = ()
        self._shelves: tuple[Shelf, ...] = ()
        self._chosen = 0
        self._was_looking = False
        self._public: tuple[Shelf, ...] = ()
        self._opening: Job | None = None
        self._opening_words = ""
        size = (_WIDTH_PX, _HEIGHT_PX + 60)
        self._popup = Popup(kit.look, "library", "Models", beside=Place.MODEL, size_px=size, fill=self._fill)

    def toggle(self) -> None:
        """Open or close it; opening looks into the folder again."""
        if self._popup.toggle():
            self._public = public_now()
            self._look()

    def poll(self) -> bool:
        """Take in what was found, and how far an opening is; whether something changed."""
        told = self._tell_opening()
        scan = self._scan
        if scan is None or not self._popup.is_built:
            return told
        looking, runs = not scan.job.done, scan.runs
        if looking == self._was_looking and runs is self._runs:
            return told
        self._was_looking, self._runs = looking, runs
        self._show(scan, looking=looking)
        return True

    def _fill(self) -> None:
        look = self._kit.look
        with dpg.group(horizontal=True):
            dpg.add_button(
                tag="library_folder", label="Folder…", width=look.px(90), callback=lambda: self._choose_folder()
            )
            dpg.add_button(
                tag="library_again", label="Look again", width=look.px(100), callback=lambda: self._look_or_stop()
            )
            dpg.add_text("", tag="library_where", color=(*look.palette.quiet, 255))
        tooltip(look, "library_folder", "Where to look for training runs and models; it is remembered.")
        with dpg.group(horizontal=True):
            dpg.add_child_window(tag="library_shelves", width=look.px(_LIST_PX), height=look.px(_HEIGHT_PX))
            dpg.add_child_window(
                tag="library_rows", width=look.px(_WIDTH_PX - _LIST_PX - 8), height=look.px(_HEIGHT_PX)
            )
        with dpg.theme() as middle, dpg.theme_component(dpg.mvSelectable):
            # As high on its line as the texts beside it.
            dpg.add_theme_style(dpg.mvStyleVar_SelectableTextAlign, 0, 0.5, category=dpg.mvThemeCat_Core)
        dpg.bind_item_theme("library_rows", middle)
        dpg.add_text("", tag="library_note", wrap=look.px(_WIDTH_PX), color=(*look.palette.quiet, 255))

    def _look(self) -> None:
        folder = self._store.settings.runs_folder
        self._scan = self._kit.session.scan(folder) if folder else None
        self._runs, self._was_looking = (), True
        self._show(self._scan, looking=self._scan is not None)

    def _look_or_stop(self) -> None:
        if self._scan is not None and not self._scan.job.done:
            self._scan.job.cancel()
        else:
            self._look()

    def _choose_folder(self) -> None:
        def chosen(folder: Path) -> None:
            self._store.change(runs_folder=str(folder))
            self._chosen = 0
            self._look()

        self._dialogs.choose_folder("Choose a folder of training runs", chosen)

    def _show(self, scan: "Scan | None", *, looking: bool) -> None:
        chosen = self._shelves[self._chosen].tip if self._chosen < len(self._shelves) else ""
        bundled, *found = shelves(self._kit.session.bundled, self._runs, scan.folder if scan else None)
        self._shelves = (bundled, *found, *self._public)
        # The one that was looked at stays so, wherever it stands now.
        places = [place for place, shelf in enumerate(self._shelves) if shelf.tip == chosen]
        self._chosen = places[0] if places else 0
        show_value("library_where", str(scan.folder) if scan else "")
        dpg.configure_item("library_again", label="Stop" if looking else "Look again", enabled=scan is not None)
        dpg.delete_item("library_shelves", children_only=True)
        for place, shelf in enumerate(self._shelves):
            item = dpg.add_selectable(
                tag=f"library_shelf_{place}",
                label=f"{shelf.title}  ({len(shelf.rows)})",
                parent="library_shelves",
                user_data=place,
                callback=lambda _sender, _value, at: self._choose(at),
            )
            if shelf.tip:
                tooltip(self._kit.look, item, shelf.tip)
        self._choose(self._chosen)

    def _choose(self, place: int) -> None:
        self._chosen = place
        for at in range(len(self._shelves)):
            show_value(f"library_shelf_{at}", at == place)
        found = sum(not shelf.note for shelf in self._shelves) - 1
        note = self._shelves[place].note or _note(self._scan, found, looking=self._was_looking)
        show_value("library_note", note)
        dpg.delete_item("library_rows", children_only=True)
        with dpg.table(parent="library_rows", borders_innerH=True, policy=dpg.mvTable_SizingFixedFit):
            rows = self._shelves[place].rows[:_MOST_ROWS]
            dpg.add_table_column(label="Model", width_stretch=True)
            columns = [column for column in _COLUMNS if any(getattr(row, column[0]) for row in rows)]
            for _, label in columns:
                dpg.add_table_column(label=label, width_fixed=True)
            for at, row in enumerate(rows):
                with dpg.table_row():
                    item = dpg.add_selectable(
                        tag=f"library_row_{at}",
                        label=row.name,
                        span_columns=True,
                        height=self._kit.look.px(_ROW_PX),
                        user_data=row.source,
                        callback=self._open,
                    )
                    tooltip(self._kit.look, item, row.tip)
                    for field, _ in columns:
                        dpg.add_text(getattr(row, field), color=(*self._kit.look.palette.quiet, 255))

    def _open(self, sender: int | str, _value: object, source: str) -> None:
        dpg.set_value(sender, False)
        if not source:
            row = int(str(dpg.get_item_alias(sender)).rpartition("_")[2])
            show_value("library_note", self._shelves[self._chosen].rows[row].tip)
            return
        self._opening = self._kit.session.open(source)

    def _tell_opening(self) -> bool:
        """Say below the list how far the model is that was clicked on; whether that changed."""
        job = self._opening
        if job is None or not self._popup.is_open:
            return False
        if not job.done:
            words = (
                "Stopping…" if job.cancelled else f"{describe_job(job.name, job.progress)} Cancel: below, on the right."
            )
        else:
            self._opening = None
            self._public = public_now()
            self._show(self._scan, looking=self._was_looking)
            words = _came_to(job)
        if words == self._opening_words:
            return False
        self._opening_words = words
        show_value("library_note", words)
        return True


def public_now() -> tuple[Shelf, ...]:
    """Public models as they are on this machine now; a shelf that says what is wrong with their list."""
    try:
        models = known_models()
    except CheckpointError as error:
        return (Shelf("Public models", str(error), (), note=str(error)),)
    installed = {model.address: folder for model in models if (folder := installed_folder(model)) is not None}
    return public_shelves(models, kept_models(models), installed)


def _came_to(job: "Job") -> str:
    if job.cancelled:
        return "Stopped. What came so far is kept: a click goes on from there."
    return job.error if job.error is not None else "A click opens a model."


def _note(scan: "Scan | None", found: int, *, looking: bool) -> str:
    if scan is None:
        return _EMPTY
    if looking:
        return f"Looking… {found} so far."
    if scan.job.error is not None:
        return scan.job.error
    if not found:
        return f"No models in {scan.folder} or below it. {_EMPTY}"
    stopped = " The search was stopped before its end." if scan.job.cancelled else ""
    return f"A click opens a model.{stopped}"
