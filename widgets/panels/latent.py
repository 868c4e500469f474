"""Latent: a pad to wander over the plane of seeds, and other ways to a seed."""

import random
from dataclasses import replace

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec, SeedPad
from widgets.controls import Kit, caption_row, on_release, set_enabled, show_value, tooltip
from widgets.drag_modes import SeedDrag
from widgets.panels.classes import ClassRow
from widgets.panels.seed_grid import SeedGrid
from widgets.panels.seed_pad import SeedPadView
from widgets.picture import PictureView
from widgets.player import Player, seed_words
from widgets.seed_plane import at_seed, clean, describe, point_of, seed_at
from widgets.shortcuts import Shortcut

__all__ = ["LatentPanel"]

_ABOUT = (
    "Every crossing is a seed, a picture of its own: one to the right is the next seed, one down is a hundred further. "
    "Between crossings the styles of the four around are blended in W. Drag here, or drag the picture itself."
)
_ITEMS = ("seed_x", "seed_y", "seed_random", "seed_snap", "seed_jump", "seed_grid_open")
_CAPTION_PX = 44
_ARROWS = {dpg.mvKey_Left: (-1, 0), dpg.mvKey_Right: (1, 0), dpg.mvKey_Up: (0, -1), dpg.mvKey_Down: (0, 1)}


class LatentPanel:
    """The pad, its coordinates, seeds by number, at random, from sixteen, and on the move; the class."""

    title = "Latent"

    def __init__(self, kit: Kit, picture: PictureView, player: Player) -> None:
        self._kit = kit
        self._player = player
        self._usable = False
        self._grid = SeedGrid(kit)
        self._classes = ClassRow(kit)
        picture.add_drag_mode(SeedDrag(kit.look, self._where, self.move, self.commit))

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        self._pad = SeedPadView(look)
        dpg.add_text("", tag="seed_words", color=(*look.palette.quiet, 255))
        tooltip(look, "seed_words", _ABOUT)
        with caption_row(look, "Seed", _ABOUT, width_px=_CAPTION_PX):
            dpg.add_input_int(tag="seed_jump", width=look.px(50), step=0, on_enter=True, callback=self._jump)
            dpg.add_button(tag="seed_random", label="Random", width=look.px(64), callback=self._random)
            dpg.add_button(tag="seed_grid_open", label="Pick…", width=look.px(48), callback=self._grid.toggle)
            dpg.add_button(tag="seed_play", label="Play", width=-1, callback=self._play)
        tooltip(look, "seed_jump", "Type a seed, Enter goes there.")
        tooltip(look, "seed_random", "A seed from 0 to 9999. Key R.")
        tooltip(look, "seed_grid_open", "Pick one of sixteen random seeds by its picture.")
        tooltip(look, "seed_play", "Move over the plane; how, the Animation panel says.")
        with caption_row(look, "x, y", _ABOUT, width_px=_CAPTION_PX):
            for axis in ("x", "y"):
                self._field(axis)
            dpg.add_button(tag="seed_snap", label="Snap", width=-1, callback=self._snap)
        tooltip(
            look,
            "seed_snap",
            "To the nearest crossing, a seed of its own. The arrow keys go from crossing to crossing.",
        )
        self._classes.build(_CAPTION_PX)

    def _field(self, axis: str) -> None:
        tag = f"seed_{axis}"
        dpg.add_drag_float(
            tag=tag, width=self._kit.look.px(78), speed=0.01, format="%.3f", user_data=axis, callback=self._typed
        )
        on_release(tag, self.commit)
        tooltip(self._kit.look, tag, "Drag sideways, or double-click to type.")

    @property
    def shortcuts(self) -> tuple[Shortcut, ...]:
        """Keys for seeds."""

        def step(across: int, down: int) -> Shortcut:
            key = next(key for key, way in _ARROWS.items() if way == (across, down))
            return Shortcut(key, lambda: self._arrow(across, down), control=False)

        return (Shortcut(dpg.mvKey_R, self._random, control=False), *(step(*way) for way in _ARROWS.values()))

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show where the state is."""
        self._usable = spec is not None
        set_enabled(_ITEMS, self._usable)
        point = point_of(state)
        on_plane = isinstance(state.latent, SeedPad)
        words = describe(point) if on_plane else "Not on the pad: drag to go to it"
        show_value("seed_words", words if spec else "Open a model first")
        show_value("seed_x", point.x)
        show_value("seed_y", point.y)
        show_value("seed_jump", max(-(2**31), min(2**31 - 1, seed_at(round(point.x), round(point.y)))))
        self._pad.show(point if self._usable and on_plane else None)
        self._classes.refresh(state, spec)
        self._grid.refresh(state, spec)

    def poll(self, now_s: float) -> bool:
        """Follow the hand; what it moves is seen by the state."""
        self._pad.poll(self._usable, self.move, self.commit)
        playing = self._player.kind == "seeds"
        set_enabled(("seed_play",), playing or self._player.can_move_seeds)
        if dpg.get_item_label("seed_play") != ("Pause" if playing else "Play"):
            dpg.configure_item("seed_play", label="Pause" if playing else "Play")
            dpg.bind_item_theme("seed_play", self._kit.look.chosen if playing else 0)
        return self._grid.poll()

    def _where(self) -> tuple[float, float]:
        point = point_of(self._kit.session.state)
        return point.x, point.y

    def move(self, x: float, y: float) -> None:
        """Show another point, without history."""
        session = self._kit.session
        session.preview(replace(session.state, latent=clean(x, y)))

    def commit(self) -> None:
        """Make the shown point a step of the history."""
        self._kit.session.commit(seed_words(self._kit.session.state))

    def _typed(self, _sender: int | str, value: float, axis: str) -> None:
        point = replace(point_of(self._kit.session.state), **{axis: float(value)})
        self.move(point.x, point.y)

    def _go(self, point: SeedPad) -> None:
        if self._usable:
            self._kit.session.edit(replace(self._kit.session.state, latent=point), describe(point))

    def _jump(self, _sender: int | str, seed: int) -> None:
        self._go(at_seed(seed))

    def _random(self) -> None:
        self._go(at_seed(random.randrange(10_000)))

    def _snap(self) -> None:
        self._step(0, 0)

    def _arrow(self, across: int, down: int) -> None:
        # Where the keyboard goes from control to control, the arrow keys are for that.
        if not dpg.get_app_configuration()["keyboard_navigation"]:
            self._step(across, down)

    def _step(self, across: int, down: int) -> None:
        point = point_of(self._kit.session.state)
        self._go(clean(round(point.x) + across, round(point.y) + down))

    def _play(self) -> None:
        if self._player.kind == "seeds":
            self._player.pause()
        else:
            self._player.play_seeds()
