"""A small window beside a panel for what would crowd it: it stays open while the hand works elsewhere."""

from collections.abc import Callable

import dearpygui.dearpygui as dpg

from widgets.layout import Place
from widgets.theme import Look

__all__ = ["Popup", "close_front_popup"]

_GAP_PX = 8
_PADDING_PX = 12
_TITLE_PX = 26


class Popup:
    """With a title to move it by and a cross to close it; made when it is first opened.

    Args:
        look: Scale.
        tag: Its name among the items.
        title: In its bar.
        beside: The panel that it belongs to.
        size_px: Width of what is in it, and about how high that is, in pixels of the design.
        fill: Makes its controls.
        closed: Called when it was closed.
    """

    def __init__(
        self,
        look: Look,
        tag: str,
        title: str,
        *,
        beside: Place,
        size_px: tuple[float, float],
        fill: Callable[[], None],
        closed: Callable[[], None] = lambda: None,
    ) -> None:
        self._look = look
        self._tag = tag
        self._title = title
        self._beside = beside
        self._width = look.px(size_px[0] + 2 * _PADDING_PX)
        self._height = look.px(size_px[1] + 2 * _PADDING_PX + _TITLE_PX)
        self._fill = fill
        self._closed = closed
        self.is_built = False
        """Whether its controls exist."""

    @property
    def is_open(self) -> bool:
        """Whether it is shown."""
        return self.is_built and bool(dpg.is_item_shown(self._tag))

    def toggle(self) -> bool:
        """Open it beside its panel, or close it; true when it is open now. Not inside of another container."""
        if self.is_open:
            self.close()
            return False
        if not self.is_built:
            self._build()
        left, top = dpg.get_item_pos(int(self._beside))
        width, gap = dpg.get_item_width(int(self._beside)), self._look.px(_GAP_PX)
        # A panel at the right edge has its room on the left.
        on_left = left > dpg.get_viewport_client_width() / 2
        x = left - self._width - gap if on_left else left + width + gap
        dpg.configure_item(self._tag, show=True)
        y = min(top + gap, dpg.get_viewport_client_height() - self._height - gap)
        dpg.set_item_pos(self._tag, [int(max(0, x)), int(max(0, y))])
        dpg.focus_item(self._tag)
        return True

    def close(self) -> None:
        """Hide it."""
        if self.is_open:
            dpg.configure_item(self._tag, show=False)
            self._closed()

    def _build(self) -> None:
        self.is_built = True
        with dpg.window(
            tag=self._tag,
            label=self._title,
            show=False,
            no_docking=True,
            no_collapse=True,
            no_resize=True,
            no_saved_settings=True,
            autosize=True,
            on_close=lambda: self._closed(),
            user_data=self.close,
        ):
            self._fill()
        dpg.bind_item_theme(self._tag, self._look.popup)


def close_front_popup() -> bool:
    """Close the one that was used last, for the Escape key; false when none is open."""
    shown = [
        window
        for window in dpg.get_windows()
        if callable(dpg.get_item_user_data(window))
        and dpg.is_item_shown(window)
        and not dpg.get_item_configuration(window).get("modal")
    ]
    if not shown:
        return False
    active = dpg.get_active_window()
    dpg.get_item_user_data(active if active in shown else shown[-1])()
    return True
