"""Asking for a file: what to open, where to save."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from explorer.errors import ExplorerError
from widgets.theme import Look

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["FileDialogs"]

Filters = tuple[tuple[str, str], ...]
Say = Callable[[str, str], None]

_CHECKPOINTS: Filters = (("Models and projects", "{.pkl,.safetensors,.latent}"), ("Any file", ".*"))
_PROJECTS: Filters = (("Projects", "{.latent}"), ("Any file", ".*"))
_PICTURES: Filters = (("PNG pictures", "{.png}"),)


class FileDialogs:
    """The dialogs of the File menu.

    Args:
        look: For their size.
        session: What is opened into and saved from.
        say: Tells a person something, by level and text.
        save_picture: Writes the picture that is shown.
    """

    def __init__(self, look: Look, session: "Session", say: Say, save_picture: Callable[[Path], None]) -> None:
        self._look = look
        self._session = session
        self._say = say
        self._save_picture = save_picture
        self._folder = str(Path.home())
        self._dialog: int | str | None = None

    def open_checkpoint(self) -> None:
        """Ask for a model, or a project."""
        self._ask("Open a model", _CHECKPOINTS, self._open)

    def open_project(self) -> None:
        """Ask for a project."""
        self._ask("Open a project", _PROJECTS, self._open)

    def save_project(self) -> None:
        """Save where the project was saved before, or ask."""
        if self._session.project_path is None:
            self.save_project_as()
        else:
            self._save(self._session.project_path)

    def save_project_as(self) -> None:
        """Ask where to save."""
        self._ask("Save the project", _PROJECTS, self._save, name="untitled.latent")

    def save_picture(self) -> None:
        """Ask where to write the picture."""
        self._ask("Save the picture", _PICTURES, self._write_picture, name="picture.png")

    @property
    def is_open(self) -> bool:
        """Whether a dialog waits for an answer."""
        return self._dialog is not None and bool(dpg.does_item_exist(self._dialog)) and dpg.is_item_shown(self._dialog)

    def _ask(self, title: str, filters: Filters, answer: Callable[[Path], None], *, name: str = "") -> None:
        if self.is_open:
            return
        if self._dialog is not None:
            dpg.delete_item(self._dialog)

        def chosen(_sender: int | str, selection: dict[str, str]) -> None:
            path = Path(selection["file_path_name"])
            self._folder = str(path.parent)
            answer(path)

        with dpg.file_dialog(
            label=title,
            modal=True,
            width=self._look.px(720),
            height=self._look.px(460),
            default_path=self._folder,
            default_filename=Path(name).stem,
            callback=chosen,
            cancel_callback=lambda: None,
        ) as self._dialog:
            for label, extensions in filters:
                dpg.add_file_extension(f"{label}{extensions}" if extensions != ".*" else ".*")

    def _open(self, path: Path) -> None:
        self._session.open(path)

    def _save(self, path: Path) -> None:
        target = path if path.suffix == ".latent" else path.with_suffix(".latent")
        try:
            self._session.save_project(target)
        except ExplorerError as error:
            self._say("error", str(error))
        else:
            self._say("info", f"Saved {target}")

    def _write_picture(self, path: Path) -> None:
        target = path if path.suffix.lower() == ".png" else path.with_suffix(".png")
        try:
            self._save_picture(target)
        except OSError as error:
            self._say("error", f"{target} cannot be written: {error.strerror or error}")
        else:
            self._say("info", f"Saved {target}")
