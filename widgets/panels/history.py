"""History: what was done, as a tree, newest first, and the way to any step of it."""

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec, Node
from widgets.comparison import Comparison
from widgets.controls import Kit, set_enabled, show_value, tooltip
from widgets.history_rows import HistoryRows, Part
from widgets.panels.compare_row import CompareRow
from widgets.picture_wipe import PictureWipe

__all__ = ["HistoryPanel"]

_EMPTY = "Steps appear here once a model is open."
_NO_PINS = "Nothing is pinned. Rest the mouse on a step and click the star at its end."


class HistoryPanel:
    """Undo, redo, a comparison, and the tree of steps; a click on one goes there."""

    title = "History"

    def __init__(self, kit: Kit, wipe: PictureWipe) -> None:
        self._kit = kit
        self._comparison = Comparison(kit.session, wipe)
        self._compare = CompareRow(kit, self._comparison)
        self._rows = HistoryRows(kit, self._act)

    def build(self) -> None:
        """Make the controls."""
        session, look = self._kit.session, self._kit.look
        with dpg.group(horizontal=True):
            dpg.add_button(tag="undo", label="↩ Undo", width=look.px(104), callback=lambda: session.undo())
            dpg.add_button(tag="redo", label="Redo ↪", width=look.px(104), callback=lambda: session.redo())
            dpg.add_button(tag="history_pinned", label="★ 0", width=-1, callback=self._toggle_pinned)
        tooltip(look, "undo", "Back to the step that this one was made from. Ctrl+Z")
        tooltip(look, "redo", "Forward to the newest step made from this one. Ctrl+Y")
        tooltip(look, "history_pinned", "List the pinned steps alone, or all of them again.")
        self._compare.build()
        dpg.add_text("", tag="history_note", color=(*look.palette.quiet, 255), wrap=0, show=False)
        self._rows.build()

    def poll(self, now_s: float) -> bool:
        """Follow the comparison, the hand, and pictures that come."""
        changed = self._compare.poll()
        other = self._comparison.other
        self._rows.compared = other.id if self._comparison.is_on and isinstance(other, Node) else None
        return self._rows.poll() or changed

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show the steps, the current one marked."""
        session, look = self._kit.session, self._kit.look
        set_enabled(("undo",), spec is not None and session.can_undo)
        set_enabled(("redo",), session.can_redo)
        # Work that outlives its model can be looked through only once a model draws again.
        pins = len(session.history.pinned)
        dpg.configure_item("history_pinned", label=f"★ {pins}")
        dpg.bind_item_theme("history_pinned", look.chosen if self._rows.pinned_only else 0)
        note = _EMPTY if spec is None else _NO_PINS if self._rows.pinned_only and not pins else ""
        show_value("history_note", note)
        if dpg.is_item_shown("history_note") != bool(note):
            dpg.configure_item("history_note", show=bool(note))
        self._rows.show(None if spec is None else session.history)

    def _act(self, part: Part, step: int) -> None:
        session = self._kit.session
        if part == "step":
            session.jump(step)
        elif part == "pin":
            session.pin(step, step not in session.history.pinned)
        elif self._comparison.is_on and self._comparison.other == session.history.nodes[step]:
            self._comparison.end()
        else:
            self._comparison.begin(session.history.nodes[step])

    def _toggle_pinned(self) -> None:
        self._rows.pinned_only = not self._rows.pinned_only
        self.refresh(self._kit.session.state, self._kit.session.spec)
