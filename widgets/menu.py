"""The menu bar."""

from collections.abc import Callable
from dataclasses import dataclass

import dearpygui.dearpygui as dpg

from widgets.files import FileDialogs
from widgets.picture import PictureView, Sampling
from widgets.second_window import SecondWindow
from widgets.theme import Look

__all__ = ["Actions", "build_menu", "refresh_menu"]

_SAMPLINGS: tuple[tuple[Sampling, str], ...] = (
    ("auto", "Square pixels when small"),
    ("crisp", "Square pixels"),
    ("smooth", "Smooth"),
)
_ABOUT = (
    "Explore the latent space of the StyleGAN family by hand. Checkpoints are read as data: no code in them ever runs."
    "\n\nApache-2.0. The typeface is Inter, under the SIL Open Font License 1.1 (assets/fonts/OFL.txt)."
)
_KEYS = (
    ("Ctrl+O", "Open a model or a project"),
    ("Ctrl+S", "Save the project"),
    ("Ctrl+Z", "Undo"),
    ("Ctrl+Y, Ctrl+Shift+Z", "Redo"),
    ("F12", "Open or close the presentation window"),
    ("Ctrl+Q", "Quit"),
    ("R", "A random seed"),
    ("Arrow keys", "The seed beside, above or below"),
    ("Drag the picture", "Move through the seeds"),
    ("Ctrl+click a slider", "Type its value"),
    ("Right-click a slider", "Reset it"),
)


@dataclass(frozen=True, slots=True)
class Actions:
    """What the menu can set off beside the file dialogs."""

    undo: Callable[[], object]
    """Edit > Undo."""
    redo: Callable[[], object]
    """Edit > Redo."""
    presentation: Callable[[], None]
    """View > Presentation window."""
    reset_layout: Callable[[], None]
    """View > Reset layout."""
    quit: Callable[[], None]
    """File > Quit."""


def build_menu(look: Look, dialogs: FileDialogs, picture: PictureView, actions: Actions) -> None:
    """Make the bar."""

    def item(label: str, action: Callable[[], object], shortcut: str = "", tag: str | int = 0) -> None:
        dpg.add_menu_item(label=label, shortcut=shortcut, tag=tag, callback=lambda: action())

    with dpg.viewport_menu_bar():
        with dpg.menu(label="File", tag="menu_file"):
            item("Open…", dialogs.open_checkpoint, "Ctrl+O")
            item("Open project…", dialogs.open_project)
            dpg.add_separator()
            item("Save project", dialogs.save_project, "Ctrl+S", "menu_save")
            item("Save project as…", dialogs.save_project_as, "Ctrl+Shift+S", "menu_save_as")
            item("Save picture…", dialogs.save_picture, tag="menu_save_picture")
            dpg.add_separator()
            item("Quit", actions.quit, "Ctrl+Q")
        with dpg.menu(label="Edit", tag="menu_edit"):
            item("Undo", actions.undo, "Ctrl+Z", "menu_undo")
            item("Redo", actions.redo, "Ctrl+Y", "menu_redo")
        with dpg.menu(label="View", tag="menu_view"):
            with dpg.menu(label="Enlarge the picture with"):
                for sampling, words in _SAMPLINGS:
                    _sampling_item(sampling, words, picture)
            dpg.add_menu_item(
                label="Presentation window",
                tag=SecondWindow.item,
                shortcut="F12",
                check=True,
                callback=lambda: actions.presentation(),
            )
            dpg.add_separator()
            item("Reset layout", actions.reset_layout, tag="menu_reset_layout")
        with dpg.menu(label="Help", tag="menu_help"):
            item("Keys and mouse", lambda: _show(look, "Keys and mouse", _keys))
            item("About", lambda: _show(look, "Latent Explorer", lambda _: dpg.add_text(_ABOUT, wrap=look.px(400))))


def refresh_menu(*, has_model: bool, can_undo: bool, can_redo: bool) -> None:
    """Grey what cannot be done now."""
    wanted = {
        "menu_save": has_model,
        "menu_save_as": has_model,
        "menu_save_picture": has_model,
        "menu_undo": can_undo,
        "menu_redo": can_redo,
    }
    for tag, enabled in wanted.items():
        if dpg.is_item_enabled(tag) != enabled:
            dpg.configure_item(tag, enabled=enabled)


def _sampling_item(sampling: Sampling, words: str, picture: PictureView) -> None:
    def choose() -> None:
        picture.set_sampling(sampling)
        for other, _ in _SAMPLINGS:
            dpg.set_value(f"sampling_{other}", other == sampling)

    dpg.add_menu_item(
        label=words,
        tag=f"sampling_{sampling}",
        check=True,
        default_value=picture.sampling == sampling,
        callback=lambda: choose(),
    )


def _show(look: Look, title: str, fill: Callable[[Look], object]) -> None:
    with dpg.window(
        label=title,
        modal=True,
        no_resize=True,
        no_collapse=True,
        autosize=True,
        no_docking=True,
        no_saved_settings=True,
    ) as window:
        fill(look)
    dpg.configure_item(window, on_close=lambda: dpg.delete_item(window))
    dpg.set_item_pos(window, [dpg.get_viewport_client_width() // 2 - look.px(220), look.px(160)])


def _keys(look: Look) -> None:
    for keys, words in _KEYS:
        with dpg.group(horizontal=True, xoffset=look.px(190)):
            dpg.add_text(keys)
            dpg.add_text(words, color=(*look.palette.quiet, 255))
