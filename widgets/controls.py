"""Controls bound to the state: they show a value of it, and answer the hand with a new state.

Setting a value by program fires no callback in Dear PyGui, so showing a state and editing it cannot form a loop.
"""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from explorer.state import EditState
from widgets.atlas import Atlas
from widgets.hands import hands_on
from widgets.theme import Look

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = [
    "HAND",
    "Kit",
    "Knob",
    "Reason",
    "caption_row",
    "even_row",
    "heading",
    "on_release",
    "set_enabled",
    "show_value",
    "tooltip",
]

Item = int | str

_CAPTION_PX = 78
_TOOLTIP_PX = 340
_TOOLTIP_DELAY_S = 0.6
HAND = "Ctrl+click to type a number, right-click to reset."
"""Ends the tooltip of a slider."""


@dataclass(frozen=True, slots=True)
class Kit:
    """What every panel is built with."""

    look: Look
    """Colours, fonts, scale."""
    session: "Session"
    """What is shown and edited."""
    atlas: Atlas
    """Small pictures of states."""


def tooltip(look: Look, item: Item, text: str) -> None:
    """Explain an item when the mouse rests on it."""
    with dpg.tooltip(item, delay=_TOOLTIP_DELAY_S, hide_on_activity=True):
        dpg.add_text(text, wrap=look.px(_TOOLTIP_PX))


def heading(look: Look, text: str) -> Item:
    """A line of strong text."""
    item: Item = dpg.add_text(text)
    dpg.bind_item_font(item, look.strong)
    return item


@contextlib.contextmanager
def caption_row(look: Look, caption: str, tip: str = "", *, width_px: int = _CAPTION_PX) -> Iterator[None]:
    """One line: a caption on the left, and what is made inside the block on the right."""
    with dpg.group(horizontal=True, xoffset=look.px(width_px)):
        # Grouped, because every item of the row, a tooltip too, would take a column of its own.
        with dpg.group():
            text = dpg.add_text(caption, color=(*look.palette.quiet, 255))
            if tip:
                tooltip(look, text, tip)
        with dpg.group(horizontal=True):
            yield


@contextlib.contextmanager
def even_row(look: Look, count: int) -> Iterator[None]:
    """One line of ``count`` items of equal width, which fill it at any width; give each a width of -1."""
    with dpg.table(header_row=False, policy=dpg.mvTable_SizingStretchSame, no_pad_outerX=True) as table:
        for _ in range(count):
            dpg.add_table_column()
        with dpg.table_row():
            yield
    dpg.bind_item_theme(table, look.even)


def show_value(item: Item, value: object) -> None:
    """Make an item show a value; nothing when it does already, so that typing is not disturbed."""
    if dpg.get_value(item) != value:
        dpg.set_value(item, value)


def set_enabled(items: Sequence[Item], enabled: bool) -> None:
    """Let a hand use these items, or grey them."""
    for item in items:
        if dpg.is_item_enabled(item) != enabled:
            dpg.configure_item(item, enabled=enabled)


def on_release(item: Item, release: Callable[[], None], *, reset: Callable[[], None] | None = None) -> None:
    """Call ``release`` when a hand lets go of an item after changing it, and ``reset`` on a right-click."""
    with hands_on(item):
        # Without a sender and a value: the state tells what was done.
        dpg.add_item_deactivated_after_edit_handler(callback=lambda: release())
        if reset is not None:
            dpg.add_item_clicked_handler(dpg.mvMouseButton_Right, callback=lambda: reset())


class Reason:
    """A quiet line that says why the controls under it are greyed; hidden while they are not."""

    def __init__(self, look: Look) -> None:
        self.item: Item = dpg.add_text("", color=(*look.palette.quiet, 255), wrap=0, show=False)

    def show(self, reason: str) -> None:
        """Say it, or hide the line when empty."""
        show_value(self.item, reason)
        if dpg.is_item_shown(self.item) != bool(reason):
            dpg.configure_item(self.item, show=bool(reason))


class Knob:
    """A slider bound to one number of the state. A drag is one step of the history.

    Args:
        kit: Look and session.
        tag: The slider's name, which tests and shortcuts use.
        read: The number in a state.
        write: A state with another number.
        label: What a step is called, given the state after it.
        limits: Lowest and highest value.
        default: What a right-click goes back to.
        digits: Decimals kept, so that states hold round numbers that can be typed elsewhere.
        format: As printf.
        width: As Dear PyGui's: negative counts from the right edge.
    """

    def __init__(
        self,
        kit: Kit,
        tag: str,
        *,
        read: Callable[[EditState], float],
        write: Callable[[EditState, float], EditState],
        label: Callable[[EditState], str],
        limits: tuple[float, float],
        default: float,
        digits: int = 2,
        format: str = "%.2f",
        width: int = -1,
    ) -> None:
        self.item = tag
        self._session = kit.session
        self._read = read
        self._write = write
        self._label = label
        self._default = default
        self._digits = digits
        dpg.add_slider_float(
            tag=tag,
            width=width,
            min_value=limits[0],
            max_value=limits[1],
            clamped=True,
            default_value=default,
            format=format,
            callback=self._changed,
        )
        on_release(tag, self._released, reset=self.reset)

    def refresh(self, state: EditState) -> None:
        """Show the number that the state holds."""
        value = self._read(state)
        if round(dpg.get_value(self.item), self._digits) != round(value, self._digits):
            dpg.set_value(self.item, value)

    def reset(self) -> None:
        """Go back to the default, as one step."""
        if dpg.is_item_enabled(self.item):
            state = self._write(self._session.state, self._default)
            self._session.edit(state, self._label(state))

    def _changed(self, _sender: Item, value: float) -> None:
        self._session.preview(self._write(self._session.state, round(float(value), self._digits)))

    def _released(self) -> None:
        self._session.commit(self._label(self._session.state))
