"""The picture on the graphics card: one interface, two ways to get there.

Dear PyGui only knows float textures and sends a changing one to the card anew each frame: 18 ms at 1024². Where it
draws with OpenGL, `OpenGLTexture` takes over the storage of one of its static textures and writes bytes
into it, 4 ms. Everywhere else `FloatTexture` goes the ordinary way.
"""

import contextlib
import sys
from collections.abc import Iterator
from typing import Protocol

import dearpygui.dearpygui as dpg
import numpy as np
from numpy.typing import NDArray

__all__ = ["FloatTexture", "OpenGLTexture", "PictureTexture", "TextureUnavailableError", "as_rgba", "open_texture"]

Pixels = NDArray[np.uint8]

_SENTINEL_SIDE = 8
_LARGEST_NAME = 4096


class TextureUnavailableError(RuntimeError):
    """The zero-copy path does not work here: use `FloatTexture`."""


class PictureTexture(Protocol):
    """Something that Dear PyGui can draw and that takes new pixels at any size."""

    tag: int
    """What `add_image` and `draw_image` take; it may change after `upload` or `set_smooth`."""
    size: tuple[int, int]
    """Width and height of what was uploaded last, ``(0, 0)`` before."""

    def upload(self, pixels: Pixels) -> None:
        """Show ``[H, W, C]`` bytes, C being 1 (grey), 3 (RGB) or 4 (RGBA)."""

    def set_smooth(self, smooth: bool) -> None:
        """Interpolate between pixels when enlarged, or keep them square."""

    def read_back(self) -> Pixels:
        """What the card holds, ``[H, W, 4]`` bytes. For tests: slow."""

    def close(self) -> None:
        """Give the texture back."""


def as_rgba(pixels: Pixels) -> Pixels:
    """``[H, W, 1 | 3 | 4]`` to ``[H, W, 4]``, opaque where there is no alpha."""
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4):
        raise ValueError(f"a picture is uint8 [H, W, 1, 3 or 4], not {pixels.dtype} {list(pixels.shape)}")
    if pixels.shape[2] == 4:
        return np.ascontiguousarray(pixels)
    rgba = np.full((*pixels.shape[:2], 4), 255, np.uint8)
    rgba[..., :3] = pixels
    return rgba


def open_texture(registry: int | str, *, zero_copy: bool = True) -> PictureTexture:
    """The fastest texture that works here. Renders one frame, so the viewport must be shown.

    Args:
        registry: A Dear PyGui texture registry.
        zero_copy: Allow the OpenGL path; without it the float path is taken.
    """
    if zero_copy and sys.platform.startswith("linux"):
        try:
            return OpenGLTexture(registry)
        except TextureUnavailableError:
            # A driver on which the texture cannot be found still shows pictures, only slower.
            return FloatTexture(registry)
    return FloatTexture(registry)


class OpenGLTexture:
    """Bytes written straight into the storage of a static texture of Dear PyGui's.

    A static texture is never written again by Dear PyGui, so once its OpenGL name is known its storage is ours.
    The name is found by content: the texture starts as random pixels, and the one that holds them is it.
    """

    def __init__(self, registry: int | str) -> None:
        from OpenGL import GL

        self._gl = GL
        self.size = (0, 0)
        self._smooth = True
        sentinel = np.random.default_rng().integers(0, 256, (_SENTINEL_SIDE, _SENTINEL_SIDE, 4), dtype=np.uint8)
        flat = (sentinel.astype(np.float32) / 255).ravel().tolist()
        self.tag = dpg.add_static_texture(_SENTINEL_SIDE, _SENTINEL_SIDE, flat, parent=registry)
        dpg.render_dearpygui_frame()  # the OpenGL object exists only after a frame
        names = [name for name in range(1, _LARGEST_NAME) if self._holds(name, sentinel)]
        if len(names) != 1:
            dpg.delete_item(self.tag)
            raise TextureUnavailableError(f"{len(names)} OpenGL textures hold the sentinel, not one")
        self._name = names[0]

    @contextlib.contextmanager
    def _bound(self, name: int) -> Iterator[None]:
        """Bind a texture with tightly packed rows, and leave OpenGL as it was found: Dear PyGui shares the context."""
        gl = self._gl
        before = int(gl.glGetIntegerv(gl.GL_TEXTURE_BINDING_2D))
        packing = {
            parameter: int(gl.glGetIntegerv(parameter))
            for parameter in (gl.GL_UNPACK_ALIGNMENT, gl.GL_UNPACK_ROW_LENGTH, gl.GL_PACK_ALIGNMENT)
        }
        gl.glBindTexture(gl.GL_TEXTURE_2D, name)
        gl.glPixelStorei(gl.GL_UNPACK_ALIGNMENT, 1)
        gl.glPixelStorei(gl.GL_UNPACK_ROW_LENGTH, 0)
        gl.glPixelStorei(gl.GL_PACK_ALIGNMENT, 1)
        try:
            yield
        finally:
            for parameter, value in packing.items():
                gl.glPixelStorei(parameter, value)
            gl.glBindTexture(gl.GL_TEXTURE_2D, before)

    def _holds(self, name: int, sentinel: Pixels) -> bool:
        gl = self._gl
        if not gl.glIsTexture(name):
            return False
        with self._bound(name):
            width = gl.glGetTexLevelParameteriv(gl.GL_TEXTURE_2D, 0, gl.GL_TEXTURE_WIDTH)
            height = gl.glGetTexLevelParameteriv(gl.GL_TEXTURE_2D, 0, gl.GL_TEXTURE_HEIGHT)
            if (height, width) != sentinel.shape[:2]:
                return False
            return np.array_equal(self._read(height, width), sentinel)

    def _read(self, height: int, width: int) -> Pixels:
        gl = self._gl
        raw = gl.glGetTexImage(gl.GL_TEXTURE_2D, 0, gl.GL_RGBA, gl.GL_UNSIGNED_BYTE)
        return np.frombuffer(raw, np.uint8).reshape(height, width, 4)

    def upload(self, pixels: Pixels) -> None:
        """Write the bytes, and make room first when the size changes."""
        height, width = pixels.shape[:2]
        if self.size != (width, height):
            self.reserve(width, height)
        self.write(0, 0, pixels)

    def reserve(self, width: int, height: int) -> None:
        """Make room, in pixels; what is in it is anyone's guess."""
        gl = self._gl
        with self._bound(self._name):
            gl.glTexImage2D(gl.GL_TEXTURE_2D, 0, gl.GL_RGBA8, width, height, 0, gl.GL_RGBA, gl.GL_UNSIGNED_BYTE, None)
            self.size = (width, height)
            self._set_filter()

    def write(self, left: int, top: int, pixels: Pixels) -> None:
        """Write ``[h, w, C]`` bytes into a part of the room there is."""
        gl = self._gl
        # RGB goes as it is; grey has no portable format in this context, so it is widened here.
        data = np.ascontiguousarray(pixels) if pixels.ndim == 3 and pixels.shape[2] == 3 else as_rgba(pixels)
        layout = gl.GL_RGB if data.shape[2] == 3 else gl.GL_RGBA
        height, width = data.shape[:2]
        with self._bound(self._name):
            gl.glTexSubImage2D(gl.GL_TEXTURE_2D, 0, left, top, width, height, layout, gl.GL_UNSIGNED_BYTE, data)

    def _set_filter(self) -> None:
        gl = self._gl
        enlarge = gl.GL_LINEAR if self._smooth else gl.GL_NEAREST
        gl.glTexParameteri(gl.GL_TEXTURE_2D, gl.GL_TEXTURE_MAG_FILTER, enlarge)
        gl.glTexParameteri(gl.GL_TEXTURE_2D, gl.GL_TEXTURE_MIN_FILTER, gl.GL_LINEAR)

    def set_smooth(self, smooth: bool) -> None:
        """Interpolate, or keep pixels square."""
        if smooth == self._smooth:
            return
        self._smooth = smooth
        with self._bound(self._name):
            self._set_filter()

    def read_back(self) -> Pixels:
        """What is drawn, ``[H, W, 4]``."""
        width, height = self.size
        with self._bound(self._name):
            return self._read(height, width).copy()

    def close(self) -> None:
        """Delete the texture."""
        dpg.delete_item(self.tag)


class FloatTexture:
    """Float RGBA, sent again every frame by Dear PyGui: works wherever Dear PyGui does.

    Dear PyGui always interpolates such a texture, so square pixels are had by repeating them.
    """

    _LARGEST_REPEATED_PX = 1024

    def __init__(self, registry: int | str) -> None:
        self._registry = registry
        self.size = (0, 0)
        self._smooth = True
        self._pixels: Pixels | None = None
        self._buffer = np.zeros((1, 1, 4), np.float32)
        self.tag = self._add()

    def _add(self) -> int:
        height, width = self._buffer.shape[:2]
        tag = dpg.add_raw_texture(width, height, self._buffer, format=dpg.mvFormat_Float_rgba, parent=self._registry)
        return int(tag)

    def upload(self, pixels: Pixels) -> None:
        """Turn the bytes into floats; Dear PyGui sends them with the next frame."""
        rgba = as_rgba(pixels)
        self._pixels = rgba
        height, width = rgba.shape[:2]
        self.size = (width, height)
        times = 1 if self._smooth else max(1, self._LARGEST_REPEATED_PX // max(height, width))
        if self._buffer.shape[:2] != (height * times, width * times):
            # A raw texture cannot change its size, and it reads this very buffer: both are replaced together.
            dpg.delete_item(self.tag)
            self._buffer = np.zeros((height * times, width * times, 4), np.float32)
            self.tag = self._add()
        scaled = rgba.astype(np.float32) / np.float32(255)
        self._buffer[:] = scaled.repeat(times, axis=0).repeat(times, axis=1) if times > 1 else scaled

    def set_smooth(self, smooth: bool) -> None:
        """Interpolate, or keep pixels square."""
        if smooth == self._smooth:
            return
        self._smooth = smooth
        if self._pixels is not None:
            self.upload(self._pixels)

    def read_back(self) -> Pixels:
        """What is drawn, ``[H, W, 4]``."""
        width, height = self.size
        if not width:
            return np.zeros((0, 0, 4), np.uint8)
        times = self._buffer.shape[0] // height
        return np.rint(self._buffer[::times, ::times] * 255).astype(np.uint8)

    def close(self) -> None:
        """Delete the texture."""
        dpg.delete_item(self.tag)
