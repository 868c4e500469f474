"""A small window beside the W sliders: what one direction is called, and which layers it moves."""

from collections.abc import Callable
from dataclasses import replace

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec
from widgets.controls import Kit, caption_row, on_release, set_enabled, show_value, tooltip
from widgets.direction_book import NAME_LENGTH
from widgets.layout import Place
from widgets.mixes import BANDS, bands, rows_in_words
from widgets.panels.slider_rows import Known
from widgets.popup import Popup
from widgets.slider_edits import Direction, Layers, amount_of, on_layers, slider_words, with_amount

__all__ = ["SliderDetails", "beside", "range_of"]

_WIDTH_PX = 308
_BUTTON_PX = {"All": 40, "Coarse": 62, "Middle": 62, "Fine": 62}
_NAME = (
    "A name belongs to the model: it is there in every project that shows it. A project takes the names of the "
    "sliders that it moves along to other machines."
)
_ALSO_PX = 92
_ALSO = (
    "Move the other layers along this direction, too, on a slider of their own: at first by as much. The two are "
    "listed one below the other."
)
_LAYERS = "Coarse layers decide pose and shape, middle ones features, fine ones colour and texture."


def range_of(layers: Layers, count: int) -> tuple[int, int]:
    """The first and the last of some layers of a model of ``count`` rows; of all when there is none."""
    return (min(layers), max(layers)) if layers else (0, count - 1)


def beside(layers: Layers, count: int) -> Layers:
    """The layers after some, or before them where there are none after; ``None`` where they are all that there is."""
    first, last = range_of(layers, count)
    rest = range(last + 1, count) or range(first)
    return tuple(rest) or None


class SliderDetails:
    """The window. It stays open while the hand works elsewhere, and shows the direction that was chosen last.

    Args:
        kit: Look and session.
        known: Names and layers.
        changed: Called when what is known changed, which is no part of the state.
    """

    def __init__(self, kit: Kit, known: Known, changed: Callable[[], None]) -> None:
        self._kit = kit
        self._known = known
        self._changed = changed
        self._direction: Direction | None = None
        self._before: tuple[EditState, Direction] | None = None
        self._count = 1
        self._popup = Popup(
            kit.look,
            "slider_details",
            "Direction",
            beside=Place.SLIDERS,
            size_px=(_WIDTH_PX, 170),
            fill=self._fill,
        )

    def _fill(self) -> None:
        look = self._kit.look
        dpg.bind_item_font(dpg.add_text("", tag="slider_title"), look.strong)
        with caption_row(look, "Name", _NAME, width_px=58):
            dpg.add_input_text(tag="slider_name", hint="not named", width=look.px(_WIDTH_PX - 58))
        on_release("slider_name", self._rename)
        with caption_row(look, "Layers", _LAYERS, width_px=58):
            for words, width in _BUTTON_PX.items():
                tag = f"slider_{words.lower()}"
                dpg.add_button(tag=tag, label=words, user_data=words, width=look.px(width), callback=self._band)
        for end, words in enumerate(("From", "To")):
            with caption_row(look, words, width_px=58):
                dpg.add_slider_int(
                    tag=f"slider_{words.lower()}",
                    width=look.px(_WIDTH_PX - 58),
                    clamped=True,
                    user_data=end,
                    callback=self._slide,
                )
            on_release(f"slider_{words.lower()}", self._release)
        with dpg.group(horizontal=True, xoffset=look.px(_WIDTH_PX - _ALSO_PX)):
            dpg.add_text("", tag="slider_layer_words", color=(*look.palette.quiet, 255))
            dpg.add_button(tag="slider_also", label="Others too", width=look.px(_ALSO_PX), callback=self._also)
        tooltip(look, "slider_also", _ALSO)

    def open(self, direction: Direction) -> None:
        """Show a direction; close the window when it is the one that is shown already."""
        if self._popup.is_open and direction == self._direction:
            self._popup.close()
            return
        self._direction = direction
        if not self._popup.is_open:
            self._popup.toggle()
        self.refresh(self._kit.session.state, self._kit.session.spec)

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show name and layers."""
        if not self._popup.is_open or self._direction is None:
            return
        if spec is None or self._direction.index >= spec.w_dim:
            self._popup.close()
            return
        direction = self._direction
        self._count = spec.num_ws
        kind = "Principal direction" if direction.basis == "pca" else "Axis"
        show_value("slider_title", f"{kind} {direction.index + 1}")
        if not dpg.is_item_active("slider_name"):
            show_value("slider_name", self._known.name(direction))
        first, last = range_of(direction.layers, spec.num_ws)
        for tag, value in (("slider_from", first), ("slider_to", last)):
            dpg.configure_item(tag, max_value=spec.num_ws - 1)
            show_value(tag, value)
        set_enabled(("slider_from", "slider_to"), spec.num_ws > 1)
        rows = "all layers" if direction.layers is None else f"layers {rows_in_words(direction.layers)}"
        show_value("slider_layer_words", f"Moves {rows} of 0–{spec.num_ws - 1}")
        for words, layers in zip(("All", *BANDS), (None, *bands(spec)), strict=True):
            item = f"slider_{words.lower()}"
            set_enabled((item,), layers is None or bool(layers))
            dpg.bind_item_theme(item, self._kit.look.chosen if direction.layers == layers else 0)
        set_enabled(("slider_also",), bool(direction.layers) and amount_of(state, direction) != 0)

    def _rename(self) -> None:
        if self._direction is not None:
            self._known.keep(self._direction, name=str(dpg.get_value("slider_name")).strip()[:NAME_LENGTH])
            self._tell()

    def _band(self, _sender: int | str, _value: object, words: str) -> None:
        spec = self._kit.session.spec
        if spec is not None:
            layers = None if words == "All" else bands(spec)[BANDS.index(words)]
            self._begin()
            self._move(layers)
            self._release()

    def _also(self) -> None:
        direction, session = self._direction, self._kit.session
        if direction is not None:
            amount, name = amount_of(session.state, direction), self._known.name(direction)
            self._direction = replace(direction, layers=beside(direction.layers, self._count))
            label = slider_words(self._direction, amount, name)
            session.edit(with_amount(session.state, self._direction, amount, name=name), label)

    def _slide(self, _sender: int | str, value: int, end: int) -> None:
        self._begin()
        assert self._direction is not None
        ends = list(range_of(self._direction.layers, self._count))
        ends[end] = value
        # The other end goes along, so that there is always a layer.
        ends[1 - end] = max(ends[1 - end], value) if end == 0 else min(ends[1 - end], value)
        layers = tuple(range(ends[0], ends[1] + 1))
        self._move(None if len(layers) == self._count else layers)

    def _begin(self) -> None:
        if self._before is None and self._direction is not None:
            self._before = self._kit.session.state, self._direction

    def _move(self, layers: Layers) -> None:
        """Show the offset on other layers; from where the drag began, so that passing over others takes none along."""
        assert self._before is not None
        state, direction = self._before
        self._direction = replace(direction, layers=layers)
        self._known.keep(self._direction, name=self._known.name(direction))
        self._kit.session.preview(on_layers(state, direction, layers))
        self._tell()

    def _release(self) -> None:
        self._before = None
        direction, session = self._direction, self._kit.session
        if direction is not None:
            session.commit(slider_words(direction, amount_of(session.state, direction), self._known.name(direction)))

    def _tell(self) -> None:
        self._changed()
        self.refresh(self._kit.session.state, self._kit.session.spec)
