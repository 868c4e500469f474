"""The menu bar, and the keys that it shows."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import dearpygui.dearpygui as dpg

from widgets.dialogs import open_dialog
from widgets.files import FileDialogs
from widgets.picture import PictureView
from widgets.preferences import BACKGROUNDS, SAMPLINGS, Preferences
from widgets.second_window import SecondWindow
from widgets.theme import Look

__all__ = ["KEYS", "Actions", "build_menu", "mark_choices", "refresh_menu"]

_ABOUT = (
    "Explore the latent space of the StyleGAN family by hand. Checkpoints are read as data: no code in them ever runs."
    "\n\nApache-2.0. The typeface is Inter, under the SIL Open Font License 1.1 (assets/fonts/OFL.txt)."
)
KEYS = (
    ("Ctrl+O", "Open a model, a project or a picture"),
    ("Ctrl+S, Ctrl+Shift+S", "Save the project, under another name"),
    ("Ctrl+E", "Save the picture"),
    ("Ctrl+Z", "Undo"),
    ("Ctrl+Y, Ctrl+Shift+Z", "Redo"),
    ("Ctrl+C", "Copy the seed"),
    ("Ctrl+Shift+C", "Copy the command line"),
    ("Ctrl+V", "Paste a photo to project"),
    ("Ctrl+0, Ctrl+1", "Fit the picture, pixel for pixel"),
    ("Ctrl++, Ctrl+-, wheel", "Zoom"),
    ("Middle button, Space+drag", "Move the enlarged picture"),
    ("F, held", "Flip the two pictures of a comparison"),
    ("F12", "Open or close the presentation window"),
    ("Escape", "Close a dialog or a small window, end a comparison"),
    ("Ctrl+Q", "Quit"),
    ("R", "A random seed"),
    ("Arrow keys", "The seed beside, above or below"),
    ("Drag the picture", "Move through the seeds"),
    ("Shift, Ctrl, both + drag", "Turn, scale, shear (Equivariance)"),
    ("Ctrl+click a slider", "Type its value"),
    ("Right-click a slider", "Reset it"),
)
"""Keys and what the mouse does with them; the guide has the same table."""
_HAS_MODEL = (
    "menu_save",
    "menu_save_as",
    "menu_save_picture",
    "menu_copy_seed",
    "menu_copy_command",
    "menu_fit",
    "menu_one_to_one",
    "menu_zoom_in",
    "menu_zoom_out",
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
    copy_seed: Callable[[], None]
    """Edit > Copy seed."""
    copy_command: Callable[[], None]
    """Edit > Copy command line."""
    reset_layout: Callable[[], None]
    """View > Reset layout."""
    guide: Callable[[], None]
    """Help > User guide."""
    tour: Callable[[], None]
    """Help > Tour."""
    quit: Callable[[], None]
    """File > Quit."""


def build_menu(
    look: Look, dialogs: FileDialogs, picture: PictureView, preferences: Preferences, actions: Actions
) -> None:
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
            item("Save picture…", dialogs.save_picture, "Ctrl+E", "menu_save_picture")
            dpg.add_separator()
            item("Quit", actions.quit, "Ctrl+Q", "menu_quit")
        with dpg.menu(label="Edit", tag="menu_edit"):
            item("Undo", actions.undo, "Ctrl+Z", "menu_undo")
            item("Redo", actions.redo, "Ctrl+Y", "menu_redo")
            dpg.add_separator()
            item("Copy seed", actions.copy_seed, "Ctrl+C", "menu_copy_seed")
            item("Copy command line", actions.copy_command, "Ctrl+Shift+C", "menu_copy_command")
            dpg.add_separator()
            item("Preferences…", preferences.open, tag="menu_preferences")
        with dpg.menu(label="View", tag="menu_view"):
            item("Fit", picture.fit, "Ctrl+0", "menu_fit")
            item("Pixel for pixel", picture.one_to_one, "Ctrl+1", "menu_one_to_one")
            item("Zoom in", lambda: picture.zoom_by(1), "Ctrl++", "menu_zoom_in")
            item("Zoom out", lambda: picture.zoom_by(-1), "Ctrl+-", "menu_zoom_out")
            dpg.add_separator()
            with dpg.menu(label="Enlarge with"):
                for sampling, words in SAMPLINGS.items():
                    _choice(f"sampling_{sampling}", words, partial(preferences.set_sampling, sampling))
            with dpg.menu(label="Background"):
                for background, words in BACKGROUNDS.items():
                    _choice(f"background_{background}", words, partial(preferences.set_background, background))
            dpg.add_separator()
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
            item("User guide", actions.guide, tag="menu_guide")
            item("Tour", actions.tour, tag="menu_tour")
            item(
                "Keys and mouse",
                lambda: open_dialog(look, "keys", "Keys and mouse", lambda: _keys(look)),
                tag="menu_keys",
            )
            item("About", lambda: open_dialog(look, "about", "Latent Explorer", lambda: _about(look)))


def refresh_menu(*, has_model: bool, can_undo: bool, can_redo: bool) -> None:
    """Grey what cannot be done now."""
    wanted = {**dict.fromkeys(_HAS_MODEL, has_model), "menu_undo": can_undo, "menu_redo": can_redo}
    for tag, enabled in wanted.items():
        if dpg.is_item_enabled(tag) != enabled:
            dpg.configure_item(tag, enabled=enabled)


def mark_choices(picture: PictureView) -> None:
    """Tick in the View menu what holds."""
    for sampling in SAMPLINGS:
        dpg.set_value(f"sampling_{sampling}", picture.sampling == sampling)
    for background in BACKGROUNDS:
        dpg.set_value(f"background_{background}", picture.background == background)


def _choice(tag: str, words: str, choose: Callable[[], None]) -> None:
    dpg.add_menu_item(label=words, tag=tag, check=True, callback=lambda: choose())


def _about(look: Look) -> None:
    dpg.add_text(_ABOUT, wrap=look.px(400))


def _keys(look: Look) -> None:
    # One text a column: lines of a page to read stand closer than controls.
    with dpg.group(horizontal=True, xoffset=look.px(210)):
        dpg.add_text("\n".join(keys for keys, _ in KEYS))
        dpg.add_text("\n".join(words for _, words in KEYS), color=(*look.palette.quiet, 255))
