"""Equivariance: moving what StyleGAN3's input layer sees, and how well the picture follows."""

from dataclasses import replace
from typing import Literal

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec, Transform
from widgets.controls import HAND, Item, Kit, Knob, Reason, caption_row, set_enabled, show_value, tooltip
from widgets.panels.equivariance_reading import EquivarianceReading
from widgets.picture import PictureView
from widgets.transform_drag import TransformDrag
from widgets.transform_play import TransformPlayer

__all__ = ["EquivariancePanel"]

Field = Literal["translate_x", "translate_y", "rotate_deg", "scale", "shear"]

_ABOUT = (
    "Equivariance: move the input and the whole picture moves with it, texture and all, because the features live on "
    "a continuous plane. (Karras et al. 2021, Alias-Free Generative Adversarial Networks) "
)
_ROWS: tuple[tuple[Field, str, tuple[float, float], int, str, str], ...] = (
    ("translate_x", "Shift x", (-1, 1), 3, "%.2f widths", "To the right, in picture widths. "),
    ("translate_y", "Shift y", (-1, 1), 3, "%.2f heights", "Downwards, in picture heights. "),
    ("rotate_deg", "Rotate", (-180, 180), 1, "%.0f°", "Degrees; T models shift cleanly, R models turn cleanly too. "),
    ("scale", "Scale", (0.25, 4), 3, "%.2f×", "2 shows everything twice as large; no model was made to follow it. "),
    ("shear", "Shear", (-1, 1), 3, "%.2f", "How far a point slants to the right for its way below the middle. "),
)
_DRAG = "Drag the picture to shift it; with Shift held to turn it, with Ctrl to scale it, with both to shear it."
_UNDO = (
    "Move the pixels back by a filter, to compare with the picture that was never moved: what differs is what the "
    "model does not follow. (Karras et al. 2021, appendix E.3)"
)
_PLAY = "Press again to pause; that makes one step of the history. "
_NONE = "Only StyleGAN3 can move its picture: its input is a plane of waves. Open a StyleGAN3 model to try it."


class EquivariancePanel:
    """Sliders of the transform, dragging, playing, undoing it in the output, and the reading."""

    title = "Equivariance"

    def __init__(self, kit: Kit, picture: PictureView) -> None:
        self._kit = kit
        self._knobs: list[Knob] = []
        self._player = TransformPlayer(kit.session)
        self._reading = EquivarianceReading(kit)
        picture.add_drag_mode(TransformDrag(kit, lambda: bool(dpg.get_value("transform_drag"))))

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        self._reason = Reason(look)
        for field, caption, limits, digits, format, tip in _ROWS:
            with caption_row(look, caption, _ABOUT + tip):
                self._knobs.append(self._knob(field, caption, limits, digits, format))
            tooltip(look, field, tip + _ABOUT + HAND)
        with dpg.group(horizontal=True):
            for name, label in (("circle", "Circle"), ("spin", "Spin")):
                dpg.add_button(
                    tag=f"transform_{name}", label=label, width=look.px(60), user_data=name, callback=self._play
                )
            dpg.add_slider_float(
                tag="transform_speed",
                width=look.px(84),
                min_value=0.1,
                max_value=4,
                default_value=1,
                clamped=True,
                format="speed %.1f×",
                callback=self._set_speed,
            )
            dpg.add_button(tag="transform_reset", label="Reset", width=-1, callback=self._reset)
        tooltip(look, "transform_circle", "Go round in a circle. " + _PLAY)
        tooltip(look, "transform_spin", "Turn round the middle. " + _PLAY)
        with dpg.group(horizontal=True, horizontal_spacing=look.px(14)):
            dpg.add_checkbox(tag="transform_drag", label="Drag the picture")
            dpg.add_checkbox(tag="untransform", label="Undo in output", callback=self._undo_in_output)
        tooltip(look, "transform_drag", _DRAG)
        tooltip(look, "untransform", _UNDO)
        self._reading.build()

    def _knob(self, field: Field, caption: str, limits: tuple[float, float], digits: int, format: str) -> Knob:
        return Knob(
            self._kit,
            field,
            read=lambda state: float(getattr(state.transform, field)),
            write=lambda state, value: replace(state, transform=replace(state.transform, **{field: value})),
            label=lambda state: f"{caption} {getattr(state.transform, field):g}",
            limits=limits,
            default=getattr(Transform(), field),
            digits=digits,
            format=format,
        )

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show the transform, or why there is none."""
        usable = spec is not None and spec.has_transform
        self._reason.show("" if spec is None or usable else _NONE)
        fixed = ("circle", "spin", "speed", "reset", "drag")
        set_enabled([*(knob.item for knob in self._knobs), *(f"transform_{name}" for name in fixed)], usable)
        set_enabled(("untransform",), usable)
        show_value("untransform", usable and state.output.untransform)
        for knob in self._knobs:
            knob.refresh(state)
        self._reading.refresh(usable=usable)

    def poll(self, now_s: float) -> bool:
        """Play on, and show what was measured meanwhile."""
        moved = self._player.poll(now_s)
        for name, on in (("circle", self._player.circles), ("spin", self._player.spins)):
            dpg.bind_item_theme(f"transform_{name}", self._kit.look.chosen if on else 0)
        return self._reading.poll() or moved

    @property
    def is_moving(self) -> bool:
        """Whether it plays."""
        return self._player.is_playing

    def _play(self, _sender: Item, _value: object, name: str) -> None:
        circles, spins = self._player.circles, self._player.spins
        self._player.play(circles=circles ^ (name == "circle"), spins=spins ^ (name == "spin"))

    def _set_speed(self, _sender: Item, speed: float) -> None:
        self._player.speed = float(speed)

    def _undo_in_output(self, _sender: Item, on: bool) -> None:
        state = self._kit.session.state
        label = "Undo the transform in the output" if on else "Show the transform"
        self._kit.session.edit(replace(state, output=replace(state.output, untransform=on)), label)

    def _reset(self) -> None:
        self._kit.session.edit(replace(self._kit.session.state, transform=Transform()), "Reset transform")
