"""A small file browser: a path to type, a folder to look into."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dearpygui.dearpygui as dpg

from widgets.theme import Look

__all__ = ["FileBrowser", "Question", "listing"]

_WINDOW = "browser"
_WIDTH_PX = 640
_LIST_PX = 330
_LARGEST_LISTING = 2000


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for."""

    title: str
    """On the dialog."""
    verb: str
    """On the button: Open, Save."""
    suffixes: tuple[str, ...]
    """Files that are listed, as ``.pkl``; all of them when a person asks for all. A new file gets the first."""
    answer: Callable[[Path], object]
    """Takes what was chosen."""
    name: str = ""
    """What a new file is called at first; empty when a file that exists is asked for."""
    wants_folder: bool = False
    """Whether the folder that is looked into is the answer, instead of a file."""


def listing(folder: Path, suffixes: tuple[str, ...] | None) -> tuple[list[Path], list[Path]]:
    """The folders and the files in a folder, by name, hidden ones left out.

    Args:
        folder: Where to look.
        suffixes: Which files; all when ``None``.

    Raises:
        OSError: The folder cannot be read.
    """
    folders, files = [], []
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir():
                folders.append(Path(entry.path))
            elif suffixes is None or Path(entry.name).suffix.lower() in suffixes:
                files.append(Path(entry.path))

    def by_name(path: Path) -> str:
        return path.name.casefold()

    return sorted(folders, key=by_name), sorted(files, key=by_name)


class FileBrowser:
    """One dialog, asked anew each time; it remembers the folder."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._folder = Path.cwd()
        self._question: Question | None = None
        self._marked: Path | None = None
        self._replaceable: Path | None = None

    @property
    def is_open(self) -> bool:
        """Whether it waits for an answer."""
        return self._question is not None

    def ask(self, question: Question) -> None:
        """Show the dialog; nothing while one is open."""
        if self.is_open:
            return
        self._question = question
        self._marked = self._replaceable = None
        self._build(question)
        self._enter(self._folder)

    def _build(self, question: Question) -> None:
        look = self._look
        with dpg.window(
            label=question.title,
            tag=_WINDOW,
            modal=True,
            no_resize=True,
            no_collapse=True,
            no_docking=True,
            no_saved_settings=True,
            autosize=True,
            on_close=self._close,
            user_data=self._close,
        ):
            with dpg.group(horizontal=True):
                dpg.add_button(label="Up", width=look.px(50), callback=lambda: self._enter(self._folder.parent))
                dpg.add_button(label="Home", width=look.px(60), callback=lambda: self._enter(Path.home()))
                dpg.add_input_text(
                    tag="browser_path", width=look.px(_WIDTH_PX - 126), on_enter=True, callback=self._accept
                )
            dpg.add_child_window(tag="browser_list", width=look.px(_WIDTH_PX), height=look.px(_LIST_PX))
            dpg.add_text("", tag="browser_note", color=(*look.palette.quiet, 255))
            with dpg.group(horizontal=True):
                dpg.add_button(label=question.verb, tag="browser_ok", width=look.px(110), callback=self._accept)
                dpg.add_button(label="Cancel", tag="browser_cancel", width=look.px(90), callback=self._close)
                dpg.add_checkbox(
                    label="All files", tag="browser_all", callback=lambda: self._enter(self._folder, keep=True)
                )
        dpg.bind_item_theme("browser_ok", look.primary)
        left = (dpg.get_viewport_client_width() - look.px(_WIDTH_PX + 24)) // 2
        dpg.set_item_pos(_WINDOW, [max(0, left), look.px(120)])
        dpg.focus_item("browser_path")

    def _enter(self, folder: Path, *, keep: bool = False) -> None:
        question = self._question
        if question is None:
            return
        suffixes = None if dpg.get_value("browser_all") else question.suffixes
        try:
            folders, files = listing(folder, suffixes)
        except OSError as error:
            dpg.set_value("browser_note", f"{folder} cannot be read: {error.strerror or error}")
            return
        self._folder = folder
        if not keep:
            dpg.set_value("browser_path", str(folder / question.name) if question.name else f"{folder}{os.sep}")
        note = "" if files or suffixes is None else f"No files of the kinds {', '.join(question.suffixes)} here."
        dpg.set_value("browser_note", "Choose takes the folder in the line above." if question.wants_folder else note)
        dpg.delete_item("browser_list", children_only=True)
        for path in [*folders, *files][:_LARGEST_LISTING]:
            is_folder = path in folders if len(folders) < 50 else path.is_dir()
            dpg.add_selectable(
                label=f"{path.name}{os.sep if is_folder else ''}",
                parent="browser_list",
                user_data=(path, is_folder),
                callback=self._choose,
            )

    def _choose(self, sender: int | str, _value: object, chosen: tuple[Path, bool]) -> None:
        path, is_folder = chosen
        if is_folder:
            self._enter(path)
            return
        if self._marked == path:
            self._accept()
            return
        self._marked = path
        dpg.set_value("browser_path", str(path))
        for item in dpg.get_item_children("browser_list", 1):
            dpg.set_value(item, item == sender)

    def _accept(self) -> None:
        question = self._question
        if question is None:
            return
        path = Path(dpg.get_value("browser_path").strip().strip("\"'")).expanduser()
        if path.is_dir() and not (question.wants_folder and path == self._folder):
            self._enter(path)
            return
        if question.name and path.suffix.lower() not in question.suffixes:
            path = path.with_name(path.name + question.suffixes[0])
        if problem := self._problem(path, question):
            dpg.set_value("browser_note", problem)
            return
        self._folder = path if question.wants_folder else path.parent
        self._close()
        question.answer(path)

    def _problem(self, path: Path, question: Question) -> str:
        """Why this path is not taken, or not yet."""
        if question.wants_folder:
            return "" if path.is_dir() else f"There is no folder {path}."
        if not question.name:
            return "" if path.is_file() else f"There is no file {path}."
        if not path.parent.is_dir():
            return f"There is no folder {path.parent}."
        if path.exists() and self._replaceable != path:
            self._replaceable = path
            dpg.configure_item("browser_ok", label="Replace")
            return f"{path.name} exists: press Replace to write over it."
        return ""

    def _close(self) -> None:
        self._question = None
        dpg.delete_item(_WINDOW)
