"""Keys that work anywhere, except while a hand types into a field."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from widgets.dialogs import is_dialog_open

__all__ = ["EQUALS", "Shortcut", "bind_shortcuts", "is_typing"]

EQUALS = 602
"""The key with = and +. Dear PyGui has it as ``mvKey_Plus`` under a number that its own handlers refuse."""
_FIELDS = (
    "mvAppItemType::mvInputText",
    "mvAppItemType::mvInputInt",
    "mvAppItemType::mvDragFloat",
    "mvAppItemType::mvSliderFloat",
    "mvAppItemType::mvSliderInt",
)
_FORGET_S = 1.0


@dataclass(frozen=True, slots=True)
class Shortcut:
    """A key, with Control or alone."""

    key: int
    """Of Dear PyGui's numbers."""
    action: Callable[[], object]
    """What to do."""
    shift: bool = False
    """Whether Shift must be held too; without it, must not."""
    control: bool = True
    """Whether Control must be held; without it, must not."""
    in_dialogs: bool = False
    """Whether it is for dialogs instead of for the window behind them."""


class _Modifier:
    """Whether a key was down when another was pressed.

    Callbacks come after the frame, and a quick hand may have let go by then, or even in the very frame in which the
    other key went down: asking whether the key is down now would lose some shortcuts.
    """

    def __init__(self, *keys: int) -> None:
        self._down_s = -math.inf
        self._up_s = -math.inf
        self._up_frame = -1
        for key in keys:
            dpg.add_key_down_handler(key, callback=self._pressed)
            dpg.add_key_release_handler(key, callback=self._released)

    def _pressed(self) -> None:
        self._down_s = time.monotonic()

    def _released(self) -> None:
        self._up_s = time.monotonic()
        self._up_frame = dpg.get_frame_count()

    @property
    def held(self) -> bool:
        # Told anew in every frame while it is down, so what is older was let go over another window.
        is_down = self._down_s > self._up_s and time.monotonic() - self._down_s < _FORGET_S
        return is_down or dpg.get_frame_count() == self._up_frame


def bind_shortcuts(shortcuts: tuple[Shortcut, ...]) -> None:
    """Make the keys work."""
    with dpg.handler_registry():
        control = _Modifier(dpg.mvKey_LControl, dpg.mvKey_RControl)
        shift = _Modifier(dpg.mvKey_LShift, dpg.mvKey_RShift)
        for key in sorted({shortcut.key for shortcut in shortcuts}):
            choices = tuple(shortcut for shortcut in shortcuts if shortcut.key == key)
            dpg.add_key_press_handler(key, callback=_handler(choices, control, shift))


def _handler(choices: tuple[Shortcut, ...], control: _Modifier, shift: _Modifier) -> Callable[[], None]:
    def pressed() -> None:
        if is_typing():
            return
        in_dialog = is_dialog_open()
        for shortcut in choices:
            if shortcut.in_dialogs == in_dialog and shortcut.shift == shift.held and shortcut.control == control.held:
                shortcut.action()

    return pressed


def is_typing() -> bool:
    """Whether a field has the keyboard; sliders count, since Ctrl+click turns them into one."""
    return any(dpg.get_item_type(item) in _FIELDS and dpg.is_item_active(item) for item in dpg.get_all_items())
