"""Pieces of the Style mixing panel: the list of sources, and the table of layers."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from explorer.state import GeneratorSpec
from widgets.controls import Item, Kit
from widgets.mixes import size_words

__all__ = ["SourceList", "fill_layer_table"]

_WIDTH_PX = 252
_LINE_PX = 23


class SourceList:
    """One line a source; one of them is chosen.

    Args:
        kit: Look and session.
        choose: Called with a line's number.
        remove: Called with a line's number.
    """

    def __init__(self, kit: Kit, choose: Callable[[int], None], remove: Callable[[int], None]) -> None:
        self._look = kit.look
        self._choose = choose
        self._remove = remove
        self._shown: tuple[object, ...] = ()
        dpg.add_group(tag="mix_sources")
        with dpg.theme() as line, dpg.theme_component(dpg.mvSelectable):
            # Marked from edge to edge and no further, its words level with the cross beside it.
            dpg.add_theme_style(dpg.mvStyleVar_ItemSpacing, 0, 0)
            dpg.add_theme_style(dpg.mvStyleVar_SelectableTextAlign, 0, 0.5)
        self._line = line

    def show(self, lines: tuple[str, ...], chosen: int) -> None:
        """Show these lines; nothing is made anew while they stay the same."""
        if (lines, chosen) == self._shown:
            return
        self._shown = (lines, chosen)
        dpg.delete_item("mix_sources", children_only=True)
        for index, text in enumerate(lines):
            with dpg.group(horizontal=True, parent="mix_sources"):
                dpg.add_selectable(
                    tag=f"mix_source_{index}",
                    label=f"  {index + 1}   {text}",
                    width=self._look.px(_WIDTH_PX),
                    height=self._look.px(_LINE_PX),
                    default_value=index == chosen,
                    user_data=index,
                    callback=self._clicked,
                )
                dpg.bind_item_theme(f"mix_source_{index}", self._line)
                dpg.add_button(
                    tag=f"mix_remove_{index}",
                    label="×",
                    width=-1,
                    callback=lambda _sender, _value, number: self._remove(number),
                    user_data=index,
                )

    def _clicked(self, item: Item, _value: object, index: int) -> None:
        # A click on the chosen line would take its mark away.
        dpg.set_value(item, True)
        self._choose(index)


def fill_layer_table(spec: GeneratorSpec, parent: Item) -> None:
    """A table of what every row of ``w_plus`` styles."""
    with dpg.table(parent=parent, borders_innerH=True, policy=dpg.mvTable_SizingFixedFit):
        for title in ("Layer", "Styles", "Channels", "Size"):
            dpg.add_table_column(label=title)
        for row in range(spec.num_ws):
            for number, layer in enumerate(spec.layers_of(row)):
                with dpg.table_row():
                    dpg.add_text("" if number else f"{row}")
                    dpg.add_text(layer.name)
                    dpg.add_text(f"{layer.channels}")
                    dpg.add_text(size_words(layer.size))
