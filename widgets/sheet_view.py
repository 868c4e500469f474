"""A sheet of pictures on screen: it fills as cells come, and tells which cell the mouse is on."""

from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg
import numpy as np
from numpy.typing import NDArray

from widgets.pointer import Grip
from widgets.texture import PictureTexture
from widgets.theme import Look

if TYPE_CHECKING:
    from explorer.session import Sheet

__all__ = ["SheetView", "cell_at", "shrunk"]

_LARGEST_PX = 2048
_SMALL_PX = 128
_CLICK_PX = 4
_WORDS_PX = 76


def shrunk(pixels: NDArray[np.uint8], by: int) -> NDArray[np.uint8]:
    """A picture ``[H, W, C]`` a whole number of times smaller, each pixel the mean of those that it stands for."""
    if by == 1:
        return pixels
    height, width = (side // by * by for side in pixels.shape[:2])
    blocks = pixels[:height, :width].reshape(height // by, by, width // by, by, -1)
    return np.asarray(blocks.mean(axis=(1, 3)) + 0.5, np.uint8)


def cell_at(point: tuple[float, float], shape: tuple[int, int]) -> int | None:
    """The number of the cell, line by line, at a point in widths and heights of the sheet; ``None`` beside it."""
    x, y = point
    if not (0 <= x < 1 and 0 <= y < 1):
        return None
    return int(y * shape[0]) * shape[1] + int(x * shape[1])


class SheetView:
    """A drawing in the window that is open; give it a texture before sheets."""

    item = "sheet_view"

    def __init__(self, look: Look) -> None:
        self._look = look
        self._texture: PictureTexture | None = None
        self._sheet: Sheet | None = None
        self._pixels: NDArray[np.uint8] | None = None
        self._there: set[int] = set()
        self._rect = (0.0, 0.0, 0.0, 0.0)
        self._drawn: tuple[object, ...] = ()
        self._grip: Grip | None = None

    def build(self) -> None:
        """Make the drawing."""
        with dpg.drawlist(tag=self.item, width=100, height=100):
            dpg.add_draw_layer(tag="sheet_picture")
            dpg.add_draw_layer(tag="sheet_marks")
        self._grip = Grip(self.item)

    def attach(self, texture: PictureTexture) -> None:
        """Draw with this texture from now on."""
        self._texture = texture

    def show(self, sheet: "Sheet | None") -> None:
        """Show another sheet, empty until its cells come."""
        self._sheet = sheet
        self._pixels = None
        self._there = set()

    def fit(self, window: int, padding: int) -> None:
        """Take up what is left of a window below and beside the drawing, but for a padding."""
        x, y = dpg.get_item_pos(window)
        left, top = dpg.get_item_rect_min(self.item)
        # Where it would be if nothing were scrolled.
        top += dpg.get_y_scroll(window)
        width = max(1, int(x + dpg.get_item_width(window) - padding - left))
        height = max(1, int(y + dpg.get_item_height(window) - padding - top))
        if (dpg.get_item_width(self.item), dpg.get_item_height(self.item)) != (width, height):
            dpg.configure_item(self.item, width=width, height=height)

    def clicked(self) -> int | None:
        """The cell that was clicked just now; once a frame."""
        drag = self._grip.poll() if self._grip is not None else None
        if drag is None or not drag.ended or max(map(abs, drag.moved)) > self._look.px(_CLICK_PX):
            return None
        return self._cell(drag.now)

    def draw(self, chosen: int | None) -> bool:
        """Bring the drawing up to date, with a frame around the chosen cell; true when it changed."""
        changed = self._take_in()
        size = (dpg.get_item_width(self.item), dpg.get_item_height(self.item))
        if self._pixels is not None:
            # Before the mouse is looked at: it may rest where the first picture of a sheet comes.
            self._place(size)
        hovered = self._cell(self._mouse()) if dpg.is_item_hovered(self.item) else None
        hovered = hovered if hovered in self._there else None
        tag = self._texture.tag if self._texture else 0
        drawn = (tag, size, self._pixels is None, self._sheet, chosen, hovered)
        if drawn == self._drawn:
            return changed
        self._drawn = drawn
        for layer in ("sheet_picture", "sheet_marks"):
            dpg.delete_item(layer, children_only=True)
        if self._pixels is not None and self._texture is not None:
            left, top, width, height = self._rect
            dpg.draw_image(self._texture.tag, (left, top), (left + width, top + height), parent="sheet_picture")
            self._cover_corner()
            self._frame(hovered, self._look.palette.quiet)
            self._frame(chosen, self._look.palette.accent)
        return True

    def _take_in(self) -> bool:
        """Put cells that came onto the card."""
        if self._sheet is None or self._texture is None:
            return False
        new = {i: cell for i, cell in enumerate(self._sheet.pictures) if cell is not None and i not in self._there}
        if not new:
            return False
        lines, columns = self._sheet.plan.shape
        side = max(max(cell.shape[0] * lines, cell.shape[1] * columns) for cell in new.values())
        by = -(-side // _LARGEST_PX)
        for index, cell in new.items():
            small = shrunk(cell, by)
            height, width, channels = small.shape
            if self._pixels is None:
                self._pixels = np.zeros((lines * height, columns * width, channels), np.uint8)
            top, left = index // columns * height, index % columns * width
            self._pixels[top : top + height, left : left + width] = small
            self._there.add(index)
        assert self._pixels is not None
        self._texture.set_smooth(self._pixels.shape[1] // columns > _SMALL_PX)
        self._texture.upload(self._pixels)
        return True

    def _place(self, size: tuple[int, int]) -> None:
        assert self._pixels is not None
        height, width = self._pixels.shape[:2]
        zoom = min(size[0] / width, size[1] / height)
        across, down = width * zoom, height * zoom
        self._rect = ((size[0] - across) // 2, (size[1] - down) // 2, across, down)

    def _mouse(self) -> tuple[float, float]:
        x, y = dpg.get_mouse_pos(local=False)
        left, top = dpg.get_item_rect_min(self.item)
        return x - left, y - top

    def _cell(self, point: tuple[float, float]) -> int | None:
        if self._sheet is None or self._pixels is None:
            return None
        left, top, width, height = self._rect
        return cell_at(((point[0] - left) / width, (point[1] - top) / height), self._sheet.plan.shape)

    def _cover_corner(self) -> None:
        """Leave the corner, which is of no seed, to what goes along the sides."""
        assert self._sheet is not None
        lines, columns = self._sheet.plan.shape
        left, top, width, height = self._rect
        across, down = width / columns, height / lines
        ground, quiet, px = (*self._look.palette.panel, 255), (*self._look.palette.quiet, 255), self._look.px
        corner = (left + across, top + down)
        dpg.draw_rectangle((left, top), corner, fill=ground, color=ground, parent="sheet_marks")
        if min(across, down) >= px(_WORDS_PX):
            size = px(13)
            for words, x, y in (("columns →", px(10), px(10)), ("rows ↓", px(10), px(28))):
                dpg.draw_text((left + x, top + y), words, size=size, color=quiet, parent="sheet_marks")

    def _frame(self, cell: int | None, colour: tuple[int, int, int]) -> None:
        if cell is None or self._sheet is None:
            return
        lines, columns = self._sheet.plan.shape
        left, top, width, height = self._rect
        across, down = width / columns, height / lines
        x, y = left + cell % columns * across, top + cell // columns * down
        line = self._look.px(2)
        dpg.draw_rectangle(
            (x + line / 2, y + line / 2),
            (x + across - line / 2, y + down - line / 2),
            color=(*colour, 255),
            thickness=line,
            parent="sheet_marks",
        )
