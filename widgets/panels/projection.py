"""Projection: a photo becomes a point that every panel can edit."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from explorer.errors import ExplorerError, PhotoError, ProjectFileError
from explorer.project import looks_like_picture, read_recipe
from explorer.projection.faces import NO_FACE, wants_faces
from explorer.projection.photo import SUFFIXES, Photo, cut, read_photo
from explorer.projection.plan import SPACES, Plan
from explorer.state import EditState, GeneratorSpec
from widgets.aligning import Aligning
from widgets.clipboard import Pasting
from widgets.controls import Kit, caption_row, even_row, set_enabled, show_value, tooltip
from widgets.files import FileDialogs, Say
from widgets.layout import Place
from widgets.mixes import with_latent
from widgets.photo_view import PhotoView
from widgets.picture_wipe import PictureWipe
from widgets.point_edits import at_the_end
from widgets.shortcuts import Shortcut
from widgets.texture import PictureTexture

if TYPE_CHECKING:
    from explorer.session import Projecting

__all__ = ["ProjectionPanel", "left_in_words"]

_EMPTY = "Drop a photo on the window, or choose one. The part in the frame is looked for."
_FACE_TIP = (
    "Find the face, turn it upright and cut it out by eyes and mouth, as those were that FFHQ's models learned from. "
    "On by itself with such a model."
)
_NAMES = ("W", "W+", "StyleSpace")
_SECONDS, _LEAST_S, _MOST_S = 20.0, 2.0, 300.0
_CURVE_PX = 72
_CURVE_POINTS = 200
_OPTIONS = (
    ("noise", "Noise", "Find the noise maps, too: the finest texture (StyleGAN, StyleGAN2)."),
    ("transform", "Place", "Find shift and rotation, too, for a photo that stands askew (StyleGAN3)."),
    ("tune", "Tune", "At last, change the model itself a little around what was found (pivotal tuning)."),
)


def left_in_words(share: float, seconds: float) -> str:
    """How long a search still takes."""
    left = max(0.0, (1 - share) * seconds)
    return f"{left:.0f} s left" if left >= 1 else "almost done"


def is_photo(path: Path) -> bool:
    """Whether a file that was dropped is a photo: a picture that does not say how it was made."""
    if path.suffix.lower() not in SUFFIXES:
        return False
    if not looks_like_picture(path):
        return True
    try:
        read_recipe(path)
    except ProjectFileError:
        return True
    return False


class ProjectionPanel:
    """Photo, crop and mask; where to look and for how long; how far it is."""

    title = "Projection"

    def __init__(self, kit: Kit, dialogs: FileDialogs, wipe: PictureWipe, say: Say) -> None:
        self._kit, self._dialogs, self._wipe, self._say = kit, dialogs, wipe, say
        self._view = PhotoView(kit.look)
        self._pasting = Pasting()
        self.shortcuts = (Shortcut(dpg.mvKey_V, self._paste),)
        self._aligning = Aligning()
        self._read: Photo | None = None
        """As it was read."""
        self._photo: Photo | None = None
        """As it is shown: whole, or the face that was cut out of it."""
        self._spec: GeneratorSpec | None = None
        self._drawn = -1
        self._others: tuple[Path, ...] = ()
        """Dropped together with the photo."""
        self._queued: list[tuple[Path, Plan, bool]] = []
        """To be read and looked for, one after the other; whether by their faces."""

    def attach(self, texture: PictureTexture) -> None:
        """Draw the photo with this texture from now on."""
        self._view.attach(texture)

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        with even_row(look, 3):
            dpg.add_button(tag="photo_choose", label="Choose…", width=-1, callback=self._choose)
            dpg.add_button(tag="photo_paste", label="Paste", width=-1, callback=self._paste)
            dpg.add_button(tag="photo_compare", label="Compare", width=-1, callback=self._compare)
        tooltip(look, "photo_choose", "Choose a photo on the disk, or drop one or several on the window.")
        tooltip(look, "photo_paste", "Take the photo in the clipboard (Ctrl+V): a picture, or a file that was copied.")
        tooltip(look, "photo_compare", "Lay the photo over the picture, with a line to drag between them.")
        dpg.add_text(_EMPTY, tag="photo_note", color=(*look.palette.quiet, 255), wrap=0)
        with dpg.group(horizontal=True):
            self._view.build()
            # Beside the photo, where it is in sight whatever else the panel holds.
            with dpg.group():
                dpg.add_text("", tag="photo_status", color=(*look.palette.quiet, 255), wrap=0)
                dpg.add_simple_plot(
                    tag="photo_curve", default_value=[], height=look.px(_CURVE_PX), width=-1, show=False
                )
        with caption_row(look, "Crop", "How large the frame is; drag it on the photo."):
            dpg.add_checkbox(tag="photo_face", label="Face", callback=self._align)
            dpg.add_slider_float(
                tag="photo_size", width=-1, min_value=0.1, max_value=1.5, default_value=1.0, format="%.2f",
                callback=lambda _sender, value: self._view.resize(float(value)),
            )  # fmt: skip
        tooltip(look, "photo_face", _FACE_TIP)
        with caption_row(look, "Mask", "Cover what is not to be looked for: a hat, a watermark, a missing corner."):
            dpg.add_checkbox(tag="photo_paint", label="Paint", callback=self._paint)
            dpg.add_button(tag="photo_unpaint", label="Undo", callback=self._view.take_back)
            dpg.add_button(tag="photo_uncover", label="Clear", callback=self._view.uncover)
        tooltip(look, "photo_unpaint", "Take back the last stroke, or Clear.")
        with caption_row(look, "Space", "W edits best; W+ and StyleSpace come closer to the photo."):
            dpg.add_radio_button(_NAMES, tag="photo_space", horizontal=True, default_value=_NAMES[0])
        with caption_row(look, "Also"):
            for name, label, tip in _OPTIONS:
                dpg.add_checkbox(tag=f"photo_{name}", label=label)
                tooltip(look, f"photo_{name}", tip)
        with caption_row(look, "Time", "How long a photo is looked for; stop at any time, the best stays."):
            dpg.add_slider_float(
                tag="photo_time", width=-1, min_value=_LEAST_S, max_value=_MOST_S, default_value=_SECONDS,
                format="%.0f s", clamped=True,
            )  # fmt: skip
        with dpg.group(horizontal=True):
            dpg.add_button(tag="photo_project", label="Project", width=look.px(90), callback=self._project)
            dpg.add_button(tag="photo_pause", label="Pause", width=look.px(90), callback=self._pause)
            dpg.add_button(tag="photo_stop", label="Stop", width=-1, callback=self._stop)
        dpg.bind_item_theme("photo_project", look.primary)
        tooltip(look, "photo_project", "Begin; while another photo is looked for, this one waits for its turn.")
        tooltip(look, "photo_stop", "End the search and keep the best that was found.")
        with caption_row(look, "Found", "What was found last; of a search that goes on, the best of a moment ago."):
            dpg.add_button(tag="photo_show", label="Show", callback=self._show_found)
            dpg.add_button(tag="photo_mix", label="Mix", callback=self._mix)
            dpg.add_button(tag="photo_point", label="Keyframe", callback=self._keyframe)
        tooltip(look, "photo_show", "Go back to it, whatever was edited since.")
        tooltip(look, "photo_mix", "Make its styles a source of style mixing, and choose layers there.")
        tooltip(look, "photo_point", "Make it the last of the points, between which the Points panel moves.")

    def load(self, path: Path) -> bool:
        """Show a photo that was dropped or chosen; false, and said why, when it cannot be read."""
        try:
            photo = read_photo(path)
        except ExplorerError as error:
            self._say("error", str(error))
            return False
        self._take(photo)
        return True

    def _take(self, photo: Photo) -> None:
        self._read, self._others = photo, ()
        self._show_photo(photo)
        self._align()
        dpg.focus_item(int(Place.PROJECTION))

    def _show_photo(self, photo: Photo) -> None:
        self._photo = photo
        self._tell_note()
        show_value("photo_size", 1.0)
        self._show()

    def _align(self) -> None:
        """Look for the face of the photo, or go back to the whole of it, as the box says."""
        if self._read is None:
            return
        if dpg.get_value("photo_face"):
            self._aligning.begin(self._read)
            return
        self._aligning.forget()
        if self._photo is not self._read:
            self._show_photo(self._read)

    def _follow_face(self) -> None:
        came = self._aligning.take()
        if came is not None:
            photo, face = came
            self._show_photo(face or replace(photo, notes=(*photo.notes, NO_FACE)))

    def receive(self, paths: Sequence[Path]) -> tuple[Path, ...]:
        """Take dropped photos: the first is shown, and the others are looked for after it, as they are."""
        photos = tuple(path for path in paths if is_photo(path))
        for place, path in enumerate(photos, 1):
            if self.load(path):
                self._others = photos[place:]
                self._tell_note()
                break
        return photos

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Offer what the model can do."""
        if spec is not self._spec:
            if self._queued:
                self._say("info", f"The model has changed: {len(self._queued)} photos do not wait any more.")
            self._spec, self._queued = spec, []
            self._show()
            wants = wants_faces(self._kit.session.info)
            if wants != dpg.get_value("photo_face"):
                dpg.set_value("photo_face", wants)
                self._align()
        set_enabled(("photo_noise",), spec is not None and spec.has_noise)
        set_enabled(("photo_transform",), spec is not None and spec.has_transform)

    def poll(self, now_s: float) -> bool:
        """Follow the hand on the photo, and show how far the search is."""
        running = self._kit.session.projections.running
        ready = self._photo is not None and self._spec is not None
        set_enabled(("photo_project", "photo_compare", "photo_size", "photo_paint"), ready)
        set_enabled(("photo_uncover",), ready and self._view.mask is not None)
        set_enabled(("photo_unpaint",), ready and self._view.has_strokes)
        set_enabled(("photo_pause", "photo_stop"), running is not None)
        dpg.set_item_label("photo_pause", "Go on" if running is not None and running.paused else "Pause")
        found = self._kit.session.projections.found
        mine = found is not None and found.state.checkpoint == self._kit.session.state.checkpoint
        set_enabled(("photo_show", "photo_mix", "photo_point"), mine)
        self._follow_paste()
        self._follow_face()
        self._look_for_next()
        show_value("photo_status", self._status(running))
        changed = self._draw_curve(running or self._kit.session.projections.newest)
        return self._view.poll() or changed

    def _tell_note(self) -> None:
        if self._photo is None:
            return
        words = ". ".join(note[0].upper() + note[1:] for note in self._photo.notes)
        more = f", and {len(self._others)} more after it" if self._others else ""
        show_value("photo_note", f"{self._photo.name}{more}{'. ' + words if words else ''}")

    def _look_for_next(self) -> None:
        """Read the next of the photos that were dropped together once the one before it is looked for."""
        projections = self._kit.session.projections
        if not self._queued or projections.waiting:
            return
        (path, plan, face), *self._queued = self._queued
        try:
            self._kit.session.project(read_photo(path), plan, face=face)
        except ExplorerError as error:
            self._say("error", str(error))

    def _show(self) -> None:
        if self._photo is not None and self._spec is not None:
            self._view.show(self._photo, self._spec.resolution)
            self._kit.session.learn_model()

    def _status(self, running: "Projecting | None") -> str:
        if running is None:
            newest = self._kit.session.projections.newest
            done = newest is not None and newest.progress is not None
            return f"{newest.photo.name} is found, and among the points." if newest is not None and done else ""
        waiting = len(self._kit.session.projections.waiting) + len(self._queued)
        more = f"; {waiting} more wait" if waiting else ""
        if running.paused:
            return f"{running.photo.name}: paused{more}"
        share = running.job.progress or 0.0
        if running.progress is None:
            return f"{running.photo.name}: {running.stage.lower()}, {share:.0%}{more}"
        left = left_in_words(running.progress.share, running.plan.time_s or 0)
        return f"{running.photo.name}: {running.stage}, {left}{more}"

    def _draw_curve(self, shown: "Projecting | None") -> bool:
        losses = () if shown is None else shown.losses
        if len(losses) == self._drawn:
            return False
        self._drawn = len(losses)
        step = max(1, len(losses) // _CURVE_POINTS)
        dpg.set_value("photo_curve", [float(loss) for loss in losses[::step]])
        dpg.configure_item("photo_curve", show=len(losses) > 1)
        return True

    def _choose(self) -> None:
        self._dialogs.choose_file("Choose a photo", SUFFIXES, self.load)

    def _paste(self) -> None:
        self._pasting.begin()

    def _follow_paste(self) -> None:
        came = self._pasting.take()
        if isinstance(came, PhotoError):
            self._say("warning", str(came))
        elif isinstance(came, Path):
            self.load(came)
        elif came is not None:
            self._take(came)

    def _show_found(self) -> None:
        found = self._kit.session.projections.found
        if found is not None:
            self._kit.session.recall(found)

    def _mix(self) -> None:
        session, found = self._kit.session, self._kit.session.projections.found
        if found is not None:
            session.edit(with_latent(session.state, found.state.latent), f"Mix {found.name}")
            if found.state.tuning is not None:
                self._say("info", f"{found.name}: its latent is mixed in, without what was changed in the model.")
            dpg.focus_item(int(Place.MIXING))

    def _keyframe(self) -> None:
        session, found = self._kit.session, self._kit.session.projections.found
        if found is not None:
            session.points = at_the_end(session.points, found)
            dpg.focus_item(int(Place.POINTS))

    def _paint(self, _sender: object, on: bool) -> None:
        self._view.paints = bool(on)

    def _project(self) -> None:
        if self._photo is None or self._spec is None:
            return
        space = SPACES[_NAMES.index(str(dpg.get_value("photo_space")))]
        noise, transform, tune = (bool(dpg.get_value(f"photo_{name}")) for name, _, _ in _OPTIONS)
        plan = Plan(space, None, float(dpg.get_value("photo_time")), noise, transform, tune)
        try:
            if self._aligning.looks:
                # Whoever cannot wait for the face to be found gets it all the same, as it comes.
                self._kit.session.project(self._photo, plan, face=True)
            else:
                self._kit.session.project(self._photo, plan, crop=self._view.crop, mask=self._view.mask)
        except ExplorerError as error:
            self._say("error", str(error))
            return
        face = bool(dpg.get_value("photo_face"))
        self._queued += [(path, plan, face) for path in self._others]
        self._others = ()
        self._tell_note()

    def _pause(self) -> None:
        projections = self._kit.session.projections
        if projections.running is None:
            return
        if projections.running.paused:
            projections.resume()
        else:
            projections.running.pause()

    def _stop(self) -> None:
        self._kit.session.projections.stop()

    def _compare(self) -> None:
        if self._wipe.owner is self:
            self._wipe.end()
        elif self._photo is not None and self._spec is not None and self._view.crop is not None:
            pixels = cut(self._photo.pixels, self._view.crop, self._spec.resolution)
            self._wipe.show(self, pixels, other="Photo", now="Picture")
