"""The seed pad: a window on the plane of seeds with a handle to drag."""

import math
from collections.abc import Callable

import dearpygui.dearpygui as dpg

from explorer.state import SeedPad
from widgets.layout import Place
from widgets.pointer import Grip
from widgets.seed_plane import seed_at, weights
from widgets.theme import Look

__all__ = ["SeedPadView"]

_CELL_PX = 46
_HEIGHT_PX = 160
_PADDING_PX = 12
_BELOW_PX = 172
_MARGIN_CELLS = 0.4


class SeedPadView:
    """Draws crossings, seeds and the handle, and turns drags into points of the plane."""

    item = "seed_pad"

    def __init__(self, look: Look) -> None:
        self._look = look
        self._cell = float(look.px(_CELL_PX))
        self._left = -0.5
        self._top = -0.5
        self._point: SeedPad | None = None
        self._drawn: tuple[object, ...] = ()
        self._dragging = False
        self._width = look.px(276)
        self._height = look.px(_HEIGHT_PX)
        dpg.add_drawlist(tag=self.item, width=self._width, height=self._height)
        self._grip = Grip(self.item)

    def show(self, point: SeedPad | None) -> None:
        """Show a point, or an empty pad. The view moves only when the handle would leave it."""
        self._point = point
        if point is not None:
            self._left = self._held(point.x, self._left, self._width / self._cell)
            self._top = self._held(point.y, self._top, self._height / self._cell)
        self._draw()

    def poll(self, usable: bool, move: Callable[[float, float], None], release: Callable[[], None]) -> None:
        """Follow the panel's width, and the hand: the handle goes where the mouse is."""
        self._follow_panel()
        drag = self._grip.poll()
        if drag is None or not usable:
            self._dragging = False
            return
        if drag.began:
            self._dragging = True
        if self._dragging:
            move(self._left + drag.now[0] / self._cell, self._top + drag.now[1] / self._cell)
        if drag.ended and self._dragging:
            self._dragging = False
            release()

    def _follow_panel(self) -> None:
        px = self._look.px
        width = max(px(120), dpg.get_item_width(Place.LATENT) - px(2 * _PADDING_PX))
        height = max(px(88), dpg.get_item_height(Place.LATENT) - px(_BELOW_PX))
        if (self._width, self._height) != (width, height):
            self._width, self._height = width, height
            dpg.configure_item(self.item, width=width, height=height)
            self.show(self._point)

    def _held(self, value: float, start: float, span: float) -> float:
        """Where the view must start so that the handle stays inside it."""
        if start + _MARGIN_CELLS <= value <= start + span - _MARGIN_CELLS:
            return start
        if self._dragging:
            return value - (_MARGIN_CELLS if value < start + span / 2 else span - _MARGIN_CELLS)
        return value - span / 2

    def _draw(self) -> None:
        state = (self._point, self._left, self._top, self._width, self._height)
        if state == self._drawn:
            return
        self._drawn = state
        palette = self._look.palette
        dpg.delete_item(self.item, children_only=True)
        dpg.draw_rectangle(
            (0, 0),
            (self._width, self._height),
            fill=(*palette.backdrop, 255),
            color=(*palette.line, 255),
            rounding=self._look.px(4),
            parent=self.item,
        )
        if self._point is None:
            return
        shares = {(column, row): share for column, row, share in weights(self._point)}
        for row in range(math.ceil(self._top), math.floor(self._top + self._height / self._cell) + 1):
            for column in range(math.ceil(self._left), math.floor(self._left + self._width / self._cell) + 1):
                self._draw_crossing(column, row, shares.get((column, row), 0.0))
        self._draw_handle(self._place(self._point.x, self._point.y))

    def _place(self, x: float, y: float) -> tuple[float, float]:
        return (x - self._left) * self._cell, (y - self._top) * self._cell

    def _draw_crossing(self, column: int, row: int, share: float) -> None:
        palette, px = self._look.palette, self._look.px
        x, y = self._place(column, row)
        if not (px(4) <= x <= self._width - px(4) and px(4) <= y <= self._height - px(4)):
            return
        if share:
            # The wider the line, the more of that seed.
            handle = self._place(self._point.x, self._point.y) if self._point else (x, y)
            dpg.draw_line((x, y), handle, color=(*palette.accent_dim, 255), thickness=px(4) * share, parent=self.item)
        colour = palette.accent if share else palette.field_hover
        dpg.draw_circle((x, y), px(2.5), color=(*colour, 255), fill=(*colour, 255), parent=self.item)
        label = str(seed_at(column, row))
        size = px(12)
        centred = x - len(label) * size * 0.29
        if y + px(5) + size < self._height and 0 < centred < self._width - len(label) * size * 0.58:
            text = palette.text if share else palette.quiet
            dpg.draw_text((centred, y + px(5)), label, size=size, color=(*text, 255), parent=self.item)

    def _draw_handle(self, at: tuple[float, float]) -> None:
        palette, px = self._look.palette, self._look.px
        x = min(max(at[0], px(7)), self._width - px(7))
        y = min(max(at[1], px(7)), self._height - px(7))
        dpg.draw_circle(
            (x, y), px(7), color=(*palette.text, 255), fill=(*palette.accent, 255), thickness=px(1.5), parent=self.item
        )
