"""Leaving: at once when all is saved, else after a question."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from widgets.dialogs import close_dialog, open_dialog
from widgets.files import FileDialogs
from widgets.theme import Look

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["Quitting"]

_DIALOG = "quit_question"


class Quitting:
    """What the window's close button, File > Quit and Ctrl+Q do.

    Args:
        look: For the question.
        session: Whose changes may be unsaved.
        dialogs: For saving them.
        stop: Ends the program.
    """

    def __init__(self, look: Look, session: "Session", dialogs: FileDialogs, stop: Callable[[], None]) -> None:
        self._look = look
        self._session = session
        self._dialogs = dialogs
        self._stop = stop

    def ask(self) -> None:
        """Stop, or ask first when something would be lost."""
        if self._session.is_dirty:
            open_dialog(self._look, _DIALOG, "Save your changes?", self._build)
        else:
            self._stop()

    def _build(self) -> None:
        look, path = self._look, self._session.project_path
        where = f"{path.name} has changed since it was saved." if path else "What you made was not saved as a project."
        dpg.add_text(f"{where} It is gone when you quit without saving.", wrap=look.px(416))
        dpg.add_spacer(height=look.px(6))
        with dpg.group(horizontal=True):
            for label, tag, action in (
                ("Save", "quit_save", self._save),
                ("Discard", "quit_discard", self._discard),
                ("Cancel", "quit_cancel", self._close),
            ):
                dpg.add_button(
                    label=label, tag=tag, width=look.px(110), callback=lambda _s, _v, act: act(), user_data=action
                )
        dpg.bind_item_theme("quit_save", look.primary)

    def _save(self) -> None:
        self._close()
        # Two frames on: a dialog that opens while another one closes is closed with it.
        dpg.set_frame_callback(dpg.get_frame_count() + 2, callback=lambda: self._dialogs.save_project(then=self._stop))

    def _discard(self) -> None:
        self._close()
        self._stop()

    def _close(self) -> None:
        close_dialog(_DIALOG)
