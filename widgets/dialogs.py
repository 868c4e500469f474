"""A window in front of all others, for a question or a page to read."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from widgets.theme import Look

__all__ = ["close_dialog", "close_front_dialog", "is_dialog_open", "open_dialog"]

_WIDTH_PX = 440
_TOP_PX = 140


def open_dialog(look: Look, tag: str, title: str, fill: Callable[[], object], *, width_px: int = _WIDTH_PX) -> None:
    """Show one; nothing when it is open already.

    Args:
        look: For its size.
        tag: Its name among the items.
        title: At its top.
        fill: Makes what is in it.
        width_px: Of the design.
    """
    if dpg.does_item_exist(tag):
        return
    with dpg.window(
        label=title,
        tag=tag,
        modal=True,
        no_resize=True,
        no_collapse=True,
        autosize=True,
        no_docking=True,
        no_saved_settings=True,
        min_size=(look.px(width_px), look.px(80)),
        on_close=lambda: close_dialog(tag),
        user_data=lambda: close_dialog(tag),
    ):
        fill()
    left = (dpg.get_viewport_client_width() - look.px(width_px)) // 2
    dpg.set_item_pos(tag, [max(0, left), look.px(_TOP_PX)])


def close_dialog(tag: str) -> None:
    """Take it away."""
    if dpg.does_item_exist(tag):
        dpg.delete_item(tag)


def is_dialog_open() -> bool:
    """Whether one waits in front of the window."""
    return bool(_dialogs())


def close_front_dialog() -> None:
    """Do what its cross does, for the Escape key; nothing when none is open.

    A modal window that does not come from `open_dialog` has the way to close it as its user data.
    """
    for dialog in _dialogs()[-1:]:
        dpg.get_item_user_data(dialog)()


def _dialogs() -> list[int]:
    """The modal windows that are shown, the one in front last."""
    return [
        window
        for window in dpg.get_windows()
        if dpg.get_item_configuration(window).get("modal") and dpg.is_item_shown(window)
    ]
