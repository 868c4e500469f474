"""The photo of the Projection panel: the crop drawn over it, moved by hand, and a mask painted over it."""

from collections import deque
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg
import numpy as np
from numpy.typing import NDArray

from explorer.projection.photo import Crop, Photo, centre_crop, cut
from widgets.controls import Item
from widgets.pointer import Grip
from widgets.theme import Look

if TYPE_CHECKING:
    from widgets.texture import PictureTexture

__all__ = ["PhotoView", "moved", "painted", "sized", "stroked"]

_SIDE_PX = 114
_PREVIEW_PX = 384
_BRUSH = 0.06
_SMALLEST = 0.05
_STROKES = 64
"""How many can be taken back."""
_SHADE = (0, 0, 0, 150)
_COVERED = np.array([255, 64, 96], np.float32)


def moved(crop: Crop, x: float, y: float) -> Crop:
    """The crop shifted by shares of the photo, kept so that some of it stays on the photo."""
    left = min(max(crop.left + x, -crop.width / 2), 1 - crop.width / 2)
    top = min(max(crop.top + y, -crop.height / 2), 1 - crop.height / 2)
    return Crop(left, top, crop.width, crop.height)


def sized(crop: Crop, whole: Crop, share: float) -> Crop:
    """The crop about its middle, at a share of the largest one that fits."""
    share = max(share, _SMALLEST)
    width, height = whole.width * share, whole.height * share
    return Crop(crop.left + (crop.width - width) / 2, crop.top + (crop.height - height) / 2, width, height)


def painted(mask: NDArray[np.float32], x: float, y: float, *, value: float) -> NDArray[np.float32]:
    """The mask with a round spot at a place, in shares of the photo, as a new array."""
    height, width = mask.shape
    rows, columns = np.ogrid[:height, :width]
    radius = _BRUSH * max(height, width)
    spot = (rows + 0.5 - y * height) ** 2 + (columns + 0.5 - x * width) ** 2 <= radius**2
    return np.where(spot, np.float32(value), mask)


def stroked(
    mask: NDArray[np.float32], start: tuple[float, float], end: tuple[float, float], *, value: float
) -> NDArray[np.float32]:
    """The mask with a stroke from place to place, without gaps however far apart they are."""
    (x0, y0), (x1, y1) = start, end
    steps = max(1, round(2 * float(np.hypot(x1 - x0, y1 - y0)) / _BRUSH))
    for step in range(1, steps + 1):
        share = step / steps
        mask = painted(mask, x0 + share * (x1 - x0), y0 + share * (y1 - y0), value=value)
    return mask


class PhotoView:
    """The photo as large as the panel allows. Must be built inside the panel."""

    item = "photo_view"

    def __init__(self, look: Look) -> None:
        self._look = look
        self._texture: PictureTexture | None = None
        self._photo: Photo | None = None
        self._small: NDArray[np.uint8] | None = None
        self._from: Crop | None = None
        self.crop: Crop | None = None
        """Which part is looked for; ``None`` before there is a photo."""
        self.whole: Crop | None = None
        """The largest crop in the middle."""
        self.mask: NDArray[np.float32] | None = None
        """``[h, w]``: 0 where it is covered; ``None`` while nothing is."""
        self._before: deque[NDArray[np.float32] | None] = deque(maxlen=_STROKES)
        self._at: tuple[float, float] | None = None
        self.paints = False
        """Whether a drag covers, instead of moving the crop."""

    def build(self) -> None:
        """Make the drawing, empty."""
        with dpg.drawlist(tag=self.item, width=1, height=1):
            dpg.add_draw_layer(tag="photo_image")
            dpg.add_draw_layer(tag="photo_crop")
        self._grip = Grip(self.item)

    def attach(self, texture: "PictureTexture") -> None:
        """Draw with this texture from now on."""
        self._texture = texture

    def show(self, photo: Photo, picture_size: tuple[int, int]) -> None:
        """Another photo, its crop in the middle, nothing covered."""
        self._photo, self.mask = photo, None
        self._before.clear()
        height, width = photo.pixels.shape[:2]
        share = min(1.0, _PREVIEW_PX / max(height, width))
        size = (max(1, round(height * share)), max(1, round(width * share)))
        self._small = cut(photo.pixels, Crop(0, 0, 1, 1), size)
        self.crop = self.whole = centre_crop((height, width), picture_size)
        self._upload()
        self._draw()

    def resize(self, share: float) -> None:
        """The crop at a share of the largest one."""
        if self.crop is not None and self.whole is not None:
            self.crop = sized(self.crop, self.whole, share)
            self._draw_crop()

    def uncover(self) -> None:
        """Nothing is covered any more; can be taken back as a stroke can."""
        if self.mask is not None:
            self._before.append(self.mask)
        self.mask = None
        self._upload()

    @property
    def has_strokes(self) -> bool:
        """Whether there is one to take back."""
        return bool(self._before)

    def take_back(self) -> None:
        """The mask as it was before the last stroke."""
        if self._before:
            self.mask = self._before.pop()
            self._upload()

    def poll(self) -> bool:
        """Follow the hand; true when something is drawn anew."""
        drag = self._grip.poll()
        if drag is None or self.crop is None or self._small is None:
            return False
        width, height = dpg.get_item_width(self.item) or 1, dpg.get_item_height(self.item) or 1
        if self.paints:
            now = drag.now[0] / width, drag.now[1] / height
            if drag.began:
                self._before.append(self.mask)
                self._at = now
            mask = np.ones(self._small.shape[:2], np.float32) if self.mask is None else self.mask
            self.mask = stroked(mask, self._at or now, now, value=0.0)
            self._at = None if drag.ended else now
            self._upload()
            return True
        if drag.began:
            self._from = self.crop
        if self._from is not None:
            self.crop = moved(self._from, drag.moved[0] / width, drag.moved[1] / height)
            self._draw_crop()
        if drag.ended:
            self._from = None
        return True

    def _upload(self) -> None:
        if self._texture is None or self._small is None:
            return
        pixels = self._small
        if self.mask is not None:
            covered = (1 - self.mask)[..., None] * 0.7
            pixels = pixels.copy()
            pixels[..., :3] = (pixels[..., :3] * (1 - covered) + _COVERED * covered).astype(np.uint8)
        self._texture.set_smooth(True)
        self._texture.upload(pixels)

    def _draw(self) -> None:
        if self._texture is None or self._small is None:
            return
        height, width = self._small.shape[:2]
        share = self._look.px(_SIDE_PX) / max(height, width)
        size = round(width * share), round(height * share)
        dpg.configure_item(self.item, width=size[0], height=size[1])
        dpg.delete_item("photo_image", children_only=True)
        dpg.draw_image(self._texture.tag, (0, 0), size, parent="photo_image")
        self._draw_crop()

    def _draw_crop(self) -> None:
        assert self.crop is not None
        layer: Item = "photo_crop"
        dpg.delete_item(layer, children_only=True)
        width, height = dpg.get_item_width(self.item) or 1, dpg.get_item_height(self.item) or 1
        crop = self.crop
        left, right = max(0.0, crop.left) * width, min(1.0, crop.left + crop.width) * width
        top, bottom = max(0.0, crop.top) * height, min(1.0, crop.top + crop.height) * height
        shades = ((0, 0, width, top), (0, bottom, width, height), (0, top, left, bottom), (right, top, width, bottom))
        for x0, y0, x1, y1 in shades:
            if x1 > x0 and y1 > y0:
                dpg.draw_rectangle((x0, y0), (x1, y1), fill=_SHADE, color=(0, 0, 0, 0), thickness=0, parent=layer)
        colour = (*self._look.palette.accent, 255)
        dpg.draw_rectangle((left + 1, top + 1), (right - 1, bottom - 1), color=colour, thickness=2, parent=layer)
