"""What a run is to be: preset, folder, length, start; what it will cost; and the button that starts it."""

import time
from collections.abc import Callable
from pathlib import Path

import dearpygui.dearpygui as dpg

from explorer.errors import StateError
from explorer.session.training import (
    PRESETS,
    Asked,
    Cost,
    DatasetReport,
    TrainingPlan,
    TrainingRun,
    free_folder,
    is_run,
    model_file,
    split_options,
)
from widgets.controls import Kit, caption_row, on_release, set_enabled, show_value, tooltip
from widgets.files import FileDialogs
from widgets.settings import SettingsStore
from widgets.training.words import cost_in_words

__all__ = ["PlanForm", "runs_folder"]

_CAPTION_PX = 84
_DEVICES = {"Processor": "cpu", "GPU": "cuda"}
_PROBE = "What will it cost?"


def runs_folder(store: SettingsStore) -> Path:
    """Where new runs lie unless a person says otherwise."""
    kept = store.settings.runs_folder
    return Path(kept) if kept else Path.home() / "latent-explorer" / "runs"


class PlanForm:
    """The lower part of the form.

    Args:
        kit: Look and session.
        dialogs: To choose a folder with.
        store: Where runs lie.
        started: Told of a run that was started.
    """

    def __init__(
        self, kit: Kit, dialogs: FileDialogs, store: SettingsStore, started: Callable[[TrainingRun], None]
    ) -> None:
        self._kit = kit
        self._dialogs = dialogs
        self._store = store
        self._started = started
        self._report: DatasetReport | None = None
        self._cost: Asked[Cost] | None = None
        self._complaint = ""
        self._named = False
        self._drawn: tuple[object, ...] = ()

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        quiet = (*look.palette.quiet, 255)
        with caption_row(look, "Preset", width_px=_CAPTION_PX):
            dpg.add_combo(list(PRESETS), tag="training_preset", width=look.px(124), default_value="auto")
            dpg.add_text(PRESETS["auto"], tag="training_preset_words", color=quiet)
        with caption_row(look, "Folder", "Of the run: log, pictures, snapshots.", width_px=_CAPTION_PX):
            dpg.add_input_text(tag="training_folder", width=-look.px(92), hint="where the run is to lie")
            dpg.add_button(label="Choose…", width=look.px(84), callback=self._choose_folder)
        on_release("training_folder", self._name_folder)
        with caption_row(look, "Length", "Thousands of pictures shown.", width_px=_CAPTION_PX):
            dpg.add_input_float(
                tag="training_kimg", width=look.px(124), default_value=1000, min_value=0.001, min_clamped=True, step=0,
                format="%.6g",
            )  # fmt: skip
            dpg.add_text("kimg", color=quiet)
            dpg.add_spacer(width=look.px(10))
            dpg.add_text("Device", color=quiet)
            dpg.add_combo(list(_DEVICES), tag="training_device", width=look.px(112), default_value="Processor")
            dpg.add_text("", tag="training_no_gpu", color=quiet)
        with caption_row(look, "Start", width_px=_CAPTION_PX):
            dpg.add_checkbox(tag="training_transfer", label="from the open model")
        tooltip(look, "training_transfer", "Every part that fits by name and shape is taken: best with few pictures.")
        with caption_row(look, "Options", width_px=_CAPTION_PX):
            dpg.add_input_text(
                tag="training_options", width=-1, hint="more of the trainer's command line, as --batch 8 --xflip"
            )
        dpg.add_spacer(height=look.px(2))
        with dpg.group(horizontal=True, indent=look.px(_CAPTION_PX)):
            dpg.add_button(tag="training_start", label="Start", width=look.px(110), callback=self._start)
            dpg.add_button(tag="training_cost", label=_PROBE, width=look.px(160), callback=self._measure)
            dpg.add_text("", tag="training_why_not", color=quiet)
        dpg.bind_item_theme("training_start", look.primary)
        tooltip(look, "training_cost", "Trains a throw-away model for ten seconds: memory, speed and the expected end.")
        with dpg.group(indent=look.px(_CAPTION_PX)):
            dpg.add_text("", tag="training_complaint", wrap=0, color=(*look.palette.error, 255), show=False)
            dpg.add_text("", tag="training_cost_words", wrap=0, show=False)
            dpg.add_text("", tag="training_reasons", wrap=0, color=quiet, show=False)

    def take(self, report: DatasetReport | None) -> None:
        """Plan for another data set."""
        self._report = report
        self._complaint = ""
        self._give_up()
        if report is not None and not self._named:
            show_value("training_folder", str(free_folder(runs_folder(self._store), report.path)))

    def poll(self) -> bool:
        """Show what is known by now; true when that changed."""
        cost = self._cost
        if cost is not None and cost.job.done and cost.job.error:
            self._complaint, self._cost = cost.job.error, None
        folder = Path(str(dpg.get_value("training_folder")))
        drawn = (
            self._report,
            self._cost,
            cost is not None and cost.job.done,
            self._complaint,
            dpg.get_value("training_preset"),
            str(folder),
            self._kit.session.model_name,
        )
        if drawn == self._drawn:
            return False
        self._drawn = drawn
        self._show(folder)
        return True

    def look_at_devices(self) -> None:
        """Grey what this machine cannot do. Needs torch, so not at the start."""
        _, gpu = self._kit.session.computes_on()[0]
        if gpu.reason:
            show_value("training_no_gpu", "No GPU here")
            tooltip(self._kit.look, "training_no_gpu", gpu.reason)
        set_enabled(("training_device",), not gpu.reason)

    def _show(self, folder: Path) -> None:
        show_value("training_preset_words", PRESETS[str(dpg.get_value("training_preset"))])
        report, cost = self._report, self._cost
        ready = report is not None and report.can_be_trained_on
        measuring = cost is not None and not cost.job.done
        goes_on = str(folder) != "." and is_run(folder)
        set_enabled(("training_start",), ready and not measuring)
        set_enabled(("training_cost",), ready)
        dpg.set_item_label("training_start", "Resume" if goes_on else "Start")
        dpg.set_item_label("training_cost", "Stop measuring" if measuring else _PROBE)
        why = "" if ready else "Choose a data set first." if report is None else "Not a data set to train on yet."
        show_value("training_why_not", "Training for ten seconds…" if measuring else why)
        name = self._kit.session.model_name if model_file(self._kit.session.state.checkpoint) else ""
        dpg.set_item_label("training_transfer", f"from the open model, {name}" if name else "from the open model")
        set_enabled(("training_transfer",), bool(name))
        words = cost_in_words(cost.answer, time.time()) if cost is not None and cost.answer is not None else ""
        if goes_on and not words:
            words = "There is a run in this folder: it goes on from its last snapshot, with its own settings."
        _show_text("training_complaint", self._complaint)
        _show_text("training_cost_words", words)
        reasons = cost.answer.notes if cost is not None and cost.answer is not None else ()
        _show_text("training_reasons", "\n".join(reasons))

    def _plan(self) -> TrainingPlan | None:
        self._complaint = ""
        folder = str(dpg.get_value("training_folder")).strip()
        if self._report is None or not folder:
            self._complaint = "Name a folder for the run."
            return None
        try:
            options = split_options(str(dpg.get_value("training_options")))
        except StateError as error:
            self._complaint = str(error)
            return None
        return TrainingPlan(
            data=self._report.path,
            folder=Path(folder).expanduser(),
            preset=str(dpg.get_value("training_preset")),
            kimg=float(f"{dpg.get_value('training_kimg'):.6g}"),
            device=_DEVICES[str(dpg.get_value("training_device"))],
            start_from=model_file(self._kit.session.state.checkpoint) if dpg.get_value("training_transfer") else None,
            options=options,
        )

    def _measure(self) -> None:
        if self._cost is not None and not self._cost.job.done:
            self._give_up()
            return
        plan = self._plan()
        if plan is not None:
            self._cost = self._kit.session.training.cost(plan)

    def _give_up(self) -> None:
        if self._cost is not None:
            self._cost.job.cancel()
        self._cost = None

    def _start(self) -> None:
        plan = self._plan()
        if plan is None:
            return
        try:
            run = self._kit.session.training.start(plan)
        except StateError as error:
            self._complaint = str(error)
            return
        self._named = False
        self._started(run)

    def _choose_folder(self) -> None:
        def answer(folder: Path) -> None:
            # A folder with other things in it is where runs lie; one of a run is that run.
            data = self._report.path if self._report is not None else Path("run")
            show_value("training_folder", str(folder if is_run(folder) else free_folder(folder, data)))
            if not is_run(folder):
                self._store.change(runs_folder=str(folder))
            self._named = True

        self._dialogs.choose_folder("Where runs lie", answer)

    def _name_folder(self) -> None:
        self._named = bool(str(dpg.get_value("training_folder")).strip())


def _show_text(item: str, text: str) -> None:
    show_value(item, text)
    if dpg.is_item_shown(item) != bool(text):
        dpg.configure_item(item, show=bool(text))
