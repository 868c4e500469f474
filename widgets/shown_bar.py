"""A bar over the picture that says when it is not the plain one, with the way back."""

from dataclasses import replace

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec, Output
from widgets.controls import Kit, show_value
from widgets.floating import floating_window
from widgets.layout import Place
from widgets.outputs import output_words

__all__ = ["ShownBar"]

_WINDOW = "shown_bar"


class ShownBar:
    """It lies at the top of the picture as long as a layer, a difference or a spectrum is shown.

    Must be made outside of every window.
    """

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._words = ""
        with (
            floating_window(_WINDOW, no_scrollbar=True),
            dpg.group(horizontal=True, horizontal_spacing=kit.look.px(14)),
        ):
            dpg.add_text("", tag="shown_words")
            dpg.add_button(tag="shown_back", label="Back to the picture", callback=lambda: self.back())
        with dpg.theme() as theme, dpg.theme_component(dpg.mvWindowAppItem):
            dpg.add_theme_color(dpg.mvThemeCol_WindowBg, (*kit.look.palette.raised, 235))
            dpg.add_theme_color(dpg.mvThemeCol_Border, (*kit.look.palette.accent_dim, 255))
            dpg.add_theme_style(dpg.mvStyleVar_WindowBorderSize, 1)
        dpg.bind_item_theme(_WINDOW, theme)

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Say what is shown."""
        self._words = "" if spec is None else output_words(state.output, spec)
        show_value("shown_words", self._words)

    def poll(self) -> None:
        """Stay at the top of the picture, and away while another tab covers it."""
        visible = bool(self._words) and bool(dpg.is_item_visible("picture"))
        if dpg.is_item_shown(_WINDOW) != visible:
            dpg.configure_item(_WINDOW, show=visible)
        if visible:
            left, top = dpg.get_item_rect_min("picture")
            free = dpg.get_item_width(int(Place.PICTURE)) - dpg.get_item_rect_size(_WINDOW)[0]
            place = [int(left + free / 2), int(top + self._kit.look.px(10))]
            if dpg.get_item_pos(_WINDOW) != place:
                dpg.set_item_pos(_WINDOW, place)

    def back(self) -> None:
        """Show the plain picture again, as one step."""
        self._kit.session.edit(replace(self._kit.session.state, output=Output()), "Back to the picture")
