"""A run as it goes: what it does, its plots, its pictures, and the buttons that stop it and open its model."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from explorer.errors import StateError
from explorer.session.training import RunView, TrainingRun
from widgets.controls import Item, Kit, set_enabled, show_value, tooltip
from widgets.layout import Place
from widgets.training.board import Board
from widgets.training.plots import Plots
from widgets.training.words import pace_in_words, progress_in_words, status_in_words

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["RunPane", "is_of_run"]

_PADDING_PX = 12
_SLIDER_PX = 30
_LEAST_PX = (130, 120)
_TOLD = 3
_CAPTION_ROOM_PX = 24
_BAD = ("nan", "collapse", "memory", "snapshot")


def is_of_run(session: "Session", folder: Path) -> bool:
    """Whether the open model is a snapshot of a run."""
    reference = session.state.checkpoint
    return session.spec is not None and reference is not None and Path(reference.hint).parent == folder


class RunPane:
    """One run.

    Args:
        kit: Look and session.
        say: Tells a person something.
        leave: Goes to the form for a new run.
    """

    def __init__(self, kit: Kit, say: Callable[[str, str], None], leave: Callable[[], None]) -> None:
        self._kit = kit
        self._say = say
        self._leave = leave
        self._plots = Plots(kit.look)
        self.board = Board(kit.look)
        """Its pictures."""
        self.run: TrainingRun | None = None
        """What is shown; ``None`` before there is one."""
        self.paused = False
        """Whether it was stopped to go on later."""
        self._seen: RunView | None = None
        self._told = 0
        self._followed: Path | None = None
        self._fitted: tuple[object, ...] = ()

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        with dpg.group(horizontal=True):
            dpg.add_text("", tag="training_name")
            dpg.bind_item_font("training_name", look.strong)
            dpg.add_text("", tag="training_status", color=(*look.palette.accent, 255))
        dpg.add_text("", tag="training_pace", wrap=0, color=(*look.palette.quiet, 255))
        dpg.add_progress_bar(tag="training_progress", width=-1, height=look.px(20))
        with dpg.group(horizontal=True):
            # First what is always there: a row whose first item is hidden would stand beside the line above.
            self._button("open", "Open newest", 112, self._open)
            dpg.add_checkbox(tag="training_follow", label="Follow", callback=self._toggle_follow)
            self._button("pause", "Pause", 84, self._pause)
            self._button("stop", "Stop", 70, self._stop)
            self._button("kill", "End now", 84, self._kill)
            self._button("resume", "Resume", 84, self._resume)
            self._button("new", "New run…", 92, self._leave)
        tooltip(look, "training_pause", "Saves, and gives processor and memory back. Resume goes on exactly there.")
        tooltip(look, "training_stop", "Saves, and ends the run. It can be resumed at any time.")
        tooltip(look, "training_kill", "Does not wait for the step and the snapshot: what is not saved is lost.")
        tooltip(look, "training_open", "Shows the newest snapshot as the model.")
        tooltip(
            look,
            "training_follow",
            "Shows every new snapshot, with the latents and settings of all panels.",
        )
        dpg.bind_item_theme("training_open", look.primary)
        dpg.add_text("", tag="training_error", wrap=0, color=(*look.palette.error, 255), show=False)
        for place in range(_TOLD):
            dpg.add_text("", tag=f"training_told_{place}", wrap=0, show=False)
        self._plots.build()
        self.board.build()
        dpg.add_slider_int(tag="training_sheet", width=-1, format="", show=False, callback=self._show_sheet)
        tooltip(look, "training_sheet", "Earlier pictures of the same latents. Rightmost: always the newest.")

    def _button(self, name: str, label: str, width: int, act: Callable[[], None]) -> None:
        tag = f"training_{name}"
        dpg.add_button(tag=tag, label=label, width=self._kit.look.px(width), callback=lambda: act())

    def show(self, run: TrainingRun) -> None:
        """Show another run."""
        self.run = run
        self.paused = False
        self._seen = self._followed = None
        self._told = len(run.view.told)
        show_value("training_follow", False)

    def poll(self, *, in_sight: bool) -> bool:
        """Show what is new; true when something changed."""
        run = self.run
        if run is None:
            return False
        view = run.view
        if view is not self._seen:
            self._tell(view, in_sight=in_sight)
        self._follow(view)
        if not in_sight:
            return False
        changed = view is not self._seen
        self._seen = view
        if changed:
            self._show(view)
        return self._fit(view) or changed

    def _show(self, view: RunView) -> None:
        palette = self._kit.look.palette
        show_value("training_name", view.folder.name)
        bad = view.status in ("failed", "interrupted")
        dpg.configure_item("training_status", color=(*(palette.error if bad else palette.accent), 255))
        show_value("training_status", status_in_words(view, paused=self.paused))
        show_value("training_pace", pace_in_words(view, time.time()))
        dpg.configure_item("training_progress", overlay=progress_in_words(view))
        dpg.set_value("training_progress", view.share)
        stoppable = view.status in ("starting", "running")
        for name, shown in (
            ("pause", stoppable),
            ("stop", stoppable),
            ("kill", view.status == "stopping"),
            ("resume", not view.is_live),
        ):
            dpg.configure_item(f"training_{name}", show=shown)
        set_enabled(("training_resume",), not view.is_live and view.status != "finished")
        set_enabled(("training_open",), view.snapshot is not None)
        _show_text("training_error", view.error)
        for place in range(_TOLD):
            told = view.told[-_TOLD:][place] if place < len(view.told[-_TOLD:]) else None
            item = f"training_told_{place}"
            _show_text(item, f"{told.kimg:,.4g} kimg: {told.text}" if told is not None else "")
            if told is not None:
                dpg.configure_item(item, color=(*(palette.error if told.kind in _BAD else palette.accent), 255))
        self._plots.show(view)
        several = view.grids.count > 1
        dpg.configure_item("training_sheet", show=several, max_value=max(view.grids.count - 1, 1))
        if several and not dpg.is_item_active("training_sheet"):
            show_value("training_sheet", view.grids.index)

    def _fit(self, view: RunView) -> bool:
        """Share what is left of the panel between plots and pictures."""
        look, place = self._kit.look, int(Place.TRAINING)
        bottom = dpg.get_item_pos(place)[1] + dpg.get_item_height(place) - look.px(_PADDING_PX)
        # Where the plots would begin if nothing were scrolled.
        top = dpg.get_item_rect_min("training_plot_loss")[1] + dpg.get_y_scroll(place)
        width = dpg.get_item_width(place) - look.px(2 * _PADDING_PX)
        slider = look.px(_SLIDER_PX) if view.grids.count > 1 else 0
        room = int(bottom - top) - slider - look.px(16)
        pictures = max(look.px(_LEAST_PX[1]), min(round(room * 0.48), _pictures_height(view, width // 2)))
        plots = max(look.px(_LEAST_PX[0]), room - pictures)
        self._plots.set_size(width, plots)
        return self.board.show(view.grids, (max(width, 1), pictures))

    def _tell(self, view: RunView, *, in_sight: bool) -> None:
        """Say it where it is seen, when this panel is behind others."""
        before = self._seen
        new = view.told[self._told :] if len(view.told) >= self._told else view.told
        self._told = len(view.told)
        if in_sight or before is None:
            return
        for told in new:
            self._say("warning", f"{view.folder.name}: {told.text}")
        if before.is_live and not view.is_live:
            level = "error" if view.error else "info"
            self._say(level, f"{view.folder.name}: {view.error or status_in_words(view, paused=self.paused).lower()}")
            self._seen = view

    def _follow(self, view: RunView) -> None:
        session = self._kit.session
        if not dpg.get_value("training_follow") or view.snapshot is None or view.snapshot == self._followed:
            return
        # Somebody else's model is not pushed aside.
        if is_of_run(session, view.folder) and session.follow(view.snapshot) is not None:
            self._followed = view.snapshot

    def _toggle_follow(self, _sender: Item, on: bool) -> None:
        if on and self.run is not None and not is_of_run(self._kit.session, self.run.folder):
            self._open()

    def _open(self) -> None:
        session, run = self._kit.session, self.run
        if run is None or run.view.snapshot is None:
            return
        self._followed = run.view.snapshot
        if is_of_run(session, run.folder):
            session.follow(run.view.snapshot)
        else:
            session.open(run.view.snapshot)

    def _pause(self) -> None:
        self.paused = True
        self._stop_run()

    def _stop(self) -> None:
        self.paused = False
        self._stop_run()

    def _stop_run(self) -> None:
        if self.run is not None:
            self.run.stop()

    def _kill(self) -> None:
        if self.run is not None:
            self.run.kill()

    def _resume(self) -> None:
        if self.run is None:
            return
        follow = bool(dpg.get_value("training_follow"))
        try:
            self.show(self._kit.session.training.resume(self.run.folder))
        except StateError as error:
            self._say("error", str(error))
            return
        show_value("training_follow", follow)

    def _show_sheet(self, _sender: Item, index: int) -> None:
        if self.run is not None:
            newest = self.run.view.grids.count - 1
            self.run.show_grid(None if index >= newest else index)


def _pictures_height(view: RunView, width: int) -> int:
    """How high the pictures can become in half the panel, with the line above them."""
    sheet = view.grids.fakes if view.grids.fakes is not None else view.grids.reals
    return 10_000 if sheet is None else round(width * sheet.shape[0] / sheet.shape[1]) + _CAPTION_ROOM_PX


def _show_text(item: str, text: str) -> None:
    show_value(item, text)
    if dpg.is_item_shown(item) != bool(text):
        dpg.configure_item(item, show=bool(text))
