"""The window put together: panels in their docks, the picture in the middle, and what one frame does."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from widgets.atlas import Atlas
from widgets.controls import Kit
from widgets.copying import Copying
from widgets.dialogs import close_front_dialog
from widgets.files import FileDialogs
from widgets.grounds import Grounds
from widgets.layout import Place, reset_layout
from widgets.menu import Actions, build_menu, mark_choices, refresh_menu
from widgets.native import Native
from widgets.panels import Drawing, Keyed, Moving, Polled, Receiving, Watching
from widgets.panels.registry import Parts, make_panels
from widgets.picture import PictureView
from widgets.picture_wipe import PictureWipe
from widgets.popup import close_front_popup
from widgets.preferences import Preferences
from widgets.quitting import Quitting
from widgets.recovery_offer import offer_recovery
from widgets.second_window import SecondWindow
from widgets.settings import RECENT, SettingsStore
from widgets.shortcuts import EQUALS, Shortcut, bind_shortcuts
from widgets.status import FrameRate, StatusLine
from widgets.theme import Look
from widgets.toasts import Toasts
from widgets.tour import Tour
from widgets.welcome import Welcome
from widgets.words import in_short

if TYPE_CHECKING:
    from collections.abc import Callable

    from explorer.session import Frame, Session
    from widgets.texture import PictureTexture

__all__ = ["Window"]


class Window:
    """Everything on screen. One thread makes it and calls it.

    Args:
        look: Colours, fonts, scale.
        session: What is shown and edited.
        store: What is remembered.
        layout: The file that the arrangement is kept in.
        native: For what Dear PyGui does not offer.
    """

    def __init__(self, look: Look, session: "Session", store: SettingsStore, layout: Path, native: Native) -> None:
        self.session = session
        """What is shown and edited."""
        self.frame: Frame | None = None
        """The newest picture, with its timings."""
        self.rate = FrameRate()
        """Of the window."""
        self._look = look
        self._store = store
        self._title = ""
        self._layout = layout
        self._native = native
        self._dropped: list[Path] = []
        self._layout_reset = self._close_asked = False
        self._seen: tuple[object, ...] = ()
        self.atlas = Atlas()
        """Small pictures; give it a store once the window is shown."""
        self._build(Kit(look, session, self.atlas))
        offer_recovery(session, self.toasts)

    def _build(self, kit: Kit) -> None:
        self.toasts = Toasts(kit)
        self._dialogs = FileDialogs(kit.look, self.session, self.toasts.say, self.save_picture)
        with dpg.window(
            label="Picture",
            tag=int(Place.PICTURE),
            no_close=True,
            no_scrollbar=True,
            no_scroll_with_mouse=True,
            no_background=True,  # the picture paints what is around it: one filling less
        ):
            self.picture = PictureView(kit.look)
            self._welcome = Welcome(kit, self._dialogs)
        self.tour = Tour(kit, self._store)
        self._quitting = Quitting(kit.look, self.session, self._dialogs, dpg.stop_dearpygui)
        self._copying = Copying(self.session, self.toasts.say)
        self._preferences = Preferences(kit.look, self.session, self._store, self.picture)
        dpg.bind_item_theme(int(Place.PICTURE), kit.look.flush)
        self.wipe = PictureWipe(kit.look, self.picture)
        parts = Parts(kit, self._dialogs, self.picture, self.wipe, self.toasts.say, self._store, self.rate)
        self._panels = make_panels(parts)
        for place, panel in self._panels.items():
            with dpg.window(label=panel.title, tag=int(place), no_close=True, no_collapse=True):
                panel.build()
        self._grounds = Grounds(self._native, kit.look.docked, frozenset(self._panels))
        self._polled = tuple(panel for panel in self._panels.values() if isinstance(panel, Polled))
        self._moving = tuple(panel for panel in self._panels.values() if isinstance(panel, Moving))
        self._watching = tuple(panel for panel in self._panels.values() if isinstance(panel, Watching))
        with dpg.window(label="Status", tag=int(Place.STATUS), no_close=True, no_scrollbar=True, min_size=(100, 20)):
            self._status = StatusLine(kit)
        dpg.bind_item_theme(int(Place.STATUS), kit.look.status)
        self.second = SecondWindow(self.picture, self.toasts.say)
        build_menu(kit.look, self._dialogs, self.picture, self._preferences, self._actions())
        bind_shortcuts(self._shortcuts())
        if not self._store.settings.tour_seen:
            self.tour.begin()

    def _actions(self) -> Actions:
        return Actions(
            undo=self.session.undo,
            redo=self.session.redo,
            copy_seed=self._copying.seed,
            copy_command=self._copying.command,
            presentation=self.second.toggle,
            reset_layout=self._reset_layout,
            guide=self._open_guide,
            tour=self.tour.begin,
            quit=self._quitting.ask,
        )

    def _open_guide(self) -> None:
        # Loaded when it is asked for: reading Markdown is no part of starting.
        from widgets.guide import open_guide

        open_guide(self.toasts.say)

    def _shortcuts(self) -> tuple[Shortcut, ...]:
        picture = self.picture
        return (
            Shortcut(dpg.mvKey_O, self._dialogs.open_checkpoint),
            Shortcut(dpg.mvKey_S, self._save),
            Shortcut(dpg.mvKey_S, self._save_as, shift=True),
            Shortcut(dpg.mvKey_E, self._save_picture),
            Shortcut(dpg.mvKey_Z, self.session.undo),
            Shortcut(dpg.mvKey_Z, self.session.redo, shift=True),
            Shortcut(dpg.mvKey_Y, self.session.redo),
            Shortcut(dpg.mvKey_C, self._copying.seed),
            Shortcut(dpg.mvKey_C, self._copying.command, shift=True),
            *(Shortcut(key, picture.fit) for key in (dpg.mvKey_0, dpg.mvKey_NumPad0)),
            *(Shortcut(key, picture.one_to_one) for key in (dpg.mvKey_1, dpg.mvKey_NumPad1)),
            # On many keyboards plus is the shifted key, on others it is not.
            Shortcut(EQUALS, lambda: picture.zoom_by(1)),
            Shortcut(EQUALS, lambda: picture.zoom_by(1), shift=True),
            Shortcut(dpg.mvKey_Add, lambda: picture.zoom_by(1)),
            *(Shortcut(key, lambda: picture.zoom_by(-1)) for key in (dpg.mvKey_Minus, dpg.mvKey_Subtract)),
            Shortcut(dpg.mvKey_Q, self._quitting.ask),
            Shortcut(dpg.mvKey_F12, self.second.toggle, control=False),
            Shortcut(dpg.mvKey_Escape, close_front_dialog, control=False, in_dialogs=True),
            Shortcut(dpg.mvKey_Escape, self._escape, control=False),
            *(key for panel in self._panels.values() if isinstance(panel, Keyed) for key in panel.shortcuts),
        )

    def attach(self, open_texture: "Callable[[], PictureTexture]") -> None:
        """Give the picture, and each panel that draws one of its own, a texture; once the window is shown."""
        self.picture.attach(open_texture())
        for panel in self._panels.values():
            if isinstance(panel, Drawing):
                panel.attach(open_texture())
        self.wipe.attach(open_texture())

    def update(self) -> bool:
        """Take in what happened since the last frame; true when something on screen changed by it."""
        frame = self.session.newest_frame()
        if frame is not None:
            self.frame = frame
            self.picture.show(frame.pixels)
            for panel in self._watching:
                panel.see(frame)
        messages = self.session.messages()
        for message in messages:
            self.toasts.say(message.level, message.text)
        self._grounds.poll()
        changed = any((self._refresh(), self.wipe.poll(), self.second.poll(), self.tour.poll()))
        self._remember()
        left, top = dpg.get_item_pos(int(Place.PICTURE))
        width, height = dpg.get_item_width(int(Place.PICTURE)), dpg.get_item_height(int(Place.PICTURE))
        self.toasts.poll(left, top + height, width)
        self._welcome.refresh()
        mark_choices(self.picture)
        return changed or frame is not None or bool(messages)

    def follow_hand(self) -> bool:
        """Take in where the mouse went in the frame that was just drawn; true when something changed by it.

        At the frame's end and not with the next one, so that what it asks for is computed before that one is drawn.
        """
        self.picture.poll()
        now_s = time.perf_counter()
        # All of them, always: one that changed something must not keep the next from its turn.
        moved = [panel.poll(now_s) for panel in self._polled]
        return any(moved)

    def show_status(self, *, resting: bool) -> None:
        """Bring the numbers of the status line up to date."""
        self.rate.resting = resting
        self._status.refresh(self.frame, self.picture.zoom, None if resting else self.rate.fps)

    def between_frames(self) -> None:
        """Do what must not happen while a frame is being drawn."""
        if self._close_asked:
            self._close_asked = False
            self._quitting.ask()
        self._open_dropped()
        if self._layout_reset:
            self._layout_reset = False
            if not reset_layout(self._layout, self._look.scale, self._native):
                self.toasts.say("info", "The layout will be back at the next start.")

    @property
    def render_s(self) -> float:
        """How long the picture that is shown took to compute, in seconds; infinite before there is any."""
        timings = self.frame.timings if self.frame else None
        return timings.finished_s - timings.started_s if timings else float("inf")

    @property
    def must_redraw(self) -> bool:
        """Whether frames must go on although no hand moves."""
        waits = self.session.is_rendering or bool(self.session.jobs) or self.toasts.is_waiting
        return waits or any(panel.is_moving for panel in self._moving)

    def close(self) -> None:
        """End what goes on outside of this window."""
        self.second.close()

    def save_picture(self, path: Path) -> None:
        """Write the picture that is shown, as the command line would.

        Raises:
            OSError: The file cannot be written.
        """
        if self.frame is not None:
            self.session.save_picture(self.frame, path)

    def _remember(self) -> None:
        """Keep what the next start should know, and show in the title what is open."""
        session = self.session
        if session.recent != self._store.settings.recent:
            self._store.change(recent=session.recent[:RECENT])
        if problem := self._store.take_problem():
            self.toasts.say("error", problem)
        title = window_title(session.project_path, session.model_name, dirty=bool(session.spec) and session.is_dirty)
        if title != self._title:
            self._title = title
            dpg.set_viewport_title(title)

    def _refresh(self) -> bool:
        session = self.session
        seen = (session.state, session.spec, session.history, session.direction_count, session.model_name)
        if len(seen) == len(self._seen) and all(new is old for new, old in zip(seen, self._seen, strict=True)):
            return False
        self._seen = seen
        if session.spec is None and self.picture.pixels is not None:
            self.picture.clear()
            self.frame = None
        for panel in self._panels.values():
            panel.refresh(session.state, session.spec)
        has_model = session.spec is not None
        refresh_menu(has_model=has_model, can_undo=has_model and session.can_undo, can_redo=session.can_redo)
        return True

    def _save(self) -> None:
        if self.session.spec is not None:
            self._dialogs.save_project()

    def _save_as(self) -> None:
        if self.session.spec is not None:
            self._dialogs.save_project_as()

    def _save_picture(self) -> None:
        if self.session.spec is not None:
            self._dialogs.save_picture()

    def _escape(self) -> None:
        if not close_front_popup():
            self.wipe.end()

    def listen(self) -> None:
        """Hear what the desktop says: the close button, dropped files. Once the window is shown."""
        # Both come in the middle of a frame, where nothing can be built.
        dpg.set_exit_callback(self._ask_to_close)
        self._native.hear_drop(self._dropped.extend)

    def _open_dropped(self) -> None:
        """Give what was dropped at once to the panel that has a use for it, or open the last of it."""
        if not self._dropped:
            return
        paths = tuple(self._dropped)
        self._dropped.clear()
        receiving = (panel for panel in self._panels.values() if isinstance(panel, Receiving))
        taken = next((taken for panel in receiving if (taken := panel.receive(paths))), ())
        if not taken:
            taken = paths[-1:]
            self._dialogs.open(paths[-1])
        if left := [path.name for path in paths if path not in taken]:
            self.toasts.say("warning", f"Of what was dropped at once, this was left aside: {in_short(left)}.")

    def _ask_to_close(self) -> None:
        self._close_asked = True

    def _reset_layout(self) -> None:
        self._layout_reset = True


def window_title(project: Path | None, model: str, *, dirty: bool) -> str:
    """What the window is called: the project or else the model, a star when something is not saved, the app."""
    name = project.name if project else model
    return f"{name}{' *' if dirty else ''} - Latent Explorer" if name else "Latent Explorer"
