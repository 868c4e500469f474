"""W sliders: offsets along the directions in which styles vary most, or along the axes of W.

Names and layers of a direction are kept with the settings, by model: see direction_book.py for why.
"""

from collections.abc import Callable
from typing import get_args

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec
from widgets.controls import Kit, set_enabled, show_value, tooltip
from widgets.direction_book import DirectionBook
from widgets.panels.slider_details import SliderDetails
from widgets.panels.slider_rows import Known, SliderRows
from widgets.settings import SettingsStore, SliderCount
from widgets.slider_edits import Basis, Direction, cleared, in_use, listed

__all__ = ["SlidersPanel", "page_of", "pages"]

_ABOUT = (
    "W is the space of styles between the seed and the picture. Principal directions are those in which it varies "
    "most, strongest first (Härkönen et al. 2020, GANSpace); axes are its plain coordinates. Both count in standard "
    "deviations of mapped samples."
)
_LISTS = ("Principal", "Axes", "Named", "In use")
_EMPTY = {
    "Named": "Nothing has a name yet. Click the number of a slider to give it one.",
    "In use": "Every slider is at 0.",
}


def pages(count: int, size: int) -> int:
    """How many pages some sliders fill; at least 1."""
    return max(1, -(-count // size))


def page_of(count: int, page: int, size: int) -> range:
    """Which sliders a page shows, both from 0; the last page where there is no such."""
    first = min(max(page, 0), pages(count, size) - 1) * size
    return range(first, min(count, first + size))


class SlidersPanel:
    """A page of sliders: principal directions, axes, those with a name, or those that are not at 0."""

    title = "W sliders"

    def __init__(self, kit: Kit, store: SettingsStore, say: Callable[[str, str], None]) -> None:
        self._kit = kit
        self._say = say
        self._store = store
        self._book = DirectionBook(store.path.with_name("directions.json"))
        self._known = Known(kit, self._book)
        self._details = SliderDetails(kit, self._known, self._again)
        self._rows = SliderRows(kit, self._known, self._details.open)
        self._list = _LISTS[0]
        self._page = 0

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        with dpg.group(horizontal=True):
            dpg.add_combo(tag="slider_list", items=_LISTS, default_value=self._list, width=look.px(198))
            dpg.set_item_callback("slider_list", self._choose)
            dpg.add_button(tag="sliders_reset", label="Reset all", width=-1, callback=self._reset)
        tooltip(look, "slider_list", _ABOUT)
        tooltip(look, "sliders_reset", "Every offset back to 0, also those that are not listed here.")
        dpg.add_text("", tag="sliders_note", color=(*look.palette.quiet, 255), wrap=0, show=False)
        self._rows.build()
        with dpg.group(horizontal=True, tag="slider_pages"):
            for tag, label, by in (("slider_earlier", "←", -1), ("slider_later", "→", 1)):
                dpg.add_button(tag=tag, label=label, width=look.px(34), user_data=by, callback=self._turn)
            dpg.add_text("", tag="slider_span", color=(*look.palette.quiet, 255))
            items = [f"{count} at once" for count in get_args(SliderCount)]
            dpg.add_combo(tag="slider_count", items=items, width=-1, callback=self._count)
        show_value("slider_count", f"{self._size} at once")

    def poll(self, now_s: float) -> bool:
        """Tell what is wrong with the file of names."""
        if problem := self._book.take_problem():
            self._say("warning", problem)
        return False

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show the offsets; greyed until the directions are found."""
        found = self._kit.session.direction_count if spec else 0
        usable = bool(found)
        both = self._list in _EMPTY
        if not self._rows.is_held:
            directions = self._listed(state, spec)
            span = page_of(len(directions), self._page, self._size)
            self._page = span.start // self._size
            self._rows.show(directions[span.start : span.stop], state, usable=usable, both=both)
            self._show_pages(len(directions), span)
        else:
            self._rows.show(self._rows.directions, state, usable=usable, both=both)
        waits = "Finding directions…" if spec and found is None else ""
        empty = "" if self._rows.directions else _EMPTY.get(self._list, "Sliders appear here once a model is open.")
        note = waits or empty
        show_value("sliders_note", note)
        if dpg.is_item_shown("sliders_note") != bool(note):
            dpg.configure_item("sliders_note", show=bool(note))
        set_enabled(("sliders_reset",), spec is not None and bool(state.sliders))
        set_enabled(("slider_list",), spec is not None)
        self._details.refresh(state, spec)

    @property
    def _size(self) -> int:
        return self._store.settings.slider_count

    def _listed(self, state: EditState, spec: GeneratorSpec | None) -> tuple[Direction, ...]:
        if self._list == "In use":
            return in_use(state)
        if self._list == "Named":
            return listed(state, self._book.named(self._known.model), self._known.layers)
        basis: Basis = "pca" if self._list == _LISTS[0] else "axis"
        count = spec.w_dim if spec else self._size
        return listed(state, ((basis, index) for index in range(count)), self._known.layers)

    def _show_pages(self, count: int, span: range) -> None:
        show_value("slider_span", f"{span.start + 1}–{span.stop} of {count}" if count else "none")
        set_enabled(("slider_earlier",), span.start > 0)
        set_enabled(("slider_later",), span.stop < count)

    def _again(self) -> None:
        self.refresh(self._kit.session.state, self._kit.session.spec)

    def _choose(self, _sender: int | str, words: str) -> None:
        self._list, self._page = words, 0
        self._again()

    def _turn(self, _sender: int | str, _value: object, by: int) -> None:
        self._page += by
        self._again()

    def _count(self, _sender: int | str, words: str) -> None:
        first = self._page * self._size
        self._store.change(slider_count=int(words.split()[0]))
        # What was at the top stays on the page.
        self._page = first // self._size
        self._again()

    def _reset(self) -> None:
        self._kit.session.edit(cleared(self._kit.session.state), "Reset W sliders")
