"""What truncation pulls to: the mean of all styles, or the centre of one of the clusters that they form."""

from dataclasses import replace
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from explorer.state import CENTRES, NEAREST, EditState, GeneratorSpec, SeedPad, Truncation
from widgets.atlas import Tile
from widgets.controls import Kit, show_value, tooltip
from widgets.layout import Place
from widgets.popup import Popup
from widgets.thumbnails import ThumbnailFeed

if TYPE_CHECKING:
    from explorer.session import Job

__all__ = ["CentrePicker", "centre_words", "picture_of_centre"]

_CHOICES: tuple[int | None, ...] = (None, *range(CENTRES), NEAREST)
_COLUMNS = 6
_TILE_PX = 68
_WIDTH_PX = _COLUMNS * _TILE_PX + (_COLUMNS - 1) * 6
_ABOUT = (
    "Where data has several modes, the mean of all styles lies between them and looks like none. Pulling to the centre "
    "of a cluster instead keeps what is special about it. (Mokady et al. 2022, Self-Distilled StyleGAN, section 4.2)"
)


def centre_words(centre: int | None) -> str:
    """A target in words."""
    if centre is None:
        return "Global mean"
    return "Nearest centre" if centre == NEAREST else f"Centre {centre + 1}"


def picture_of_centre(state: EditState, centre: int | None) -> EditState:
    """The state whose picture is a target itself: everything pulled there, nothing mixed or moved."""
    # A cluster's centre is the same for every latent; the mean may depend on the class that a seed draws.
    latent = SeedPad() if centre is not None and centre != NEAREST else state.latent
    return EditState(state.checkpoint, state.condition, latent, truncation=Truncation(0.0, None, centre))


class CentrePicker:
    """A window of small pictures of the targets; the clusters are found when it is first opened."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._feed = ThumbnailFeed(kit.session, kit.atlas, name="Pictures of centres")
        self._tiles: list[Tile] = []
        self._job: Job | None = None
        self._ready = False
        self._popup = Popup(
            kit.look,
            "centres",
            "Truncate towards",
            beside=Place.TRUNCATION,
            size_px=(_WIDTH_PX, 3 * (_TILE_PX + 30) + 30),
            fill=self._fill,
            closed=self._closed,
        )

    def _fill(self) -> None:
        look = self._kit.look
        for start in range(0, len(_CHOICES), _COLUMNS):
            with dpg.group(horizontal=True, horizontal_spacing=look.px(6)):
                for centre in _CHOICES[start : start + _COLUMNS]:
                    self._add_tile(centre)
        note = dpg.add_text("", tag="centres_note", color=(*look.palette.quiet, 255))
        tooltip(look, note, _ABOUT)

    def _add_tile(self, centre: int | None) -> None:
        name = "mean" if centre is None else "nearest" if centre == NEAREST else str(centre)
        look = self._kit.look

        def pick() -> None:
            self._pick(centre)

        with dpg.group():
            size = (_TILE_PX, _TILE_PX)
            tile = Tile(look, self._kit.atlas, size_px=size, tag=f"centre_{name}", click=pick)
            words = "mean" if centre is None else "nearest" if centre == NEAREST else str(centre + 1)
            dpg.add_text(words, color=(*look.palette.quiet, 255))
        tooltip(look, tile.frame, f"{centre_words(centre)}. {_ABOUT}")
        self._tiles.append(tile)

    def toggle(self) -> None:
        """Open it and find the centres, or close it."""
        if self._popup.toggle():
            self._ready = False
            self._job = self._kit.session.find_centres()
            self.refresh(self._kit.session.state, self._kit.session.spec)

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Mark the target, and show the pictures that there are."""
        if not self._popup.is_open:
            return
        if spec is None or not spec.has_truncation:
            self._popup.close()
            return
        if self._job is not None and self._job.done and self._job.error is None:
            self._job = self._kit.session.find_centres()
        self._ready, chosen = self._job is None, state.truncation.centre
        # Of the last step: while a hand drags, pictures would be out of date before they are there.
        state = self._kit.session.history.current.state
        for centre, tile in zip(_CHOICES, self._tiles, strict=True):
            shown = self._ready or centre is None
            tile.show(picture_of_centre(state, centre) if shown else None, chosen=chosen == centre)
        wanted = _CHOICES if self._ready else (None,)
        self._feed.want([picture_of_centre(state, centre) for centre in wanted])

    def poll(self) -> bool:
        """Take in what came."""
        if not self._popup.is_open:
            return False
        session = self._kit.session
        if not self._ready and (self._job is None or self._job.done) and not (self._job and self._job.cancelled):
            self.refresh(session.state, session.spec)
        came = self._feed.poll()
        show_value("centres_note", self._note())
        moved = [tile.poll() for tile in self._tiles]
        return came or any(moved)

    def _note(self) -> str:
        if self._job is not None and self._job.done:
            return "No centres: the search was stopped. Open this window again to find them."
        if not self._ready:
            return "Finding the centres…"
        return "drawing…" if self._feed.is_waiting else "The most crowded cluster is 1."

    def _closed(self) -> None:
        self._feed.want(())
        self._feed.poll()

    def _pick(self, centre: int | None) -> None:
        session = self._kit.session
        if session.spec is not None and (self._ready or centre is None):
            truncation = replace(session.state.truncation, centre=centre)
            session.edit(replace(session.state, truncation=truncation), f"Truncate to {centre_words(centre).lower()}")
