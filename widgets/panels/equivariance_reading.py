"""The reading of EQ-T and EQ-R in the Equivariance panel."""

import math
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from widgets.controls import Kit, set_enabled, show_value, tooltip

if TYPE_CHECKING:
    from explorer.rendering.equivariance import Equivariance
    from explorer.session import Job

__all__ = ["EquivarianceReading", "decibels"]

_SAMPLES = 8
_ABOUT = (
    "How well the picture follows its input, in decibels: pictures moved by the network against their pixels moved. "
    "EQ-T by whole pixels, EQ-T frac by any distance, EQ-R turned by any angle; at the psi that is set. "
    "In the paper StyleGAN3-T reaches 63 in EQ-T and 13 in EQ-R, StyleGAN3-R 67 and 40, and a StyleGAN2 with Fourier "
    "features 16 and 11; there over 50,000 pictures, here over a few, which scatter by a decibel or two. "
    "(Karras et al. 2021, section 2.1, figure 3 and appendix E)"
)
_GOOD = "Good: T above 60, R (R models) 40."


class EquivarianceReading:
    """A button, three numbers and what they are of."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._job: Job | None = None
        self._usable = False
        self._shown: Equivariance | None = None

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        quiet = (*look.palette.quiet, 255)
        with dpg.group(horizontal=True):
            dpg.add_button(tag="eq_measure", label="Measure", width=look.px(78), callback=self._press)
            for name in ("T", "frac", "R"):
                with dpg.group():
                    dpg.add_text({"T": "EQ-T", "frac": "EQ-T frac", "R": "EQ-R"}[name], color=quiet)
                    dpg.add_text("–", tag=f"eq_{name}")
                    tooltip(look, f"eq_{name}", _ABOUT)
        tooltip(look, "eq_measure", _ABOUT)
        dpg.add_text(_GOOD, tag="eq_samples", color=quiet, wrap=0)

    def refresh(self, *, usable: bool) -> None:
        """Grey it where there is nothing to measure."""
        self._usable = usable
        set_enabled(("eq_measure",), usable)

    def poll(self) -> bool:
        """Show what was found so far; true when that changed."""
        running = self._job is not None and not self._job.done
        dpg.set_item_label("eq_measure", "Stop" if running else "Measure")
        found = self._kit.session.equivariance
        if found is self._shown and running == (dpg.get_item_user_data("eq_measure") is True):
            return False
        dpg.set_item_user_data("eq_measure", running)
        self._shown = found
        show_value("eq_T", decibels(found.translation.psnr_db) if found else "–")
        show_value("eq_frac", decibels(found.fraction.psnr_db) if found else "–")
        show_value("eq_R", decibels(found.rotation.psnr_db) if found else "–")
        show_value("eq_samples", f"{_progress(found.share, running)} {_GOOD}" if found else _GOOD)
        return True

    def _press(self) -> None:
        if self._job is not None and not self._job.done:
            self._job.cancel()
        elif self._usable:
            self._job = self._kit.session.measure_equivariance(samples=_SAMPLES)


def decibels(value: float) -> str:
    """A ratio for a person; a dash where nothing could be compared."""
    if math.isnan(value):
        return "–"
    return "equal" if math.isinf(value) else f"{value:.1f} dB"


def _progress(share: float, running: bool) -> str:
    done = math.floor(share * _SAMPLES + 1e-6)
    if done == _SAMPLES:
        return f"{_SAMPLES} samples."
    return f"{done} of {_SAMPLES}{'…' if running else ', stopped.'}"
