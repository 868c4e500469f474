"""The power spectrum's controls in the Layers panel."""

from dataclasses import replace
from typing import Literal

import dearpygui.dearpygui as dpg

from explorer.state import EditState, Spectrum
from widgets.controls import HAND, Item, Kit, Knob, set_enabled, show_value, tooltip

__all__ = ["SpectrumControls"]

Field = Literal["range_db", "beta"]

_ABOUT = (
    "The power spectrum beside the picture: frequency zero in the middle, middle grey the mean power. Aliasing shows "
    "as crosses and copies. (Karras et al. 2021, section 2.1)"
)
_RANGE = "Decibels above and below the mean power that black and white stand for. "
_BETA = "Of the Kaiser window: 0 is a box; more hides the picture's edges and blurs the spectrum. "


class SpectrumControls:
    """Whether it is shown, its range, its window, and of which channels."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._knobs: list[Knob] = []

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        with dpg.group(horizontal=True, horizontal_spacing=look.px(14)):
            dpg.add_checkbox(tag="spectrum", label="Spectrum", callback=self._toggle)
            dpg.add_checkbox(tag="spectrum_all", label="Of all channels", callback=self._all)
        tooltip(look, "spectrum", _ABOUT)
        tooltip(look, "spectrum_all", "Of all channels of the layer, or only of those that are shown.")
        with dpg.group(horizontal=True):
            self._knobs = [
                self._knob("spectrum_range", "range_db", "range {:g} dB", (5, 150), 0, "± %.0f dB", look.px(-146)),
                self._knob("spectrum_beta", "beta", "window {:g}", (0, 40), 1, "window %.1f", -1),
            ]
        tooltip(look, "spectrum_range", _RANGE + HAND)
        tooltip(look, "spectrum_beta", _BETA + HAND)

    def _knob(
        self, tag: str, field: Field, words: str, limits: tuple[float, float], digits: int, format: str, width: int
    ) -> Knob:
        def read(state: EditState) -> float:
            return float(getattr(state.output.spectrum or Spectrum(), field))

        return Knob(
            self._kit,
            tag,
            read=read,
            write=lambda state, value: _with(state, **{field: value}),
            label=lambda state: f"Spectrum {words.format(read(state))}",
            limits=limits,
            default=getattr(Spectrum(), field),
            digits=digits,
            format=format,
            width=width,
        )

    def refresh(self, state: EditState, *, usable: bool) -> None:
        """Show the spectrum's settings; greyed while it is off."""
        spectrum = state.output.spectrum
        set_enabled(("spectrum",), usable)
        set_enabled(("spectrum_all", *(knob.item for knob in self._knobs)), usable and spectrum is not None)
        show_value("spectrum", spectrum is not None)
        show_value("spectrum_all", (spectrum or Spectrum()).all_channels)
        for knob in self._knobs:
            knob.refresh(state)

    def _toggle(self, _sender: Item, on: bool) -> None:
        state = self._kit.session.state
        output = replace(state.output, spectrum=Spectrum() if on else None)
        self._kit.session.edit(replace(state, output=output), "Show the spectrum" if on else "Hide the spectrum")

    def _all(self, _sender: Item, on: bool) -> None:
        state = _with(self._kit.session.state, all_channels=on)
        self._kit.session.edit(state, f"Spectrum of {'all' if on else 'the shown'} channels")


def _with(state: EditState, **changes: object) -> EditState:
    spectrum = replace(state.output.spectrum or Spectrum(), **changes)  # type: ignore[arg-type]
    return replace(state, output=replace(state.output, spectrum=spectrum))
