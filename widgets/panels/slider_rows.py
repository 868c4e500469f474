"""One line for each slider: its number, the slider with name and layers in it, and the way back to 0."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from explorer.state import EditState
from widgets.controls import HAND, Kit, Knob, set_enabled, show_value, tooltip
from widgets.direction_book import DirectionBook, Entry
from widgets.mixes import rows_in_words
from widgets.slider_edits import Basis, Direction, Layers, amount_of, name_in, slider_words, with_amount, words_of

__all__ = ["Known", "SliderRows", "shown_in"]

_LIMIT = 4.0
_NUMBER_PX = 34


def shown_in(name: str, layers: Layers) -> str:
    """The printf format of a slider that says its name and layers before its number."""
    words = ", ".join(part for part in (name, "" if layers is None else rows_in_words(layers) or "no layers") if part)
    # Whatever a person types is text, not a format.
    return f"{words.replace('%', '%%')}   %+.2f" if words else "%+.2f"


class Known:
    """What is known of directions beside their offsets: by the state that is shown, and by what a person named.

    Args:
        kit: For the session.
        book: What is remembered.
    """

    def __init__(self, kit: Kit, book: DirectionBook) -> None:
        self._session = kit.session
        self.book = book
        """What is remembered."""

    @property
    def model(self) -> str:
        """The hash of the open model; empty before one is."""
        reference = self._session.state.checkpoint
        return reference.sha256 if reference else ""

    def name(self, direction: Direction) -> str:
        """What a person calls it; a project's own name for what this person never named; empty for none."""
        entry = self.book.find(self.model, direction.basis, direction.index)
        return name_in(self._session.state, direction) if entry is None else entry.name

    def layers(self, basis: Basis, index: int) -> Layers:
        """The layers that its slider moves until others are chosen."""
        entry = self.book.find(self.model, basis, index)
        return None if entry is None else entry.layers

    def keep(self, direction: Direction, *, name: str) -> None:
        """Remember a name, and the layers as they are."""
        self.book.keep(self.model, direction.basis, direction.index, Entry(name, direction.layers))


class SliderRows:
    """Lines that are made when first needed and hidden when not.

    Args:
        kit: Look and session.
        known: Names and layers.
        choose: Called when the number of a line is clicked.
    """

    def __init__(self, kit: Kit, known: Known, choose: Callable[[Direction], None]) -> None:
        self._kit = kit
        self._known = known
        self._choose = choose
        self._knobs: list[Knob] = []
        self.directions: tuple[Direction, ...] = ()
        """What is shown, from the top."""

    def build(self) -> None:
        """Make the place for lines."""
        dpg.add_group(tag="slider_rows")

    @property
    def is_held(self) -> bool:
        """Whether a hand is at a slider: what it holds must not become another one."""
        return any(bool(dpg.is_item_active(knob.item)) for knob in self._knobs[: len(self.directions)])

    def show(self, directions: tuple[Direction, ...], state: EditState, *, usable: bool, both: bool) -> None:
        """Show a slider for each of these.

        Args:
            directions: From the top.
            state: With their offsets.
            usable: Whether a hand may move them.
            both: Whether they are of both bases, so that numbers alone do not tell which.
        """
        self.directions = directions
        while len(self._knobs) < len(directions):
            self._add_row(len(self._knobs))
        for row, knob in enumerate(self._knobs):
            shown = row < len(directions)
            if dpg.is_item_shown(f"slider_row_{row}") != shown:
                dpg.configure_item(f"slider_row_{row}", show=shown)
            if shown:
                self._show_row(row, knob, state, usable=usable, both=both)

    def _show_row(self, row: int, knob: Knob, state: EditState, *, usable: bool, both: bool) -> None:
        direction = self.directions[row]
        number = f"{direction.basis[0].upper() if both else ''}{direction.index + 1}"
        name = self._known.name(direction)
        for item, key, value in (
            (f"w{row}_number", "label", number),
            (f"w{row}", "format", shown_in(name, direction.layers)),
        ):
            if dpg.get_item_configuration(item)[key] != value:
                dpg.configure_item(item, **{key: value})
        words = words_of(direction.basis, direction.index)
        title = f"{name} ({words[0].lower()}{words[1:]} of W)" if name else f"{words} of W"
        show_value(f"w{row}_tip", f"{title}, in standard deviations. {HAND}")
        set_enabled((knob.item, f"w{row}_number"), usable)
        set_enabled((f"w{row}_reset",), usable and amount_of(state, direction) != 0)
        knob.refresh(state)

    def _add_row(self, row: int) -> None:
        look = self._kit.look
        tag = f"w{row}"
        with dpg.group(tag=f"slider_row_{row}", horizontal=True, parent="slider_rows"):
            dpg.add_button(
                tag=f"{tag}_number",
                width=look.px(_NUMBER_PX),
                callback=lambda: self._choose(self.directions[row]),
            )
            knob = Knob(
                self._kit,
                tag,
                read=lambda state: amount_of(state, self.directions[row]),
                write=lambda state, amount: self._moved(state, row, amount),
                label=lambda state: self._words(state, row),
                limits=(-_LIMIT, _LIMIT),
                default=0,
                format="%+.2f",
                width=look.px(-34),
            )
            dpg.add_button(tag=f"{tag}_reset", label="↺", width=-1, callback=knob.reset)
        tooltip(look, f"{tag}_number", "Name it, or choose the layers that it moves.")
        tooltip(look, f"{tag}_reset", "Back to 0")
        with dpg.tooltip(tag, delay=0.6, hide_on_activity=True):
            dpg.add_text("", tag=f"{tag}_tip", wrap=look.px(340))
        self._knobs.append(knob)

    def _moved(self, state: EditState, row: int, amount: float) -> EditState:
        direction = self.directions[row]
        return with_amount(state, direction, amount, name=self._known.name(direction))

    def _words(self, state: EditState, row: int) -> str:
        direction = self.directions[row]
        return slider_words(direction, amount_of(state, direction), self._known.name(direction))
