"""History: what was done, newest first, and the way back."""

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec, History
from widgets.comparison import Comparison
from widgets.controls import Kit, set_enabled
from widgets.panels.compare_row import CompareRow
from widgets.picture_wipe import PictureWipe

__all__ = ["HistoryPanel"]

_SHOWN = 60


class HistoryPanel:
    """Undo, redo, a comparison, and the list of steps; a click on one goes there."""

    title = "History"

    def __init__(self, kit: Kit, wipe: PictureWipe) -> None:
        self._kit = kit
        self._listed: History | None = None
        self._comparison = Comparison(kit.session, wipe)
        self._compare = CompareRow(kit, self._comparison)

    def build(self) -> None:
        """Make the controls."""
        session, look = self._kit.session, self._kit.look
        with dpg.group(horizontal=True):
            dpg.add_button(tag="undo", label="↩ Undo", width=look.px(132), callback=lambda: session.undo())
            dpg.add_button(tag="redo", label="Redo ↪", width=-1, callback=lambda: session.redo())
        self._compare.build()
        with dpg.child_window(tag="history_list", border=False):
            pass

    def poll(self, now_s: float) -> bool:
        """Follow the comparison."""
        return self._compare.poll()

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show the steps, the current one marked."""
        session = self._kit.session
        set_enabled(("undo",), spec is not None and session.can_undo)
        set_enabled(("redo",), session.can_redo)
        if session.history is self._listed:
            return
        self._listed = session.history
        dpg.delete_item("history_list", children_only=True)
        if spec is None:
            dpg.add_text("Steps appear here.", parent="history_list", color=(*self._kit.look.palette.quiet, 255))
            return
        for node in reversed(session.history.nodes[-_SHOWN:]):
            dpg.add_selectable(
                label=f" {node.label}##{node.id}",
                parent="history_list",
                default_value=node.id == session.history.cursor,
                user_data=node.id,
                callback=lambda _sender, _value, step: session.jump(step),
            )
