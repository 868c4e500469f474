"""Latent: a pad to wander over the plane of seeds."""

import random
from dataclasses import replace

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec, SeedPad
from widgets.controls import Kit, caption_row, on_release, set_enabled, show_value, tooltip
from widgets.drag_modes import SeedDrag
from widgets.panels.seed_pad import SeedPadView
from widgets.picture import PictureView
from widgets.seed_plane import at_seed, clean, describe, point_of

__all__ = ["LatentPanel"]

_ABOUT = (
    "Every crossing is a seed, a picture of its own: one to the right is the next seed, one down is a hundred further. "
    "Between crossings the styles of the four around are blended in W. Drag here, or drag the picture itself."
)
_ITEMS = ("seed_x", "seed_y", "seed_random", "seed_snap")


class LatentPanel:
    """The pad, its coordinates, random and whole seeds."""

    title = "Latent"

    def __init__(self, kit: Kit, picture: PictureView) -> None:
        self._kit = kit
        self._usable = False
        picture.add_drag_mode(SeedDrag(kit.look, self._where, self.move, self.commit))

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        self._pad = SeedPadView(look)
        dpg.add_text("", tag="seed_words", color=(*look.palette.quiet, 255))
        tooltip(look, "seed_words", _ABOUT)
        with caption_row(look, "x, y", _ABOUT, width_px=44):
            for axis in ("x", "y"):
                self._field(axis, look.px(-118) if axis == "x" else -1)
        with dpg.group(horizontal=True):
            dpg.add_button(tag="seed_random", label="Random", width=look.px(134), callback=self._random)
            dpg.add_button(tag="seed_snap", label="Whole seed", width=-1, callback=self._snap)
        tooltip(look, "seed_random", "A seed from 0 to 9999.")
        tooltip(look, "seed_snap", "Go to the nearest crossing.")

    def _field(self, axis: str, width: int) -> None:
        tag = f"seed_{axis}"
        dpg.add_drag_float(tag=tag, width=width, speed=0.01, format="%.3f", user_data=axis, callback=self._typed)
        on_release(tag, self.commit)
        tooltip(self._kit.look, tag, "Drag sideways, or double-click to type.")

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
        self._pad.show(point if self._usable and on_plane else None)

    def poll(self, now_s: float) -> bool:
        """Follow the hand; what it moves is seen by the state."""
        self._pad.poll(self._usable, self.move, self.commit)
        return False

    def _where(self) -> tuple[float, float]:
        point = point_of(self._kit.session.state)
        return point.x, point.y

    def move(self, x: float, y: float) -> None:
        """Show another point, without history."""
        session = self._kit.session
        session.preview(replace(session.state, latent=clean(x, y)))

    def commit(self) -> None:
        """Make the shown point a step of the history."""
        point = point_of(self._kit.session.state)
        self._kit.session.commit(f"Seed at {point.x:g}, {point.y:g}")

    def _typed(self, _sender: int | str, value: float, axis: str) -> None:
        point = replace(point_of(self._kit.session.state), **{axis: float(value)})
        self.move(point.x, point.y)

    def _go(self, point: SeedPad) -> None:
        self._kit.session.edit(replace(self._kit.session.state, latent=point), describe(point))

    def _random(self) -> None:
        self._go(at_seed(random.randrange(10_000)))

    def _snap(self) -> None:
        point = point_of(self._kit.session.state)
        self._go(clean(round(point.x), round(point.y)))
