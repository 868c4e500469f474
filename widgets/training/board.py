"""Pictures of a run: generated ones beside real ones, in one texture."""

import dearpygui.dearpygui as dpg
import numpy as np
from numpy.typing import NDArray

from explorer.session.training import Grids
from widgets.texture import PictureTexture
from widgets.theme import Look

__all__ = ["Board", "side_by_side"]

_GAP_PX = 12
_CAPTION_PX = 22


def side_by_side(
    left: "NDArray[np.uint8] | None", right: "NDArray[np.uint8] | None"
) -> "tuple[NDArray[np.uint8], float] | None":
    """Two sheets as one RGB picture, and the share of its width that is the left one's; ``None`` without any."""
    there = [sheet for sheet in (left, right) if sheet is not None]
    if not there:
        return None
    height = max(sheet.shape[0] for sheet in there)
    width = sum(sheet.shape[1] for sheet in there)
    whole = np.zeros((height, width, 3), np.uint8)
    across = 0
    for sheet in there:
        # Grey fills all three channels; what is transparent is shown as it is under that.
        whole[: sheet.shape[0], across : across + sheet.shape[1]] = sheet[..., :3]
        across += sheet.shape[1]
    return whole, (left.shape[1] / width if left is not None else 0.0)


class Board:
    """A drawing that fills what it is given."""

    item = "training_board"

    def __init__(self, look: Look) -> None:
        self._look = look
        self._texture: PictureTexture | None = None
        self._grids = Grids()
        self._share = 0.0
        self._size = (0, 0)
        self._drawn: tuple[object, ...] = ()

    def build(self) -> None:
        """Make the drawing."""
        dpg.add_drawlist(tag=self.item, width=100, height=100)

    def attach(self, texture: PictureTexture) -> None:
        """Draw with this texture from now on."""
        self._texture = texture
        self._drawn = ()

    def show(self, grids: Grids, size: tuple[int, int]) -> bool:
        """Bring the drawing up to date; true when it changed.

        Args:
            grids: What to show.
            size: Width and height on screen.
        """
        if self._texture is None:
            return False
        if grids.fakes is not self._grids.fakes or grids.reals is not self._grids.reals or not self._drawn:
            self._upload(grids, self._texture)
        drawn = (grids.fakes is None, grids.reals is None, grids.kimg, self._texture.tag, self._texture.size, size)
        changed = drawn != self._drawn or grids is not self._grids
        self._grids = grids
        if drawn != self._drawn:
            self._drawn = drawn
            self._draw(size)
        return changed

    def _upload(self, grids: Grids, texture: PictureTexture) -> None:
        joined = side_by_side(grids.fakes, grids.reals)
        if joined is not None:
            pixels, self._share = joined
            texture.upload(pixels)

    def _draw(self, size: tuple[int, int]) -> None:
        width, height = size
        dpg.configure_item(self.item, width=width, height=height)
        dpg.delete_item(self.item, children_only=True)
        gap, caption = self._look.px(_GAP_PX), self._look.px(_CAPTION_PX)
        half = (width - gap) / 2
        grids = self._grids
        for place, (sheet, words) in enumerate(
            ((grids.fakes, f"Generated at {grids.kimg:,.4g} kimg"), (grids.reals, "Real"))
        ):
            if sheet is None:
                continue
            left = place * (half + gap)
            room = (half, height - caption)
            zoom = min(room[0] / sheet.shape[1], room[1] / sheet.shape[0])
            self._text((left, 0), words)
            self._picture(place, (left, caption), (sheet.shape[1] * zoom, sheet.shape[0] * zoom), sheet.shape[0])

    def _picture(self, place: int, at: tuple[float, float], size: tuple[float, float], height: int) -> None:
        assert self._texture is not None
        first, last = ((0.0, self._share), (self._share, 1.0))[place]
        dpg.draw_image(
            self._texture.tag,
            (round(at[0]), round(at[1])),
            (round(at[0] + size[0]), round(at[1] + size[1])),
            uv_min=(first, 0.0),
            uv_max=(last, height / self._texture.size[1]),
            parent=self.item,
        )

    def _text(self, at: tuple[float, float], words: str) -> None:
        text = dpg.draw_text(
            at, words, color=(*self._look.palette.quiet, 255), size=self._look.px(15), parent=self.item
        )
        dpg.bind_item_font(text, self._look.body)
