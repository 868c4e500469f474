"""Leaving: at once when all is saved and nothing is being trained, else after a question."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from widgets.dialogs import close_dialog, open_dialog
from widgets.files import FileDialogs
from widgets.theme import Look
from widgets.unsaved import Unsaved

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["Quitting"]

_TRAINING = "quit_training"
_WIDTH_PX = 440


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
        self._unsaved = Unsaved(look, session, dialogs.save_project, name="quit", when="when you quit")

    def ask(self) -> None:
        """Stop, or ask first when a run goes on or something would be lost."""
        if self._session.training.live:
            open_dialog(self._look, _TRAINING, "Go on training?", self._build_training, width_px=_WIDTH_PX)
        else:
            self._ask_to_save()

    def _ask_to_save(self) -> None:
        self._unsaved.before(self._stop)

    def _build_training(self) -> None:
        names = ", ".join(run.folder.name for run in self._session.training.live)
        text = (
            f"{names} is being trained. It can go on without the window, which shows it again at the next start. "
            "Paused, it saves first, and Resume goes on exactly there."
        )
        dpg.add_text(text, wrap=self._look.px(_WIDTH_PX - 24))
        dpg.add_spacer(height=self._look.px(6))
        with dpg.group(horizontal=True):
            for label, tag, action in (
                ("Keep training", "quit_keep", lambda: None),
                ("Pause and quit", "quit_pause", self._pause),
            ):
                dpg.add_button(
                    label=label,
                    tag=tag,
                    width=self._look.px(130),
                    user_data=action,
                    callback=lambda _sender, _value, act: self._go_on(act),
                )
            dpg.add_button(
                label="Cancel", tag="quit_stay", width=self._look.px(110), callback=lambda: close_dialog(_TRAINING)
            )
        dpg.bind_item_theme("quit_keep", self._look.primary)

    def _pause(self) -> None:
        for run in self._session.training.live:
            run.stop()

    def _go_on(self, act: Callable[[], None]) -> None:
        act()
        close_dialog(_TRAINING)
        # Two frames on: a dialog that opens while another one closes is closed with it.
        dpg.set_frame_callback(dpg.get_frame_count() + 2, callback=self._ask_to_save)
