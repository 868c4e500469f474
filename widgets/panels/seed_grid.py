"""Sixteen seeds at a glance, to pick one from."""

import random
from dataclasses import replace

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec
from widgets.atlas import Tile
from widgets.controls import Kit, set_enabled, show_value, tooltip
from widgets.layout import Place
from widgets.popup import Popup
from widgets.seed_plane import at_seed, describe
from widgets.thumbnails import ThumbnailFeed

__all__ = ["SeedGrid", "draw_seeds"]

_ROWS = 4
_TILE_PX = 92
_WIDTH_PX = _ROWS * _TILE_PX + (_ROWS - 1) * 6


def draw_seeds(count: int) -> tuple[int, ...]:
    """Different seeds from 0 to 9999."""
    return tuple(random.sample(range(10_000), count))


class SeedGrid:
    """A window of small pictures that keep everything but the seed."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._feed = ThumbnailFeed(kit.session, kit.atlas, name="16 seeds")
        self._tiles: list[Tile] = []
        self._seeds: tuple[int, ...] = ()
        self._base: EditState | None = None
        self._popup = Popup(
            kit.look,
            "seed_grid",
            "16 seeds",
            beside=Place.LATENT,
            size_px=(_WIDTH_PX, _WIDTH_PX + 34),
            fill=self._fill,
            closed=self._closed,
        )

    def _fill(self) -> None:
        look = self._kit.look
        for row in range(_ROWS):
            with dpg.group(horizontal=True, horizontal_spacing=look.px(6)):
                for column in range(_ROWS):
                    self._add_tile(row * _ROWS + column)
        with dpg.group(horizontal=True):
            dpg.add_button(tag="seed_grid_new", label="New 16", width=look.px(120), callback=self._draw)
            dpg.add_button(tag="seed_grid_stop", label="Stop", width=look.px(70), callback=self._feed.cancel)
            dpg.add_text("", tag="seed_grid_note", color=(*look.palette.quiet, 255))
        dpg.bind_item_theme("seed_grid_new", look.primary)
        tooltip(look, "seed_grid_new", "Draw sixteen others, with the settings that hold now.")

    def _add_tile(self, index: int) -> None:
        def pick() -> None:
            self._pick(index)

        tile = Tile(self._kit.look, self._kit.atlas, size_px=(_TILE_PX, _TILE_PX), tag=f"seed_tile_{index}", click=pick)
        self._tiles.append(tile)

    def toggle(self) -> None:
        """Open it, with new seeds the first time, or close it."""
        if not self._popup.toggle():
            return
        if self._seeds:
            self._show()
        else:
            self._draw()

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Mark the seed that is shown."""
        if not self._popup.is_open:
            return
        set_enabled(("seed_grid_new",), spec is not None)
        if self._base is not None and (spec is None or state.checkpoint != self._base.checkpoint):
            # Pictures of another model would be taken for this one's.
            self._seeds = ()
            self._popup.close()
        for seed, tile in zip(self._seeds, self._tiles, strict=False):
            tile.show(self._state_of(seed), chosen=state.latent == at_seed(seed))

    def poll(self) -> bool:
        """Take in what came."""
        if not self._popup.is_open:
            return False
        came = self._feed.poll()
        waiting = self._feed.is_waiting
        set_enabled(("seed_grid_stop",), waiting)
        show_value("seed_grid_note", "drawing…" if waiting else "Click one to go there")
        moved = [tile.poll() for tile in self._tiles]
        return came or any(moved)

    def _draw(self) -> None:
        state = self._kit.session.state
        self._seeds, self._base = draw_seeds(len(self._tiles)), state
        self._show()

    def _show(self) -> None:
        self._feed.want([self._state_of(seed) for seed in self._seeds])
        self.refresh(self._kit.session.state, self._kit.session.spec)

    def _closed(self) -> None:
        self._feed.want(())
        self._feed.poll()

    def _state_of(self, seed: int) -> EditState:
        assert self._base is not None
        return replace(self._base, latent=at_seed(seed))

    def _pick(self, index: int) -> None:
        if index < len(self._seeds) and self._kit.session.spec is not None:
            point = at_seed(self._seeds[index])
            self._kit.session.edit(replace(self._kit.session.state, latent=point), describe(point))
