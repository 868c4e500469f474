"""Sheet: rows of seeds that take on the styles of columns of seeds, all at a glance."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from explorer.commands.numbers import read_ranges
from explorer.state import EditState, GeneratorSpec, SheetPlan
from widgets.controls import Item, Kit, on_release, set_enabled, show_value, tooltip
from widgets.files import FileDialogs
from widgets.layout import Place
from widgets.mixes import BANDS, bands, latent_words, rows_in_words
from widgets.sheet_view import SheetView
from widgets.texture import PictureTexture

if TYPE_CHECKING:
    from explorer.session import Sheet

__all__ = ["SheetPanel", "planned"]

_ABOUT = (
    "Each row's seed with each column's styles in some layers; the pure seeds stand on the edges. "
    "(Karras et al. 2019, figure 3)"
)
_ROWS, _COLS = "1-5", "6-10"
_LARGEST_BYTES = 600_000_000
_EMPTY = "Choose seeds and layers, then press Make. A click on a cell makes it the picture."
_PADDING_PX = 12
_PSI_PX = 200
_FIELDS = ("sheet_rows", "sheet_cols", "sheet_layers", "sheet_psi")


def planned(rows: str, cols: str, layers: str, spec: GeneratorSpec) -> SheetPlan:
    """A sheet as it was typed.

    Raises:
        ValueError: Something is no list of numbers, no layer of the model, or too much at once.
    """
    plan = SheetPlan(read_ranges(rows), read_ranges(cols), read_ranges(layers))
    if max(plan.layers) >= spec.num_ws:
        raise ValueError(f"there is no layer {max(plan.layers)}: the model has layers 0 to {spec.num_ws - 1}")
    lines, columns = plan.shape
    if lines * columns * spec.resolution[0] * spec.resolution[1] * spec.img_channels > _LARGEST_BYTES:
        raise ValueError(f"{lines} × {columns} pictures are too much at once: choose fewer seeds")
    return plan


class SheetPanel:
    """What the sheet is of, the sheet, and what a click on it does."""

    title = "Sheet"

    def __init__(self, kit: Kit, dialogs: FileDialogs) -> None:
        self._kit = kit
        self._dialogs = dialogs
        self._view = SheetView(kit.look)
        self._sheet: Sheet | None = None
        self._spec: GeneratorSpec | None = None
        self._psi: float | None = None
        self._words = ""

    def attach(self, texture: PictureTexture) -> None:
        """Draw with this texture from now on."""
        self._view.attach(texture)

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        with dpg.group(horizontal=True):
            for name, caption, value in (("rows", "Rows", _ROWS), ("cols", "Columns", _COLS)):
                self._field(name, caption, value)
            dpg.add_text("Psi", color=(*look.palette.quiet, 255))
            dpg.add_slider_float(
                tag="sheet_psi",
                width=look.px(_PSI_PX),
                min_value=-1,
                max_value=2,
                clamped=True,
                format="%.2f",
                callback=self._pull,
            )
        tooltip(look, "sheet_psi", "Truncation of every cell. The picture's own until you move it; right-click for it.")
        on_release("sheet_psi", lambda: None, reset=self._follow_psi)
        with dpg.group(horizontal=True):
            self._field("layers", "Layers", "0")
            for name in BANDS:
                tag = f"sheet_{name.lower()}"
                dpg.add_button(tag=tag, label=name, width=look.px(62), user_data=name, callback=self._preset)
            dpg.add_button(tag="sheet_make", label="Make", width=look.px(86), callback=self._make)
            dpg.add_button(tag="sheet_save", label="Save…", width=look.px(86), callback=self._save)
        dpg.bind_item_theme("sheet_make", look.primary)
        tooltip(look, "sheet_rows", "Seeds down the side: what is changed. " + _ABOUT)
        tooltip(look, "sheet_cols", "Seeds along the top: whose styles are taken. " + _ABOUT)
        tooltip(look, "sheet_layers", "Layers whose styles are taken, as in the Style mixing panel.")
        dpg.add_text(_EMPTY, tag="sheet_note", color=(*look.palette.quiet, 255), wrap=0)
        self._view.build()

    def _field(self, name: str, caption: str, value: str) -> None:
        look = self._kit.look
        dpg.add_text(caption, color=(*look.palette.quiet, 255))
        dpg.add_input_text(tag=f"sheet_{name}", width=look.px(104), default_value=value)

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Forget a sheet of another model, and say why there can be none."""
        if spec is not self._spec:
            self._spec = spec
            self._drop()
            if spec is not None:
                show_value("sheet_layers", _typed(bands(spec)[0] or tuple(range(spec.num_ws))))
        usable = spec is not None and spec.num_ws > 1
        set_enabled((*_FIELDS, "sheet_make", *(f"sheet_{name.lower()}" for name in BANDS)), usable)
        if spec is not None and not usable:
            self._words = "This model has one row of styles: nothing can be mixed."
        show_value("sheet_psi", state.truncation.psi if self._psi is None else self._psi)
        set_enabled(("sheet_psi",), usable and spec is not None and spec.has_truncation)

    def poll(self, now_s: float) -> bool:
        """Show cells as they come, and take the one that is clicked."""
        sheet = self._sheet
        running = sheet is not None and not sheet.job.done
        dpg.set_item_label("sheet_make", "Stop" if running else "Make")
        show_value("sheet_note", self._words or _progress(sheet))
        set_enabled(("sheet_save",), sheet is not None and not running and any(c is not None for c in sheet.pictures))
        if not dpg.is_item_visible(self._view.item):
            return False
        self._view.fit(int(Place.SHEET), self._kit.look.px(_PADDING_PX))
        clicked = self._view.clicked()
        if clicked is not None and sheet is not None and sheet.pictures[clicked] is not None:
            self._take(sheet, clicked)
        return self._view.draw(self._chosen())

    def _chosen(self) -> int | None:
        state = self._kit.session.state
        states = self._sheet.states if self._sheet else ()
        return next((i for i, cell in enumerate(states) if cell is not None and cell == state), None)

    def _take(self, sheet: "Sheet", cell: int) -> None:
        state = sheet.states[cell]
        assert state is not None
        words = latent_words(state.latent)
        if state.mixing:
            other = latent_words(state.mixing[0].latent)
            words += f" with styles of {other[0].lower()}{other[1:]}"
        self._kit.session.edit(state, words)

    def _make(self) -> None:
        if self._sheet is not None and not self._sheet.job.done:
            self._sheet.job.cancel()
            return
        session = self._kit.session
        if session.spec is None:
            return
        try:
            rows, cols, layers = (str(dpg.get_value(f"sheet_{name}")) for name in ("rows", "cols", "layers"))
            plan = planned(rows, cols, layers, session.spec)
        except ValueError as error:
            self._words = str(error)[0].upper() + str(error)[1:]
            return
        self._words = ""
        psi = session.state.truncation.psi if self._psi is None else self._psi
        base = replace(session.state, truncation=replace(session.state.truncation, psi=psi))
        self._sheet = session.mixing_sheet(plan, base)
        self._view.show(self._sheet)

    def _drop(self) -> None:
        if self._sheet is not None:
            self._sheet.job.cancel()
        self._sheet = None
        self._psi = None
        self._words = ""
        self._view.show(None)

    def _pull(self, _sender: Item, psi: float) -> None:
        self._psi = round(float(psi), 2)

    def _follow_psi(self) -> None:
        self._psi = None
        show_value("sheet_psi", self._kit.session.state.truncation.psi)

    def _preset(self, _sender: Item, _value: object, name: str) -> None:
        if self._spec is not None:
            show_value("sheet_layers", _typed(bands(self._spec)[BANDS.index(name)]))

    def _save(self) -> None:
        sheet = self._sheet

        def write(path: Path) -> None:
            if sheet is not None:
                sheet.save(path)

        self._dialogs.save_other("Save the sheet", "sheet.png", write)


def _typed(rows: tuple[int, ...]) -> str:
    return rows_in_words(rows).replace("–", "-").replace(" ", "")


def _progress(sheet: "Sheet | None") -> str:
    if sheet is None:
        return _EMPTY
    count, there = len(sheet.states) - 1, sum(cell is not None for cell in sheet.pictures)
    if sheet.job.done:
        return _EMPTY if there == count else f"Stopped after {there} of {count} cells."
    return f"{there} of {count} cells…"
