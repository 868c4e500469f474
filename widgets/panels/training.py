"""Training: a data set, what a run is to be, and the run as it goes. The trainer is a process of its own."""

from collections.abc import Callable, Sequence
from pathlib import Path

import dearpygui.dearpygui as dpg

from explorer.session.training import TrainingRun, holds_pictures, is_run
from explorer.state import EditState, GeneratorSpec
from widgets.controls import Kit, heading, tooltip
from widgets.files import FileDialogs
from widgets.layout import Place
from widgets.settings import RECENT, SettingsStore
from widgets.texture import PictureTexture
from widgets.training.data_choice import DataChoice
from widgets.training.plan_form import PlanForm
from widgets.training.run_pane import RunPane

__all__ = ["TrainingPanel"]


class TrainingPanel:
    """A form for a new run, or a run; one of them is shown."""

    title = "Training"

    def __init__(self, kit: Kit, dialogs: FileDialogs, say: Callable[[str, str], None], store: SettingsStore) -> None:
        self._kit = kit
        self._dialogs = dialogs
        self._say = say
        self._store = store
        self._form = PlanForm(kit, dialogs, store, self._show_run)
        self._data = DataChoice(kit, dialogs, store, lambda: self._form.take(self._data.report))
        self._pane = RunPane(kit, say, self._leave_run)
        self._begun = self._looked_at_devices = False

    def attach(self, texture: PictureTexture) -> None:
        """Draw the pictures of a run with this texture."""
        self._pane.board.attach(texture)

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        with dpg.group(tag="training_form"):
            with dpg.group(horizontal=True):
                heading(look, "Train a model")
                dpg.add_button(
                    tag="training_back", label="Back to the run", show=False, callback=lambda: self._switch(to_run=True)
                )
                dpg.add_button(tag="training_other", label="Open a run…", callback=self._choose_run)
                dpg.add_combo(
                    tag="training_runs", no_preview=True, callback=lambda _sender, folder: self._open_run(Path(folder))
                )
            tooltip(look, "training_runs", "Runs of late, the newest first")
            dpg.add_spacer(height=look.px(2))
            self._data.build()
            dpg.add_separator()
            self._form.build()
        with dpg.group(tag="training_run", show=False):
            self._pane.build()

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Nothing: what is shown here is no state."""

    def poll(self, now_s: float) -> bool:
        """Follow data set, cost and run."""
        if not self._begun:
            self._begun = True
            self._find_run()
        in_sight = bool(dpg.is_item_visible(int(Place.TRAINING)))
        if in_sight and not self._looked_at_devices:
            self._looked_at_devices = True
            self._form.look_at_devices()
        showing_run = bool(dpg.is_item_shown("training_run"))
        changed = self._pane.poll(in_sight=in_sight and showing_run)
        if showing_run:
            return changed
        return any((self._data.poll(), self._form.poll(), changed))

    def receive(self, paths: Sequence[Path]) -> tuple[Path, ...]:
        """Take the last dropped data set or run."""
        for path in reversed(paths):
            if is_run(path):
                self._show_run(self._kit.session.training.watch(path))
            elif holds_pictures(path):
                self._switch(to_run=False)
                self._data.choose(path)
            else:
                continue
            dpg.focus_item(int(Place.TRAINING))
            return (path,)
        return ()

    def _show_run(self, run: TrainingRun) -> None:
        self._pane.show(run)
        runs = (str(run.folder), *self._store.settings.training_runs)
        self._store.change(training_run=str(run.folder), training_runs=tuple(dict.fromkeys(runs))[:RECENT])
        self._switch(to_run=True)

    def _leave_run(self) -> None:
        self._store.change(training_run="")
        self._switch(to_run=False)

    def _switch(self, *, to_run: bool) -> None:
        dpg.configure_item("training_run", show=to_run)
        dpg.configure_item("training_form", show=not to_run)
        dpg.configure_item("training_back", show=self._pane.run is not None)
        self._list_runs()
        # So that a folder of its own is proposed for the next one.
        self._form.take(self._data.report)

    def _find_run(self) -> None:
        """Show again a run that still goes on, or else the one that was shown last."""
        kept, training = self._store.settings, self._kit.session.training
        live = [folder for folder in kept.training_runs if training.is_live(Path(folder))]
        found = [folder for folder in (*live, kept.training_run) if folder and is_run(Path(folder))]
        if found:
            self._show_run(training.watch(Path(found[0])))
        else:
            self._list_runs()

    def _list_runs(self) -> None:
        runs = list(self._store.settings.training_runs)
        dpg.configure_item("training_runs", items=runs, show=bool(runs))

    def _choose_run(self) -> None:
        self._dialogs.choose_folder("Open the folder of a run", self._open_run)

    def _open_run(self, folder: Path) -> None:
        if is_run(folder):
            self.receive((folder,))
        else:
            self._say("error", f"{folder} is not the folder of a training run: it holds no log.jsonl")
