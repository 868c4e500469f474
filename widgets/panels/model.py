"""Model: what is open, what else there is, and where it computes."""

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec
from widgets.controls import Kit, caption_row, set_enabled, show_value, tooltip
from widgets.files import FileDialogs
from widgets.model_facts import FACTS, facts
from widgets.panels.computing import ComputeRows
from widgets.panels.library import Library
from widgets.panels.model_details import ModelDetails
from widgets.settings import SettingsStore
from widgets.shelves import known_models

__all__ = ["ModelPanel"]

_NO_MODEL = "No model open"
_CHOOSE = "Choose…"
_KINDS = (
    "A checkpoint, a project or a picture that the app saved. A checkpoint is read as data: no code in it ever runs. "
    "Files can be dropped on the window, too."
)
_KNOWN = "Opened before, the newest first, then those that come with the app."
_BROWSE = "Training runs and models in a folder of yours, each run with its newest snapshot first."
_UNLOAD = "Close the model and give its memory back. Your work stays: opening a model goes on where you were."


class ModelPanel:
    """Open a model, its facts, its device and precision."""

    title = "Model"

    def __init__(self, kit: Kit, dialogs: FileDialogs, store: SettingsStore) -> None:
        self._kit = kit
        self._dialogs = dialogs
        self._known: dict[str, str] = {}
        self._failed: object = None
        self._library = Library(kit, dialogs, store)
        self._details = ModelDetails(kit)
        self._compute = ComputeRows(kit, store)

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        with dpg.group(horizontal=True):
            for name, label, width, act in (
                ("open", "Open…", look.px(86), self._dialogs.open_checkpoint),
                ("browse", "Browse…", look.px(86), self._library.toggle),
                ("unload", "Unload", -1, self._kit.session.unload),
            ):
                dpg.add_button(tag=f"model_{name}", label=label, width=width, user_data=act, callback=_act)
        dpg.bind_item_theme("model_open", look.primary)
        for tag, words in (("model_open", _KINDS), ("model_browse", _BROWSE), ("model_unload", _UNLOAD)):
            tooltip(look, tag, words)
        dpg.add_input_text(
            tag="model_path",
            hint="or type a path or address, Enter opens",
            width=-1,
            on_enter=True,
            callback=self._open_typed,
        )
        with caption_row(look, "Recent", _KNOWN):
            dpg.add_combo((), tag="model_known", width=-1, callback=self._open_known)
        self._build_failure()
        dpg.add_spacer(height=look.px(1))
        with dpg.group(horizontal=True, xoffset=look.px(198)):
            dpg.bind_item_font(dpg.add_text(_NO_MODEL, tag="model_name"), look.strong)
            dpg.add_button(tag="model_details", label="Details…", width=-1, callback=self._details.toggle)
        tooltip(look, "model_details", "Everything that the file says: data, metrics, limits, notes, its card.")
        for name in FACTS:
            with caption_row(look, name):
                dpg.add_text("–", tag=f"fact_{name.lower()}")
        self._compute.build()

    def _build_failure(self) -> None:
        look, session = self._kit.look, self._kit.session
        with dpg.group(tag="model_failure", show=False):
            dpg.add_text("", tag="model_error", wrap=0, color=(*look.palette.error, 255))
            with dpg.group(horizontal=True):
                dpg.add_button(
                    tag="model_again",
                    label="Try again",
                    width=look.px(110),
                    callback=lambda: self._dialogs.open_again(),
                )
                dpg.add_button(
                    tag="model_forget", label="Never mind", width=look.px(110), callback=lambda: session.forget_failed()
                )

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show the open model."""
        session = self._kit.session
        show_value("model_name", session.model_name or _NO_MODEL)
        set_enabled(("model_details", "model_unload"), spec is not None)
        known = known_models(session.recent, session.bundled)
        # In order, too: dicts of another order are equal.
        if list(known) != list(self._known):
            dpg.configure_item("model_known", items=list(known))
        self._known = known
        hint = state.checkpoint.hint if state.checkpoint and spec else ""
        show_value("model_known", next((label for label, source in known.items() if source == hint), _CHOOSE))
        for name, value in zip(FACTS, facts(spec, session.info), strict=True):
            show_value(f"fact_{name.lower()}", value)
        self._details.refresh(spec)
        self._compute.refresh(spec)

    def poll(self, now_s: float) -> bool:
        """Take in what was found, what failed, and where the model computes now."""
        failed = self._kit.session.failed_opening
        if changed := failed is not self._failed:
            self._failed = failed
            dpg.configure_item("model_failure", show=failed is not None)
            show_value("model_error", "" if failed is None else str(failed.error))
        return any((changed, self._library.poll(), self._compute.poll()))

    def _open_typed(self, _sender: int | str, path: str) -> None:
        if path.strip():
            self._dialogs.open(path.strip().strip("\"'"))

    def _open_known(self, _sender: int | str, label: str) -> None:
        if label in self._known:
            self._dialogs.open(self._known[label])


def _act(_sender: int | str, _value: object, act: object) -> None:
    assert callable(act)
    act()
