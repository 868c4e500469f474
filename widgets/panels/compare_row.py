"""The controls that compare the picture with a step, a saved point or what was before."""

import dearpygui.dearpygui as dpg

from widgets.comparison import BEFORE, Comparison, Other, choices, words_of
from widgets.controls import Kit, set_enabled, show_value, tooltip

__all__ = ["CompareRow"]

_ABOUT = (
    "Shows another picture to the left of a line over this one; drag the line, hold F to see the pictures change "
    "places. It can be the state before the last edit, a pinned step or a saved point; the split square beside any "
    "other step takes that one."
)


class CompareRow:
    """A button that begins and ends, and a list of what there is.

    Args:
        kit: Look and session.
        comparison: What they control.
    """

    def __init__(self, kit: Kit, comparison: Comparison) -> None:
        self._kit = kit
        self._comparison = comparison
        self._choices: dict[str, Other] = {}
        self._seen: tuple[object, ...] = ()

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        with dpg.group(horizontal=True):
            dpg.add_button(tag="compare", label="Compare", width=look.px(86), callback=self.toggle)
            dpg.add_combo(tag="compare_with", width=-1, default_value=words_of(BEFORE), callback=self._choose)
        tooltip(look, "compare", _ABOUT)

    def poll(self) -> bool:
        """Show what can be chosen and what is; once a frame."""
        session, comparison = self._kit.session, self._comparison
        changed = comparison.poll()
        seen = (session.history, session.points, comparison.other, comparison.is_on, session.spec is None)
        if len(seen) == len(self._seen) and all(new is old for new, old in zip(seen, self._seen, strict=True)):
            return changed
        self._seen = seen
        set_enabled(("compare", "compare_with"), session.spec is not None)
        self._choices = choices(session.history, session.points, comparison.other)
        dpg.configure_item("compare_with", items=list(self._choices))
        show_value("compare_with", words_of(comparison.other))
        dpg.configure_item("compare", label="End" if comparison.is_on else "Compare")
        dpg.bind_item_theme("compare", self._kit.look.chosen if comparison.is_on else 0)
        return True

    def toggle(self) -> None:
        """Begin, or end."""
        if self._comparison.is_on:
            self._comparison.end()
        elif self._kit.session.spec is not None:
            self._comparison.begin(self._comparison.other)

    def _choose(self, _sender: int | str, words: str) -> None:
        self._comparison.begin(self._choices[words])
