"""The question before unsaved work would go: save it, let it go, or stay."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

import dearpygui.dearpygui as dpg

from widgets.dialogs import close_dialog, open_dialog
from widgets.theme import Look

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["SaveProject", "Unsaved"]

_WIDTH_PX = 416


class SaveProject(Protocol):
    """Saves the project, asking where if need be."""

    def __call__(self, *, then: Callable[[], None]) -> None:
        """Once it is saved, do what comes ``then``."""


class Unsaved:
    """Asks where something would be lost, and does at once what loses nothing.

    Args:
        look: For the question.
        session: Whose changes may be unsaved.
        save: Saves them.
        name: Of the dialog's items: ``quit`` makes ``quit_question``, ``quit_save``, ``quit_discard``, ``quit_cancel``.
        when: When it would be gone, as "when you quit".
    """

    def __init__(self, look: Look, session: "Session", save: SaveProject, *, name: str, when: str) -> None:
        self._look = look
        self._session = session
        self._save = save
        self._name = name
        self._when = when

    def before(self, act: Callable[[], None]) -> None:
        """Do something that takes the place of the work, or ask first."""
        if self._session.is_dirty:
            title = "Save your changes?"
            open_dialog(self._look, f"{self._name}_question", title, lambda: self._build(act))
        else:
            act()

    def _build(self, act: Callable[[], None]) -> None:
        look, path = self._look, self._session.project_path
        what = f"{path.name} has changed since it was saved." if path else "What you made was not saved as a project."
        dpg.add_text(f"{what} It is gone {self._when} without saving.", wrap=look.px(_WIDTH_PX))
        dpg.add_spacer(height=look.px(6))

        def save() -> None:
            # Two frames on: a dialog that opens while another one closes is closed with it.
            dpg.set_frame_callback(dpg.get_frame_count() + 2, callback=lambda: self._save(then=act))

        with dpg.group(horizontal=True):
            for word, action in (("Save", save), ("Discard", act), ("Cancel", _nothing)):
                dpg.add_button(
                    label=word,
                    tag=f"{self._name}_{word.lower()}",
                    width=look.px(110),
                    user_data=action,
                    callback=lambda _sender, _value, action: self._answer(action),
                )
        dpg.bind_item_theme(f"{self._name}_save", look.primary)

    def _answer(self, action: Callable[[], None]) -> None:
        close_dialog(f"{self._name}_question")
        action()


def _nothing() -> None:
    """Stay."""
