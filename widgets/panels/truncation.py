"""Truncation: how far styles are pulled to the centre of W."""

from dataclasses import replace

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec, Truncation
from widgets.controls import HAND, Kit, Knob, Reason, caption_row, on_release, set_enabled, tooltip
from widgets.panels.centres import CentrePicker, centre_words

__all__ = ["TruncationPanel"]

_PSI = (
    "Psi pulls every style towards the average one: 1 leaves the picture as the model makes it, 0 is the average "
    "picture, below 0 is its opposite. Less variety, more quality. (Karras et al. 2019, A Style-Based Generator "
    "Architecture for GANs, appendix B) "
)
_CUTOFF = (
    "Only layers below the cutoff are pulled, coarse ones first: a low cutoff keeps colour and detail as they are. "
    "(Karras et al. 2019, appendix B) "
)
_TARGET = (
    "Styles can be pulled to the centre of a cluster instead of the mean of all, which keeps more of what is special "
    "about it: multi-modal truncation. (Mokady et al. 2022, Self-Distilled StyleGAN, section 4.2)"
)


class TruncationPanel:
    """Psi, cutoff and target."""

    title = "Truncation"

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._layers = 1
        self._centres = CentrePicker(kit)

    def build(self) -> None:
        """Make the controls."""
        look, session = self._kit.look, self._kit.session
        self._reason = Reason(look)
        with caption_row(look, "Psi", _PSI):
            self._psi = Knob(
                self._kit,
                "psi",
                read=lambda state: state.truncation.psi,
                write=lambda state, psi: replace(state, truncation=replace(state.truncation, psi=psi)),
                label=lambda state: f"Psi {state.truncation.psi:.2f}",
                limits=(-1, 2),
                default=1,
            )
        tooltip(look, "psi", _PSI + HAND)
        with caption_row(look, "Cutoff", _CUTOFF):
            dpg.add_slider_int(tag="cutoff", width=-1, min_value=0, max_value=1, clamped=True, callback=self._cut)
        on_release("cutoff", lambda: session.commit(self._label()), reset=lambda: self._edit_cutoff(None))
        tooltip(look, "cutoff", _CUTOFF + HAND)
        with caption_row(look, "Towards", _TARGET):
            dpg.add_button(tag="centre", label="Global mean", width=look.px(-66), callback=self._centres.toggle)
            dpg.add_button(tag="truncation_reset", label="Reset", width=-1, callback=self._reset)
        tooltip(look, "centre", _TARGET)
        tooltip(look, "truncation_reset", "Psi 1, all layers, global mean: the picture exactly as the model makes it.")

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show psi and cutoff, or why there are none."""
        usable = spec is not None and spec.has_truncation
        self._reason.show("" if spec is None or usable else "This model's latents have no centre: its W is Z.")
        set_enabled(("psi", "cutoff", "centre", "truncation_reset"), usable)
        target = centre_words(state.truncation.centre)
        if dpg.get_item_label("centre") != target:
            dpg.configure_item("centre", label=target)
        self._centres.refresh(state, spec)
        self._psi.refresh(state)
        self._layers = spec.num_ws if spec else 1
        cutoff = self._layers if state.truncation.cutoff is None else min(state.truncation.cutoff, self._layers)
        words = "all layers" if state.truncation.cutoff is None else f"first %d of {self._layers}"
        dpg.configure_item("cutoff", max_value=self._layers, format=words)
        if dpg.get_value("cutoff") != cutoff:
            dpg.set_value("cutoff", cutoff)

    def poll(self, now_s: float) -> bool:
        """Take in what pictures of centres came."""
        return self._centres.poll()

    def _cut(self, _sender: int | str, value: int) -> None:
        self._preview_cutoff(None if value >= self._layers else int(value))

    def _preview_cutoff(self, cutoff: int | None) -> None:
        state = self._kit.session.state
        self._kit.session.preview(replace(state, truncation=replace(state.truncation, cutoff=cutoff)))

    def _edit_cutoff(self, cutoff: int | None) -> None:
        self._preview_cutoff(cutoff)
        self._kit.session.commit(self._label())

    def _label(self) -> str:
        cutoff = self._kit.session.state.truncation.cutoff
        return "No cutoff" if cutoff is None else f"Cutoff {cutoff}"

    def _reset(self) -> None:
        self._kit.session.edit(replace(self._kit.session.state, truncation=Truncation()), "Reset truncation")
