"""The picture: as large as its space allows, centred, and a surface to drag on."""

from typing import Literal

import dearpygui.dearpygui as dpg
import numpy as np
from numpy.typing import NDArray

from widgets.drag_modes import DragMode, PictureDrag
from widgets.layout import Place
from widgets.pointer import Grip
from widgets.texture import PictureTexture
from widgets.theme import Look

__all__ = ["PictureView", "Sampling", "fit"]

Sampling = Literal["auto", "crisp", "smooth"]

_MARGIN_PX = 14
_SMALL_PX = 256


def fit(size: tuple[int, int], space: tuple[float, float], *, whole: bool) -> tuple[float, float, float]:
    """Where a picture goes in a space: its left, its top and its enlargement.

    Args:
        size: Width and height of the picture.
        space: Width and height that there is.
        whole: Enlarge by whole numbers only, so that all pixels come out equal. A picture too large is shrunk freely.
    """
    zoom = min(space[0] / size[0], space[1] / size[1])
    if whole and zoom >= 1:
        zoom = float(int(zoom))
    # Starting on whole pixels, or square pixels would be resampled after all.
    left, top = (space[0] - size[0] * zoom) // 2, (space[1] - size[1] * zoom) // 2
    return max(0.0, left), max(0.0, top), zoom


class PictureView:
    """The centre of the window. Must be made inside the picture's window, and given a texture before pictures."""

    item = "picture"
    """The drawing that the picture is on."""
    overlay = "picture_overlay"
    """A layer over it, for whoever marks something in the picture; in pixels, from the drawing's top left corner."""
    _image = "picture_image"

    def __init__(self, look: Look) -> None:
        self._look = look
        self._texture: PictureTexture | None = None
        self._space = (0, 0)
        self._drawn: tuple[object, ...] = ()
        self.sampling: Sampling = "auto"
        """Square pixels, interpolated ones, or square for small pictures only."""
        self.pixels: NDArray[np.uint8] | None = None
        """What is shown, ``[H, W, C]``."""
        self.zoom = 0.0
        """Pixels on screen for one of the picture; 0 before there is any."""
        self._left = self._top = 0.0
        self._modes: list[DragMode] = []
        self._mode: DragMode | None = None
        with dpg.drawlist(tag=self.item, width=100, height=100):
            dpg.add_draw_layer(tag=self._image)
            dpg.add_draw_layer(tag=self.overlay)
        self._grip = Grip(self.item)

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

    def read_back(self) -> NDArray[np.uint8]:
        """What the card holds, ``[H, W, 4]``. For tests."""
        assert self._texture is not None
        return self._texture.read_back()

    def rect_on_screen(self) -> tuple[float, float, float, float]:
        """Left, top, width and height of the picture itself, in the window's pixels."""
        left, top = dpg.get_item_rect_min(self.item)
        width, height = self._texture.size if self._texture else (0, 0)
        return left + self._left, top + self._top, width * self.zoom, height * self.zoom

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
        drag = self._grip.poll()
        if drag is None or self.pixels is None:
            self._mode = None
            return
        moving = PictureDrag(self._part(drag.start), self._part(drag.now), drag.moved, drag.began, drag.ended)
        if drag.began:
            self._mode = next((mode for mode in self._modes if mode.takes(moving)), None)
        if self._mode is not None:
            self._mode.drag(moving)
        if drag.ended:
            self._mode = None

    def _part(self, point: tuple[float, float]) -> tuple[float, float]:
        """A point of the drawing in widths and heights of the picture."""
        width, height = self._texture.size if self._texture else (1, 1)
        return (point[0] - self._left) / (width * self.zoom or 1), (point[1] - self._top) / (height * self.zoom or 1)

    def _draw(self) -> None:
        if self.pixels is None or self._texture is None:
            return
        margin = self._look.px(_MARGIN_PX)
        space = (self._space[0] - 2 * margin, self._space[1] - 2 * margin)
        if min(space) < 1:
            return
        size = self._texture.size
        left, top, self.zoom = fit(size, space, whole=self.is_crisp)
        self._left, self._top = left + margin, top + margin
        state = (self._texture.tag, self._left, self._top, self.zoom, size)
        if state == self._drawn:
            return
        self._drawn = state
        dpg.delete_item(self._image, children_only=True)
        dpg.draw_image(
            self._texture.tag,
            (self._left, self._top),
            (self._left + size[0] * self.zoom, self._top + size[1] * self.zoom),
            parent=self._image,
        )
