"""Points: what a person saved to come back to, and the ways between them."""

from dataclasses import replace

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec, Point, along
from widgets.controls import Kit, caption_row, on_release, set_enabled, show_value, tooltip
from widgets.panels.point_list import PointList
from widgets.player import Player
from widgets.point_edits import fresh_name, path_words, restored, without

__all__ = ["PointsPanel"]

_ABOUT = "Points are part of the project: they are saved with it, and come back after a crash."
_PATH = (
    "The way through the points that are ticked, in order: styles, sliders and truncation are blended in W, and what "
    "cannot be blended changes half way."
)
_EMPTY = "Nothing saved yet. Save what is shown to come back to it, or to move between saved points."


class PointsPanel:
    """Save, recall, rename, order and delete points; a slider and a loop through them."""

    title = "Points"

    def __init__(self, kit: Kit, player: Player) -> None:
        self._kit = kit
        self._player = player
        self._list = PointList(kit, self._delete)
        self._deleted: tuple[int, Point] | None = None
        self._seen: tuple[object, ...] = ()
        self._stops: tuple[tuple[str, EditState], ...] = ()

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        with dpg.group(horizontal=True):
            dpg.add_input_text(tag="point_name", hint="name", width=look.px(-96), on_enter=True, callback=self._save)
            dpg.add_button(tag="point_save", label="Save point", width=-1, callback=self._save)
        dpg.bind_item_theme("point_save", look.primary)
        tooltip(look, "point_save", "Keep everything that makes the picture under this name. " + _ABOUT)
        with caption_row(look, "Path", _PATH, width_px=44):
            dpg.add_slider_float(tag="path", width=look.px(-66), min_value=0, max_value=1, clamped=True)
            dpg.set_item_callback("path", self._slide)
            dpg.add_button(tag="path_play", label="Play", width=-1, callback=self._play)
        on_release("path", self._release)
        tooltip(look, "path", _PATH)
        tooltip(look, "path_play", "Go through the points; how fast and how it ends, the Animation panel says.")
        with dpg.group(horizontal=True, tag="point_deleted", show=False):
            dpg.add_text("", tag="point_deleted_words", color=(*look.palette.quiet, 255))
            dpg.add_button(tag="point_undelete", label="Undo", small=True, callback=self._undelete)
        dpg.add_text(_EMPTY, tag="point_note", color=(*look.palette.quiet, 255), wrap=0)
        self._list.build()

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Mark the point that is shown."""
        set_enabled(("point_name", "point_save"), spec is not None)
        self._list.mark(state)

    def poll(self, now_s: float) -> bool:
        """Follow the points, which are no part of the state, and the player."""
        session = self._kit.session
        seen = (session.points, session.spec, session.state.checkpoint, self._list.left_out)
        changed = len(seen) != len(self._seen) or any(
            new is not old for new, old in zip(seen, self._seen, strict=False)
        )
        if changed:
            self._seen = seen
            self._follow()
        playing = self._player.kind == "points"
        if dpg.get_item_label("path_play") != ("Pause" if playing else "Play"):
            dpg.configure_item("path_play", label="Pause" if playing else "Play")
            dpg.bind_item_theme("path_play", self._kit.look.chosen if playing else 0)
        return self._list.poll() or changed

    def _follow(self) -> None:
        session, points = self._kit.session, self._kit.session.points
        fitted = tuple(session.fitted(point.state) for point in points)
        self._list.show(points, fitted)
        self._stops = tuple(
            (point.name, state) for point, state in zip(points, fitted, strict=True) if point not in self._list.left_out
        )
        dpg.configure_item("point_note", show=not points)
        usable = session.spec is not None and len(self._stops) > 1
        set_enabled(("path", "path_play"), usable)
        dpg.configure_item("path", max_value=max(1, len(self._stops) - 1))
        self._name_position(dpg.get_value("path") if usable else None)
        if self._deleted is not None and self._deleted[1] in points:
            self._deleted = None
        deleted = self._deleted
        dpg.configure_item("point_deleted", show=deleted is not None)
        show_value("point_deleted_words", f"“{deleted[1].name}” deleted" if deleted else "")

    def _save(self) -> None:
        session = self._kit.session
        if session.spec is not None:
            session.keep_point(dpg.get_value("point_name").strip() or fresh_name(session.points))
            self._deleted = None
            dpg.set_value("point_name", "")

    def _delete(self, index: int) -> None:
        self._deleted = (index, self._kit.session.points[index])
        self._kit.session.points = without(self._kit.session.points, index)

    def _undelete(self) -> None:
        if self._deleted is not None:
            index, point = self._deleted
            self._kit.session.points = restored(self._kit.session.points, index, point)

    def _name_position(self, position: float | None) -> None:
        words = "save two points" if position is None else path_words([name for name, _ in self._stops], position)
        # The slider's own format, where a percent sign would begin a number.
        dpg.configure_item("path", format=words.replace("%", "%%"))

    def _slide(self, _sender: int | str, position: float) -> None:
        session = self._kit.session
        if len(self._stops) > 1:
            state = along([state for _, state in self._stops], float(position))
            session.preview(replace(state, output=session.state.output))
            self._name_position(position)

    def _release(self) -> None:
        self._kit.session.commit(path_words([name for name, _ in self._stops], dpg.get_value("path")))

    def _play(self) -> None:
        if self._player.kind == "points":
            self._player.pause()
        else:
            states = [state for _, state in self._stops]
            self._player.play_points(states, f"On the way through {len(states)} points")
