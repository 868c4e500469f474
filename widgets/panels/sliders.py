"""W sliders: offsets along the directions in which styles vary most."""

from dataclasses import replace

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec, Slider
from widgets.controls import HAND, Kit, Knob, caption_row, set_enabled, show_value, tooltip

__all__ = ["SlidersPanel", "with_amount"]

_ROWS = 12
_LIMIT = 4.0
_ABOUT = (
    "W is the space of styles between the seed and the picture. These are the directions in which it varies most, "
    "strongest first, in standard deviations. (Härkönen et al. 2020, GANSpace) "
)


def amount_of(state: EditState, index: int) -> float:
    """The offset along one principal direction, 0 when the state holds none."""
    return next((s.amount for s in state.sliders if s.basis == "pca" and s.index == index and s.layers is None), 0.0)


def with_amount(state: EditState, index: int, amount: float) -> EditState:
    """The state with another offset along one principal direction; an offset of 0 leaves nothing behind."""
    others = tuple(s for s in state.sliders if not (s.basis == "pca" and s.index == index and s.layers is None))
    if amount == 0:
        return replace(state, sliders=others)
    sliders = sorted((*others, Slider("pca", index, amount)), key=lambda s: (s.basis, s.index, s.layers or ()))
    return replace(state, sliders=tuple(sliders))


class SlidersPanel:
    """One slider for each of the first principal directions."""

    title = "W sliders"

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._knobs: list[Knob] = []

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        with dpg.group(horizontal=True, xoffset=look.px(206)):
            with dpg.group():
                dpg.add_text("", tag="sliders_note", color=(*look.palette.quiet, 255))
                tooltip(look, "sliders_note", _ABOUT)
            dpg.add_button(tag="sliders_reset", label="Reset all", width=-1, callback=self._reset)
        for index in range(_ROWS):
            self._row(index)

    def _row(self, index: int) -> None:
        look = self._kit.look
        tag = f"w{index}"
        with caption_row(look, f"{index + 1}", _ABOUT, width_px=26):
            knob = Knob(
                self._kit,
                tag,
                read=lambda state: amount_of(state, index),
                write=lambda state, amount: with_amount(state, index, amount),
                label=lambda state: f"Direction {index + 1} {amount_of(state, index):+.2f}",
                limits=(-_LIMIT, _LIMIT),
                default=0,
                format="%+.2f",
                width=look.px(-34),
            )
            dpg.add_button(tag=f"{tag}_reset", label="↺", width=-1, callback=knob.reset)
        tooltip(look, f"{tag}_reset", "Back to 0")
        tooltip(look, tag, f"Direction {index + 1} of W, in standard deviations. " + HAND)
        self._knobs.append(knob)

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show the offsets; greyed until the directions are found."""
        count = self._kit.session.direction_count if spec else 0
        if spec is None:
            note = "Directions in W"
        elif count is None:
            note = "finding directions…"
        else:
            note = "Principal directions"
        show_value("sliders_note", note)
        set_enabled(("sliders_reset",), bool(state.sliders))
        for index, knob in enumerate(self._knobs):
            usable = count is not None and index < count
            set_enabled((knob.item,), usable)
            set_enabled((f"{knob.item}_reset",), usable and amount_of(state, index) != 0)
            knob.refresh(state)

    def _reset(self) -> None:
        self._kit.session.edit(replace(self._kit.session.state, sliders=()), "Reset W sliders")
