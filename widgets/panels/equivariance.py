"""Equivariance: shifting and turning what StyleGAN3's input layer sees."""

from dataclasses import replace
from typing import Literal

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec, Transform
from widgets.controls import HAND, Kit, Knob, Reason, caption_row, set_enabled, tooltip

__all__ = ["EquivariancePanel"]

Field = Literal["translate_x", "translate_y", "rotate_deg"]

_ABOUT = (
    "Equivariance: move the input and the whole picture moves with it, texture and all, because the features live on "
    "a continuous plane. (Karras et al. 2021, Alias-Free Generative Adversarial Networks) "
)
_ROWS: tuple[tuple[Field, str, float, str, str], ...] = (
    ("translate_x", "Shift x", 1.0, "%.2f widths", "To the right, in picture widths. "),
    ("translate_y", "Shift y", 1.0, "%.2f heights", "Downwards, in picture heights. "),
    ("rotate_deg", "Rotate", 180.0, "%.0f°", "In degrees; the T models shift cleanly, the R models turn cleanly too. "),
)


class EquivariancePanel:
    """Translate and rotate."""

    title = "Equivariance"

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._knobs: list[Knob] = []

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        self._reason = Reason(look)
        for field, caption, limit, format, tip in _ROWS:
            with caption_row(look, caption, _ABOUT + tip):
                self._knobs.append(self._knob(field, caption, limit, format))
            tooltip(look, field, tip + _ABOUT + HAND)
        dpg.add_button(tag="transform_reset", label="Reset", callback=self._reset)

    def _knob(self, field: Field, caption: str, limit: float, format: str) -> Knob:
        digits = 1 if field == "rotate_deg" else 3
        return Knob(
            self._kit,
            field,
            read=lambda state: float(getattr(state.transform, field)),
            write=lambda state, value: replace(state, transform=replace(state.transform, **{field: value})),
            label=lambda state: f"{caption} {getattr(state.transform, field):g}",
            limits=(-limit, limit),
            default=0,
            digits=digits,
            format=format,
        )

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show the transform, or why there is none."""
        usable = spec is not None and spec.has_transform
        self._reason.show(
            ""
            if spec is None or usable
            else "Only StyleGAN3 can move its picture: its input is a plane of waves. Open a StyleGAN3 model to try it."
        )
        set_enabled([*(knob.item for knob in self._knobs), "transform_reset"], usable)
        for knob in self._knobs:
            knob.refresh(state)

    def _reset(self) -> None:
        self._kit.session.edit(replace(self._kit.session.state, transform=Transform()), "Reset transform")
