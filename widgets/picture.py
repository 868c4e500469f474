"""The picture: as large as its space allows or as a person wants it, and a surface to drag on."""

from typing import Literal

import dearpygui.dearpygui as dpg
import numpy as np
from numpy.typing import NDArray

from widgets.drag_modes import DragMode, PictureDrag
from widgets.layout import Place
from widgets.pointer import Drag, Grip
from widgets.texture import PictureTexture
from widgets.theme import Colour, Look, Palette
from widgets.view import FITTED, Placement, View, around, cells, pan, place, stepped, zoom_about

__all__ = ["Background", "PictureView", "Sampling"]

Sampling = Literal["auto", "crisp", "smooth"]
Background = Literal["dark", "mid", "light", "checker"]

_MARGIN_PX = 14
_SMALL_PX = 256
_CHECK_PX = 12
_GROUNDS: dict[Background, Colour] = {
    "dark": Palette().backdrop,
    "mid": (119, 119, 119),
    "light": (238, 238, 238),
    "checker": Palette().backdrop,
}
_CHECKS: tuple[Colour, Colour] = ((204, 204, 204), (153, 153, 153))


class PictureView:
    """The centre of the window. Must be made inside the picture's window, and given a texture before pictures."""

    item = "picture"
    """The drawing that the picture is on."""
    overlay = "picture_overlay"
    """A layer over it, for whoever marks something in the picture; in pixels, from the drawing's top left corner."""
    wipe_layer = "picture_wipe"
    """A layer between both, for a comparison with another picture."""
    _ground = "picture_ground"
    _image = "picture_image"

    def __init__(self, look: Look) -> None:
        self._look = look
        self._texture: PictureTexture | None = None
        self._space = (0, 0)
        self._drawn: tuple[object, ...] = ()
        self.sampling: Sampling = "auto"
        """Square pixels, interpolated ones, or square for small pictures only."""
        self.background: Background = "dark"
        """What is around the picture; a checkerboard shows what of it is transparent."""
        self.pixels: NDArray[np.uint8] | None = None
        """What is shown, ``[H, W, C]``."""
        self._view = FITTED
        self._at = Placement(0, 0, 0)
        self._pan_from: tuple[View, Placement] | None = None
        self._modes: list[DragMode] = []
        self._mode: DragMode | None = None
        with dpg.drawlist(tag=self.item, width=100, height=100):
            for layer in (self._ground, self._image, self.wipe_layer, self.overlay):
                dpg.add_draw_layer(tag=layer)
        self._grip = Grip(self.item)
        self._pan_grip = Grip(self.item, button=dpg.mvMouseButton_Middle)
        with dpg.handler_registry():
            dpg.add_mouse_wheel_handler(callback=self._wheel)

    def attach(self, texture: PictureTexture) -> None:
        """Draw with this texture from now on."""
        self._texture = texture

    def show(self, pixels: NDArray[np.uint8]) -> None:
        """Put another picture on the card."""
        assert self._texture is not None
        self.pixels = pixels
        self._texture.set_smooth(not self.is_crisp)
        self._texture.upload(pixels)
        self._draw()

    def clear(self) -> None:
        """Show nothing."""
        self.pixels = None
        self._drawn = ()
        dpg.delete_item(self._image, children_only=True)
        self._draw()

    @property
    def zoom(self) -> float:
        """Pixels on screen for one of the picture; 0 before there is any."""
        return self._at.zoom

    @property
    def is_fitted(self) -> bool:
        """Whether it follows the space that it has."""
        return self._view.zoom is None

    @property
    def is_crisp(self) -> bool:
        """Whether pixels are drawn as squares."""
        if self.sampling != "auto" or self.pixels is None:
            return self.sampling == "crisp"
        height, width = self.pixels.shape[:2]
        return int(max(height, width)) < _SMALL_PX

    def set_sampling(self, sampling: Sampling) -> None:
        """Choose how it is enlarged."""
        self.sampling = sampling
        if self._texture is not None:
            self._texture.set_smooth(not self.is_crisp)
        self._draw()

    def set_background(self, background: Background) -> None:
        """Choose what is around it."""
        self.background = background
        self._draw()

    def fit(self) -> None:
        """As large as its space allows."""
        self._look_at(FITTED)

    def one_to_one(self) -> None:
        """A pixel on screen for each of the picture's."""
        self._zoom_to(1.0, (self._space[0] / 2, self._space[1] / 2))

    def zoom_by(self, steps: float, point: tuple[float, float] | None = None) -> None:
        """Enlarge by clicks of the wheel, negative ones shrink, about a point of the drawing; its middle without."""
        about = (self._space[0] / 2, self._space[1] / 2) if point is None else point
        self._zoom_to(stepped(self._at.zoom, steps, whole=self.is_crisp), about)

    def read_back(self) -> NDArray[np.uint8]:
        """What the card holds, ``[H, W, 4]``. For tests."""
        assert self._texture is not None
        return self._texture.read_back()

    def show_image(self, shown: bool) -> None:
        """Draw the picture, or leave that to whoever draws it in its place."""
        if dpg.is_item_shown(self._image) != shown:
            dpg.configure_item(self._image, show=shown)

    @property
    def texture_tag(self) -> int:
        """What holds it, for `draw_image`; it may change with every picture."""
        assert self._texture is not None
        return self._texture.tag

    @property
    def space(self) -> tuple[int, int]:
        """Width and height of the drawing, in pixels on screen."""
        return self._space

    @property
    def rect(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of the picture itself, in pixels from the drawing's top left corner."""
        (width, height), at = self._size, self._at
        return at.left, at.top, width * at.zoom, height * at.zoom

    def rect_on_screen(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of the picture itself, in the window's pixels."""
        left, top = dpg.get_item_rect_min(self.item)
        x, y, width, height = self.rect
        return left + x, top + y, width, height

    def add_drag_mode(self, mode: DragMode) -> None:
        """Let another meaning of a drag be asked before all others."""
        self._modes.insert(0, mode)

    def poll(self) -> None:
        """Follow the window's size, and the hand; once a frame."""
        space = (max(1, dpg.get_item_width(Place.PICTURE)), max(1, dpg.get_item_height(Place.PICTURE)))
        if space != self._space:
            self._space = space
            dpg.configure_item(self.item, width=space[0], height=space[1])
            self._draw()
        drag, panning = self._grip.poll(), self._pan_grip.poll()
        if self.pixels is None:
            self._mode = self._pan_from = None
            return
        if drag is not None and drag.began and dpg.is_key_down(dpg.mvKey_Spacebar):
            self._pan_from = self._view, self._at
        if panning is not None and panning.began:
            self._pan_from = self._view, self._at
        if self._pan_from is not None:
            self._pan(panning or drag)
        elif drag is not None:
            self._follow(drag)

    def _pan(self, drag: Drag | None) -> None:
        if drag is None:
            self._pan_from = None
            return
        assert self._pan_from is not None
        view, at = self._pan_from
        if drag.moved != (0, 0):
            self._look_at(pan(view, at, drag.moved, self._size, self._space))
        if drag.ended:
            self._pan_from = None

    def _follow(self, drag: Drag) -> None:
        moving = PictureDrag(self._part(drag.start), self._part(drag.now), drag.moved, drag.began, drag.ended)
        if drag.began:
            self._mode = next((mode for mode in self._modes if mode.takes(moving)), None)
        if self._mode is not None:
            self._mode.drag(moving)
        if drag.ended:
            self._mode = None

    def _wheel(self, _sender: object, clicks: float) -> None:
        if dpg.is_item_hovered(self.item):
            x, y = dpg.get_mouse_pos(local=False)
            left, top = dpg.get_item_rect_min(self.item)
            self.zoom_by(clicks, (x - left, y - top))

    def _zoom_to(self, zoom: float, point: tuple[float, float]) -> None:
        if self.pixels is not None and self.zoom:
            self._look_at(zoom_about(point, zoom, self._at, self._size, self._space))

    def _look_at(self, view: View) -> None:
        self._view = view
        self._draw()

    @property
    def _size(self) -> tuple[int, int]:
        return self._texture.size if self._texture else (1, 1)

    def _part(self, point: tuple[float, float]) -> tuple[float, float]:
        """A point of the drawing in widths and heights of the picture."""
        (width, height), at = self._size, self._at
        return (point[0] - at.left) / (width * at.zoom or 1), (point[1] - at.top) / (height * at.zoom or 1)

    def _draw(self) -> None:
        margin = self._look.px(_MARGIN_PX)
        if self.pixels is None or self._texture is None or min(self._space) <= 2 * margin:
            self._drawn = ()
            self._draw_ground(None, has_alpha=False)
            return
        self._at = place(self._size, self._space, self._view, whole=self.is_crisp, margin=margin)
        has_alpha = self.pixels.shape[2] == 4
        state = (self._texture.tag, self._at, self._size, self._space, self.background, has_alpha)
        if state == self._drawn:
            return
        self._drawn = state
        left, top, zoom = self._at.left, self._at.top, self._at.zoom
        rect = (left, top, left + self._size[0] * zoom, top + self._size[1] * zoom)
        self._draw_ground(rect, has_alpha=has_alpha)
        dpg.delete_item(self._image, children_only=True)
        dpg.draw_image(self._texture.tag, rect[:2], rect[2:], parent=self._image)

    def _draw_ground(self, rect: tuple[float, float, float, float] | None, *, has_alpha: bool) -> None:
        """Around a picture in ``rect``, and under it where it is transparent."""

        def fill(place: tuple[float, float, float, float], colour: Colour) -> None:
            dpg.draw_rectangle(
                place[:2], place[2:], fill=(*colour, 255), color=(*colour, 0), thickness=0, parent=self._ground
            )

        dpg.delete_item(self._ground, children_only=True)
        colour = _GROUNDS[self.background]
        for part in around(None if has_alpha else rect, self._space):
            fill(part, colour)
        if self.background == "checker" and has_alpha and rect is not None:
            fill(rect, _CHECKS[0])
            for cell in cells(rect, self._space, self._look.px(_CHECK_PX)):
                fill(cell, _CHECKS[1])
