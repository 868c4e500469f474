"""Another picture beside the one in the middle of the window, in the same place, with a line to drag between them."""

from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg
import numpy as np
from numpy.typing import NDArray

from widgets.drag_modes import PictureDrag
from widgets.picture import PictureView
from widgets.shortcuts import is_typing
from widgets.theme import Look
from widgets.wipe import Rect, Side, Wipe, why_apart
from widgets.wipe_bar import WipeBar

if TYPE_CHECKING:
    from widgets.texture import PictureTexture

__all__ = ["PictureWipe"]

FLIP_KEY = dpg.mvKey_F
"""Held, it makes both pictures change places."""


class PictureWipe:
    """One for the window. Whoever shows a picture owns it until somebody else does, or a person ends it.

    The other picture is to the left of the line, the one that follows every control to its right.

    Args:
        look: Colours and scale.
        picture: What it lies on.
    """

    def __init__(self, look: Look, picture: PictureView) -> None:
        self._picture = picture
        self._wipe = Wipe(look, picture.wipe_layer)
        self._bar = WipeBar(look, self.end)
        self._texture: PictureTexture | None = None
        self._words = ("", "")
        self._smooth: bool | None = None
        self._flip_down = self._flip_counts = False
        self.owner: object = None
        """Who shows something; ``None`` while nothing is compared."""
        self.pixels: NDArray[np.uint8] | None = None
        """The other picture, ``[H, W, C]``; ``None`` while it is still being made."""

    def attach(self, texture: "PictureTexture") -> None:
        """Draw the other picture with this texture from now on; once, when all meanings of a drag are known."""
        self._texture = texture
        # Asked first: the line lies over everything that can be dragged.
        self._picture.add_drag_mode(self)

    def show(
        self, owner: object, pixels: NDArray[np.uint8] | None, *, other: str, now: str = "Now", note: str = ""
    ) -> None:
        """Compare, or go on comparing, with another picture.

        Args:
            owner: Who asks; takes over from whoever did before.
            pixels: The other picture, ``[H, W, C]``, C being 1, 3 or 4; ``None`` while there is none to show.
            other: What it is called.
            now: What the picture in the middle is called.
            note: Why there is none, or what else a person should know.
        """
        self.owner = owner
        self._words = (other, now)
        self._bar.say(note)
        if pixels is not None and pixels is not self.pixels and self._texture is not None:
            self._smooth = not self._picture.is_crisp
            self._texture.set_smooth(self._smooth)
            self._texture.upload(pixels)
        self.pixels = pixels

    def end(self) -> None:
        """Show the picture in the middle alone again."""
        self.owner = self.pixels = None
        self._wipe.share, self._wipe.flipped = 0.5, False
        self._wipe.clear()
        self._picture.show_image(True)
        self._bar.hide()

    def takes(self, drag: PictureDrag) -> bool:
        """Whether a drag that began is of the line."""
        rect = self._rect
        return self._is_drawn and self._wipe.is_on_line(rect.left + drag.start[0] * rect.width, rect)

    def drag(self, drag: PictureDrag) -> None:
        """Move the line with the hand."""
        rect = self._rect
        self._wipe.move_to(rect.left + drag.now[0] * rect.width, rect)

    def poll(self) -> bool:
        """Follow the picture, the mouse and the key; once a frame. True when something is drawn anew."""
        if self.owner is None:
            return False
        reason = self._why_not()
        self._bar.poll(reason, can_flip=self._is_drawn)
        if not self._is_drawn or self._texture is None:
            self._wipe.clear()
            self._picture.show_image(True)
            return False
        if self._smooth != (not self._picture.is_crisp):
            self._smooth = not self._picture.is_crisp
            self._texture.set_smooth(self._smooth)
        self._wipe.flipped = self._flip_held()
        self._wipe.lit = self._is_under_mouse()
        self._picture.show_image(False)
        other, now = self._words
        sides = Side(self._texture.tag, other), Side(self._picture.texture_tag, now)
        return self._wipe.draw(*sides, self._rect, self._picture.space)

    @property
    def share(self) -> float:
        """Where the line is, in widths of the picture."""
        return self._wipe.share

    @property
    def is_flipped(self) -> bool:
        """Whether the pictures have changed places."""
        return self._wipe.flipped

    @property
    def _rect(self) -> Rect:
        return Rect(*self._picture.rect)

    @property
    def _is_drawn(self) -> bool:
        there = self.owner is not None and self.pixels is not None and self._picture.pixels is not None
        return there and not self._why_not()

    def _why_not(self) -> str:
        if self.pixels is None or self._picture.pixels is None:
            return ""
        return why_apart(self.pixels.shape, self._picture.pixels.shape)

    def _is_under_mouse(self) -> bool:
        if not dpg.is_item_hovered(self._picture.item):
            return False
        x = dpg.get_mouse_pos(local=False)[0] - dpg.get_item_rect_min(self._picture.item)[0]
        return self._wipe.is_on_line(x, self._rect)

    def _flip_held(self) -> bool:
        down = bool(dpg.is_key_down(FLIP_KEY))
        if down and not self._flip_down:
            # Asked once: a letter that is typed into a field flips nothing, however long its key is down.
            self._flip_counts = not is_typing()
        self._flip_down = down
        return down and self._flip_counts
