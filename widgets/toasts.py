"""What the app has to say: notices that pass by, errors that stay until they are dismissed."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from widgets.controls import Kit
from widgets.floating import floating_window

__all__ = ["Answer", "Toasts"]

_WINDOW = "toasts"
_WIDTH_PX = 420
_GAP_PX = 10
_CROSS_PX = 26
_PADDING_PX = 12
_SECONDS = {"info": 4.0, "warning": 9.0}
_SHOWN = 4


@dataclass(frozen=True, slots=True)
class Answer:
    """A button under a question."""

    label: str
    """What it says."""
    tag: str
    """Its name among the items."""
    act: Callable[[], None]
    """What it does; the question goes with it."""


@dataclass(frozen=True, slots=True)
class _Notice:
    number: int
    level: str
    text: str
    ends_s: float | None
    answers: tuple[Answer, ...] = ()


class Toasts:
    """A stack of notices at the bottom of the picture. It never takes the keyboard and blocks nothing."""

    def __init__(self, kit: Kit) -> None:
        self._look = kit.look
        self._notices: list[_Notice] = []
        self._count = 0
        self._changed = False
        with floating_window(_WINDOW, min_width_px=look_width(kit)):
            pass
        dpg.bind_item_theme(_WINDOW, kit.look.notice)

    @property
    def is_waiting(self) -> bool:
        """Whether a notice will pass by itself, so that frames must go on."""
        return any(notice.ends_s is not None for notice in self._notices)

    @property
    def texts(self) -> list[str]:
        """What is shown now, oldest first."""
        return [notice.text for notice in self._notices]

    def say(self, level: str, text: str) -> None:
        """Show a notice; an error stays until it is dismissed, and the same one is not shown twice."""
        self._notices = [notice for notice in self._notices if notice.text != text][-(_SHOWN - 1) :]
        self._count += 1
        ends_s = time.monotonic() + _SECONDS[level] if level in _SECONDS else None
        self._notices.append(_Notice(self._count, level, text, ends_s))
        self._changed = True

    def ask(self, text: str, *answers: Answer) -> None:
        """Show a question; it stays until it is answered or dismissed."""
        self._count += 1
        self._notices.append(_Notice(self._count, "question", text, None, answers))
        self._changed = True

    def dismiss(self, number: int) -> None:
        """Take one away."""
        self._notices = [notice for notice in self._notices if notice.number != number]
        self._changed = True

    def poll(self, left: float, bottom: float, width: float) -> None:
        """Let old notices pass, and keep the stack in its place: the bottom of the picture."""
        now_s = time.monotonic()
        alive = [notice for notice in self._notices if notice.ends_s is None or notice.ends_s > now_s]
        if self._changed or len(alive) != len(self._notices):
            self._notices = alive
            self._changed = False
            self._rebuild()
        if self._notices:
            own_width, height = dpg.get_item_rect_size(_WINDOW)
            x = left + (width - own_width) / 2
            dpg.set_item_pos(_WINDOW, [int(x), int(bottom - height - self._look.px(14))])

    def _rebuild(self) -> None:
        dpg.delete_item(_WINDOW, children_only=True)
        dpg.configure_item(_WINDOW, show=bool(self._notices))
        palette, px = self._look.palette, self._look.px
        names = {
            "error": ("Error", palette.error),
            "warning": ("Note", palette.accent),
            "question": ("Unsaved work", palette.accent),
        }
        for place, notice in enumerate(self._notices):
            if place:
                dpg.add_separator(parent=_WINDOW)
            # The offset keeps the crosses below each other, however short the texts are.
            with dpg.group(horizontal=True, xoffset=px(_WIDTH_PX + _GAP_PX), parent=_WINDOW):
                with dpg.group(width=px(_WIDTH_PX)):
                    if notice.level in names:
                        word, colour = names[notice.level]
                        item = dpg.add_text(word, color=(*colour, 255))
                        dpg.bind_item_font(item, self._look.strong)
                    dpg.add_text(notice.text, wrap=px(_WIDTH_PX))
                dpg.add_button(
                    label="×",
                    tag=f"dismiss_{notice.number}",
                    width=px(_CROSS_PX),
                    user_data=notice.number,
                    callback=lambda _sender, _value, number: self.dismiss(number),
                )
            self._add_answers(notice)

    def _add_answers(self, notice: _Notice) -> None:
        def answered(_sender: object, _value: object, answer: Answer) -> None:
            self.dismiss(notice.number)
            answer.act()

        if notice.answers:
            with dpg.group(horizontal=True, parent=_WINDOW):
                for answer in notice.answers:
                    width = self._look.px(110)
                    dpg.add_button(label=answer.label, tag=answer.tag, width=width, user_data=answer, callback=answered)


def look_width(kit: Kit) -> int:
    """The least width of the stack, in pixels on screen."""
    return kit.look.px(_WIDTH_PX + _GAP_PX + _CROSS_PX + 2 * _PADDING_PX)
