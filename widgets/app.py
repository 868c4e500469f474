"""Start, loop, end: `run` opens the window and returns when it is closed."""

import contextlib
import gc
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from explorer.commands.display import why_no_display
from explorer.errors import ExplorerError
from widgets.display_scale import automatic_scale
from widgets.layout import layout_file
from widgets.native import Native, leave_cores, prefer_glx
from widgets.places import settings_folder

if TYPE_CHECKING:
    from explorer.session import Session
    from widgets.settings import SettingsStore
    from widgets.window import Window

__all__ = ["Options", "run"]

_FRAME_S = 1 / 60
_BESIDE_S = 1 / 55
_PATIENCE_S = 1 / 45
_GRACE_S = 0.012
_REST_S = 0.25
# What computes holds Python's lock for this long at most when the window wants it: the default is a third of a frame.
_SWITCH_S = 0.001
_AWAKE_S = 0.4


@dataclass(frozen=True, slots=True)
class Options:
    """How the window is opened."""

    scale: float | None = None
    """Pixels on screen for a pixel of the design; as in the settings, or as the desktop says, when ``None``."""
    size_px: tuple[int, int] | None = None
    """Width and height of the window, before scaling; as it was last when ``None``."""
    zero_copy: bool = True
    """Whether pictures may go straight into OpenGL's memory; false takes the way of other platforms."""
    test_channel: bool = False
    """Whether to obey commands on standard input, see widgets/testing_channel.py."""


def run(source: str | None = None, *, options: Options | None = None) -> None:
    """Open the window and return when it is closed.

    Args:
        source: A checkpoint, a project or ``bundled:NAME``; the bundled model when ``None``.
        options: Size, scale and the like.

    Raises:
        ExplorerError: There is no display.
    """
    if reason := why_no_display():
        raise ExplorerError(reason)
    prefer_glx()
    leave_cores()

    # After the check: a machine without a display waits for nothing.
    from explorer.session import Compute, Session, recovery_folder
    from widgets.settings import SettingsStore

    store = SettingsStore(settings_folder() / "settings.json")
    kept = store.settings
    session = Session(
        recovery=recovery_folder(), compile_kernels=kept.compiled, compute=Compute(kept.device, kept.precision)
    )
    session.previews = kept.previews
    session.recent = kept.recent
    try:
        if source is not None:
            session.open(source)
        elif session.bundled:
            session.open(f"bundled:{session.bundled[0].name}")
        with _viewport(session, store, options or Options()) as (window, native):
            _loop(window, native, test_channel=bool(options and options.test_channel))
    finally:
        session.close()


@contextlib.contextmanager
def _viewport(session: "Session", store: "SettingsStore", options: Options) -> "Iterator[tuple[Window, Native]]":
    import dearpygui._dearpygui as library
    import dearpygui.dearpygui as dpg

    from widgets.atlas import open_store
    from widgets.texture import open_texture
    from widgets.theme import Palette, apply_theme, dock_colours, dock_sizes
    from widgets.window import Window

    scale = options.scale or store.settings.scale or automatic_scale()
    width_px, height_px = options.size_px or (store.settings.width_px, store.settings.height_px)
    layout = layout_file(settings_folder(), scale)
    dpg.create_context()
    try:
        # Callbacks run in this thread, between frames: in a thread of Dear PyGui's own they meet half-made items.
        dpg.configure_app(
            manual_callback_management=True,
            docking=True,
            docking_space=True,
            init_file=str(layout),
            load_init_file=True,
        )
        dpg.create_viewport(
            title="Latent Explorer",
            width=round(width_px * scale),
            height=round(height_px * scale),
            x_pos=0,
            y_pos=0,
            min_width=round(900 * scale),
            min_height=round(600 * scale),
            clear_color=(*Palette().panel, 255),  # the ground of docked panels, see widgets/grounds.py
            disable_close=True,  # work may be unsaved: the window asks first
        )
        dpg.setup_dearpygui()
        look = apply_theme(scale)
        # All windows exist before the first frame, which drops from the arrangement what it cannot find.
        native = Native(library.__file__)
        window = Window(look, session, store, layout, native)
        dpg.show_viewport()
        textures = dpg.add_texture_registry()
        window.attach(lambda: open_texture(textures, zero_copy=options.zero_copy))
        window.atlas.attach(open_store(textures, zero_copy=options.zero_copy))
        window.listen()
        native.paint(dock_colours(look.palette))
        native.space(dock_sizes(look.scale))
        try:
            yield window, native
        finally:
            window.close()
        dpg.save_init_file(str(layout))
        size = (dpg.get_viewport_width(), dpg.get_viewport_height())
        store.change(width_px=round(size[0] / scale), height_px=round(size[1] / scale))
    finally:
        dpg.destroy_context()


def _loop(window: "Window", native: Native, *, test_channel: bool) -> None:
    import dearpygui.dearpygui as dpg

    from widgets.callbacks import run_callbacks
    from widgets.testing_channel import TestingChannel

    sys.setswitchinterval(_SWITCH_S)
    channel = TestingChannel(window, sys.stdin, sys.stdout) if test_channel else None
    pace = _Pace(native, rest_s=0.004 if channel else _REST_S)
    busy = True
    while dpg.is_dearpygui_running():
        was_busy, busy = busy, bool(window.session.jobs)
        if was_busy and not busy:
            # What loading left behind stays: the collector would walk through all of it, for a third of a second.
            gc.freeze()
        if window.update():
            pace.stay_awake()
        window.show_status(resting=pace.resting)
        dpg.render_dearpygui_frame()
        window.rate.tick()
        # At once, so that what the hand did is being computed while this frame is on its way.
        run_callbacks(window.toasts.say)
        if window.follow_hand():
            pace.stay_awake()
        window.between_frames()
        if channel is not None:
            channel.after_frame()
        if channel is None or not channel.hurries:
            pace.wait(window)


class _Pace:
    """Sixty frames a second while something happens, almost none while nothing does."""

    def __init__(self, native: Native, *, rest_s: float) -> None:
        self._native = native
        self._rest_s = rest_s
        self._frame_s = 0.0
        self._awake_until_s = time.perf_counter() + 1.0
        self.resting = False
        """Whether the last wait was for a hand."""

    def stay_awake(self) -> None:
        """Go on at full rate for a while, so that what was set off is seen to its end."""
        self._awake_until_s = time.perf_counter() + _AWAKE_S

    def wait(self, window: "Window") -> None:
        """Sleep until the next frame is due."""
        now_s = time.perf_counter()
        self.resting = False
        if window.session.is_rendering:
            # The picture is shown the moment it is there. A frame without it would only take the processor from
            # the renderer and be in the way when it comes, so a late tick is better; only not much later.
            patience_s = _BESIDE_S if window.session.jobs else _PATIENCE_S
            left_s = self._frame_s + patience_s - now_s
            # Where drawing takes longer than that by itself, a quick picture is still worth a late frame: without
            # it every other frame would be drawn in vain, on the cores that the picture needs.
            window.session.wait_for_frame(max(0.0, left_s, _GRACE_S if window.render_s < 4 * _GRACE_S else 0.0))
        elif window.must_redraw or now_s < self._awake_until_s:
            # Beside work in the background a little slower, which leaves it more than it takes from the eye.
            frame_s = _BESIDE_S if window.session.jobs else _FRAME_S
            time.sleep(max(0.0, self._frame_s + frame_s - now_s))
        else:
            self.resting = True
            window.rate.rest()
            self._native.wait_for_input(self._rest_s)
            if time.perf_counter() - now_s < self._rest_s * 0.9:
                self.stay_awake()
        self._frame_s = time.perf_counter()
