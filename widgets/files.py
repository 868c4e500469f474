"""What the File menu does: open a model or a project, save the project, save the picture."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from explorer.errors import ExplorerError
from explorer.project import looks_like_project
from widgets.file_browser import FileBrowser, Question
from widgets.theme import Look
from widgets.unsaved import Unsaved

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["FileDialogs", "is_project"]

Say = Callable[[str, str], None]

_MODELS = (".pkl", ".pt", ".pth", ".safetensors", ".xml", ".latent", ".png")
_PROJECT = ".latent"
_PICTURE = ".png"
# Work that a crash left behind comes as a whole, too.
_WHOLE = (_PROJECT, ".journal")


def is_project(source: str | Path) -> bool:
    """Whether something to be opened is a project: by its content, or by its name where it lies elsewhere."""
    name = str(source).split("#")[0].split("?")[0]
    # A pipe or a device could be waited on for ever, and the window with it.
    return name.endswith(_WHOLE) or (os.path.isfile(source) and looks_like_project(source))


class FileDialogs:
    """The dialogs of the File menu.

    Args:
        look: For their size.
        session: What is opened into and saved from.
        say: Tells a person something, by level and text.
        save_picture: Writes the picture that is shown.
    """

    def __init__(self, look: Look, session: "Session", say: Say, save_picture: Callable[[Path], None]) -> None:
        self._session = session
        self._say = say
        self._write_picture = save_picture
        self._browser = FileBrowser(look)
        self._unsaved = Unsaved(look, session, self.save_project, name="open", when="when another project opens")

    def open(self, source: str | Path) -> None:
        """Open a model, a picture or a project; a project takes the place of the work, so ask first what becomes of it.

        A model joins the work as a step of its history, and so does a picture that holds its recipe.
        """
        if is_project(source):
            self._unsaved.before(lambda: self._open_now(source))
        else:
            self._open_now(source)

    def open_again(self) -> None:
        """Try again what failed to open, as `open` would: work that was done since may be unsaved."""
        if is_project(self._session.failed_source):
            self._unsaved.before(self._open_failed)
        else:
            self._open_failed()

    def open_checkpoint(self) -> None:
        """Ask for a model, or a project."""
        self._browser.ask(Question("Open a model or a project", "Open", _MODELS, self._open))

    def open_project(self) -> None:
        """Ask for a project."""
        self._browser.ask(Question("Open a project", "Open", (_PROJECT,), self._open))

    def save_project(self, *, then: Callable[[], None] = lambda: None) -> None:
        """Save where the project was saved before, or ask; and once it is saved, do what comes ``then``."""
        if self._session.project_path is None:
            self.save_project_as(then=then)
        else:
            self._save(self._session.project_path, then)

    def save_project_as(self, *, then: Callable[[], None] = lambda: None) -> None:
        """Ask where to save; and once it is saved, do what comes ``then``."""
        known = self._session.project_path
        name = known.name if known else f"untitled{_PROJECT}"
        self._browser.ask(Question("Save the project", "Save", (_PROJECT,), lambda path: self._save(path, then), name))

    def choose_file(self, title: str, suffixes: tuple[str, ...], answer: Callable[[Path], object]) -> None:
        """Ask for a file that exists."""
        self._browser.ask(Question(title, "Choose", suffixes, answer))

    def choose_folder(self, title: str, answer: Callable[[Path], None]) -> None:
        """Ask for a folder."""
        self._browser.ask(Question(title, "Choose", (), answer, wants_folder=True))

    def save_picture(self) -> None:
        """Ask where to write the picture."""
        self._browser.ask(Question("Save the picture", "Save", (_PICTURE,), self._save_picture, f"picture{_PICTURE}"))

    def save_other(self, title: str, name: str, write: Callable[[Path], None]) -> None:
        """Ask where to write another picture.

        Args:
            title: Of the dialog.
            name: What the file is called unless a person says otherwise.
            write: Writes it; it may raise `OSError`.
        """
        self._browser.ask(Question(title, "Save", (_PICTURE,), lambda path: self._write(path, write), name))

    @property
    def is_open(self) -> bool:
        """Whether a dialog waits for an answer."""
        return self._browser.is_open

    def _open(self, path: Path) -> None:
        # Two frames on: a dialog that opens while another one closes is closed with it.
        dpg.set_frame_callback(dpg.get_frame_count() + 2, callback=lambda: self.open(path))

    def _open_now(self, source: str | Path) -> None:
        self._session.open(source)

    def _open_failed(self) -> None:
        self._session.open_again()

    def _save(self, path: Path, then: Callable[[], None]) -> None:
        try:
            self._session.save_project(path)
        except ExplorerError as error:
            self._say("error", str(error))
        else:
            self._say("info", f"Saved {path}")
            then()

    def _save_picture(self, path: Path) -> None:
        self._write(path, self._write_picture)

    def _write(self, path: Path, write: Callable[[Path], None]) -> None:
        try:
            write(path)
        except OSError as error:
            self._say("error", f"{path} cannot be written: {error.strerror or error}")
        else:
            self._say("info", f"Saved {path}")
