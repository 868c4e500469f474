"""The second window itself: GLFW for the window, OpenGL for the picture, Dear ImGui for its few words."""

from collections.abc import Callable
from typing import Any

import glfw
from imgui_bundle import ImVec2, imgui
from imgui_bundle.python_backends.glfw_backend import GlfwRenderer
from OpenGL import GL as gl  # noqa: N811

from widgets.places import asset
from widgets.presentation.blocks import Pixels
from widgets.presentation.placement import Rect, letterbox, other_screen

__all__ = ["Screen", "ScreenError"]

_SIZE = 720
_HINT_S = 4.0
_HINT = "F11 or double-click: full screen    Right-click: menu"
_NO_MONITOR: Any = None
# Dear ImGui sees a click in one frame and answers it in the next.
_FRAMES_AFTER_INPUT = 3
_FORMATS = {1: gl.GL_RED, 3: gl.GL_RGB, 4: gl.GL_RGBA}


class ScreenError(Exception):
    """The window cannot be opened; says why."""


class Screen:
    """A window with one picture. Everything but `wake` belongs to one thread.

    Args:
        near: Where the main window is: this one opens on another screen, if there is one.

    Raises:
        ScreenError: There is no display, or no OpenGL 3.3.
    """

    def __init__(self, near: Rect) -> None:
        if not glfw.init():
            raise ScreenError("no display answers")
        self._window = _make_window(near)
        glfw.make_context_current(self._window)
        glfw.swap_interval(1)
        imgui.create_context()
        imgui.get_io().set_ini_filename("")
        self._scale = _dress(self._window)
        self._renderer = _Renderer(self._window, self._woken)
        self._texture = int(gl.glGenTextures(1))
        self._size = (0, 0)
        self._whole = False
        self._frames = _FRAMES_AFTER_INPUT
        self._place = _place_of(self._window)
        self._hint_until_s = glfw.get_time() + _HINT_S

    @property
    def is_closed(self) -> bool:
        """Whether a hand closed it."""
        return bool(glfw.window_should_close(self._window))

    def upload(self, pixels: Pixels, *, smooth: bool) -> None:
        """Show another picture, ``[H, W, C]`` bytes, C being 1, 3 or 4; they may change after the call."""
        height, width, channels = pixels.shape
        gl.glBindTexture(gl.GL_TEXTURE_2D, self._texture)
        gl.glPixelStorei(gl.GL_UNPACK_ALIGNMENT, 1)
        form = _FORMATS[channels]
        if self._size != (width, height):
            self._size = (width, height)
            gl.glTexImage2D(gl.GL_TEXTURE_2D, 0, gl.GL_RGBA8, width, height, 0, form, gl.GL_UNSIGNED_BYTE, pixels)
        else:
            gl.glTexSubImage2D(gl.GL_TEXTURE_2D, 0, 0, 0, width, height, form, gl.GL_UNSIGNED_BYTE, pixels)
        grey = (gl.GL_RED, gl.GL_RED, gl.GL_RED, gl.GL_ONE)
        plain = (gl.GL_RED, gl.GL_GREEN, gl.GL_BLUE, gl.GL_ALPHA)
        gl.glTexParameteriv(gl.GL_TEXTURE_2D, gl.GL_TEXTURE_SWIZZLE_RGBA, grey if channels == 1 else plain)
        gl.glTexParameteri(gl.GL_TEXTURE_2D, gl.GL_TEXTURE_MIN_FILTER, gl.GL_LINEAR)
        gl.glTexParameteri(gl.GL_TEXTURE_2D, gl.GL_TEXTURE_MAG_FILTER, gl.GL_LINEAR if smooth else gl.GL_NEAREST)
        gl.glTexParameteri(gl.GL_TEXTURE_2D, gl.GL_TEXTURE_WRAP_S, gl.GL_CLAMP_TO_EDGE)
        gl.glTexParameteri(gl.GL_TEXTURE_2D, gl.GL_TEXTURE_WRAP_T, gl.GL_CLAMP_TO_EDGE)
        self._whole = not smooth
        self._frames = max(1, self._frames)

    def draw(self) -> None:
        """Bring it up to date, if something changed."""
        if not self._frames:
            return
        self._frames -= 1
        self._renderer.process_inputs()
        imgui.new_frame()
        self._keys()
        if self._size != (0, 0):
            self._draw_picture()
        self._draw_menu()
        self._draw_hint()
        imgui.render()
        gl.glClearColor(0, 0, 0, 1)
        gl.glClear(gl.GL_COLOR_BUFFER_BIT)
        self._renderer.render(imgui.get_draw_data())
        glfw.swap_buffers(self._window)

    def wait(self) -> None:
        """Sleep until a hand moves or `wake` is called."""
        if self._frames:
            glfw.poll_events()
        elif (left_s := self._hint_until_s - glfw.get_time()) > 0:
            glfw.wait_events_timeout(left_s)
            self._frames = max(1, self._frames)
        else:
            glfw.wait_events()

    def wake(self) -> None:
        """Let `wait` return. From any thread."""
        glfw.post_empty_event()

    def close(self) -> None:
        """Take the window away."""
        self._renderer.shutdown()
        gl.glDeleteTextures([self._texture])
        imgui.destroy_context()
        glfw.terminate()

    def _woken(self) -> None:
        self._frames = _FRAMES_AFTER_INPUT

    def _keys(self) -> None:
        if imgui.is_key_pressed(imgui.Key.f11, False):
            self._toggle_fullscreen()
        elif imgui.is_key_pressed(imgui.Key.escape, False):
            if self._is_fullscreen:
                self._toggle_fullscreen()
        elif imgui.is_mouse_double_clicked(0) and not imgui.is_window_hovered(imgui.HoveredFlags_.any_window):
            self._toggle_fullscreen()

    @property
    def _is_fullscreen(self) -> bool:
        return bool(glfw.get_window_monitor(self._window))

    def _toggle_fullscreen(self) -> None:
        if self._is_fullscreen:
            place = self._place
            left, top, width, height = map(round, (place.left, place.top, place.width, place.height))
            glfw.set_window_monitor(self._window, _NO_MONITOR, left, top, width, height, glfw.DONT_CARE)
        else:
            self._place = _place_of(self._window)
            covered = [screen.overlap(self._place) for screen in _screens()]
            self._fill(covered.index(max(covered)))
        self._woken()

    def _fill(self, number: int) -> None:
        monitor = glfw.get_monitors()[number]
        mode = glfw.get_video_mode(monitor)
        glfw.set_window_monitor(self._window, monitor, 0, 0, mode.size.width, mode.size.height, mode.refresh_rate)

    def _draw_picture(self) -> None:
        space = glfw.get_framebuffer_size(self._window)
        if min(space) < 1:
            return
        place = letterbox(self._size, space, whole=self._whole)
        # Dear ImGui counts in the window's units, which are larger than pixels on some screens.
        unit = space[0] / max(1, glfw.get_window_size(self._window)[0])
        start = ImVec2(place.left / unit, place.top / unit)
        end = ImVec2((place.left + place.width) / unit, (place.top + place.height) / unit)
        imgui.get_background_draw_list().add_image(imgui.ImTextureRef(self._texture), start, end)

    def _draw_menu(self) -> None:
        if imgui.is_mouse_released(1):
            imgui.open_popup("menu")
        if not imgui.begin_popup("menu"):
            return
        if imgui.menu_item("Full screen", "F11", self._is_fullscreen)[0]:
            self._toggle_fullscreen()
        screens = _screens()
        if len(screens) > 1:
            imgui.separator()
            for number, screen in enumerate(screens):
                words = f"Fill screen {number + 1}: {screen.width:.0f} × {screen.height:.0f}"
                if imgui.menu_item(words, "", False)[0]:
                    if not self._is_fullscreen:
                        self._place = _place_of(self._window)
                    self._fill(number)
        imgui.separator()
        if imgui.menu_item("Close", "", False)[0]:
            glfw.set_window_should_close(self._window, True)
        imgui.end_popup()

    def _draw_hint(self) -> None:
        if glfw.get_time() >= self._hint_until_s:
            return
        size, pad = imgui.calc_text_size(_HINT), 8 * self._scale
        width, height = glfw.get_window_size(self._window)
        left, top = (width - size.x) / 2, height - size.y - 4 * pad
        paper = imgui.get_foreground_draw_list()
        start, end = ImVec2(left - 2 * pad, top - pad), ImVec2(left + size.x + 2 * pad, top + size.y + pad)
        paper.add_rect_filled(start, end, imgui.get_color_u32((0.0, 0.0, 0.0, 0.7)), pad)
        paper.add_text(ImVec2(left, top), imgui.get_color_u32((0.9, 0.9, 0.9, 1.0)), _HINT)


class _Renderer(GlfwRenderer):
    """Draws Dear ImGui, and tells of everything that may change what it draws."""

    def __init__(self, window: Any, woken: Callable[[], None]) -> None:
        self._woken = woken
        super().__init__(window)
        glfw.set_window_refresh_callback(window, lambda _: woken())
        glfw.set_framebuffer_size_callback(window, lambda *_: woken())

    def keyboard_callback(self, *event: Any) -> None:
        """A key went down or up."""
        super().keyboard_callback(*event)
        self._woken()

    def mouse_callback(self, _window: Any, x: float, y: float) -> None:
        """The mouse moved; also while another window has the keyboard."""
        self.io.add_mouse_pos_event(x, y)
        self._woken()

    def mouse_button_callback(self, *event: Any) -> None:
        """A button went down or up."""
        super().mouse_button_callback(*event)
        self._woken()


def _make_window(near: Rect) -> Any:
    glfw.window_hint(glfw.CONTEXT_VERSION_MAJOR, 3)
    glfw.window_hint(glfw.CONTEXT_VERSION_MINOR, 3)
    glfw.window_hint(glfw.OPENGL_PROFILE, glfw.OPENGL_CORE_PROFILE)
    glfw.window_hint(glfw.OPENGL_FORWARD_COMPAT, True)
    glfw.window_hint(glfw.SCALE_TO_MONITOR, True)
    glfw.window_hint(glfw.VISIBLE, False)
    # The keyboard stays with the controls, and a click there leaves the picture where it is.
    glfw.window_hint(glfw.FOCUS_ON_SHOW, False)
    glfw.window_hint(glfw.AUTO_ICONIFY, False)
    window = glfw.create_window(_SIZE, _SIZE, "Latent Explorer: presentation", None, None)
    if not window:
        glfw.terminate()
        raise ScreenError("it needs OpenGL 3.3, which this display does not offer")
    screens = _screens()
    if screens:
        screen = screens[other_screen(screens, near)]
        width, height = glfw.get_window_size(window)
        left, top = screen.left + (screen.width - width) / 2, screen.top + (screen.height - height) / 2
        glfw.set_window_pos(window, round(left), round(top))
    glfw.show_window(window)
    return window


def _dress(window: Any) -> float:
    """Load the font; returns how many of the window's units a pixel of the design is."""
    density = glfw.get_framebuffer_size(window)[0] / max(1, glfw.get_window_size(window)[0])
    scale = glfw.get_window_content_scale(window)[0] / (density or 1)
    imgui.get_io().fonts.add_font_from_file_ttf(str(asset("fonts", "Inter-Regular.otf")), 15 * scale)
    style = imgui.get_style()
    style.window_padding = style.item_spacing = ImVec2(10, 8)
    style.popup_rounding = 6
    style.scale_all_sizes(scale)
    return float(scale)


def _place_of(window: Any) -> Rect:
    return Rect(*glfw.get_window_pos(window), *glfw.get_window_size(window))


def _screens() -> list[Rect]:
    places = []
    for monitor in glfw.get_monitors():
        mode = glfw.get_video_mode(monitor)
        places.append(Rect(*glfw.get_monitor_pos(monitor), mode.size.width, mode.size.height))
    return places
