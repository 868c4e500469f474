"""Keys that work anywhere, except while a hand types into a field."""

from collections.abc import Callable
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

__all__ = ["Shortcut", "bind_shortcuts", "is_typing"]

_FIELDS = (
    "mvAppItemType::mvInputText",
    "mvAppItemType::mvInputInt",
    "mvAppItemType::mvDragFloat",
    "mvAppItemType::mvSliderFloat",
    "mvAppItemType::mvSliderInt",
)


@dataclass(frozen=True, slots=True)
class Shortcut:
    """Control and a key."""

    key: int
    """Of Dear PyGui's numbers."""
    action: Callable[[], object]
    """What to do."""
    shift: bool = False
    """Whether Shift must be held too; without it, must not."""


def bind_shortcuts(shortcuts: tuple[Shortcut, ...]) -> None:
    """Make the keys work."""
    with dpg.handler_registry():
        for key in {shortcut.key for shortcut in shortcuts}:
            choices = tuple(shortcut for shortcut in shortcuts if shortcut.key == key)
            dpg.add_key_press_handler(key, callback=_handler(choices))


def _handler(choices: tuple[Shortcut, ...]) -> Callable[[], None]:
    def pressed() -> None:
        if not _held(dpg.mvKey_LControl, dpg.mvKey_RControl) or is_typing():
            return
        shift = _held(dpg.mvKey_LShift, dpg.mvKey_RShift)
        for shortcut in choices:
            if shortcut.shift == shift:
                shortcut.action()

    return pressed


def _held(*keys: int) -> bool:
    return any(dpg.is_key_down(key) for key in keys)


def is_typing() -> bool:
    """Whether a field has the keyboard; sliders count, since Ctrl+click turns them into one."""
    return any(dpg.get_item_type(item) in _FIELDS and dpg.is_item_active(item) for item in dpg.get_all_items())
