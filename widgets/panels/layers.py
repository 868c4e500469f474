"""Layers: what any layer of the network holds, its numbers and its spectrum."""

from dataclasses import replace
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec, Output
from widgets.controls import HAND, Item, Kit, Knob, caption_row, on_release, set_enabled, show_value, tooltip
from widgets.layout import Place
from widgets.mixes import size_words
from widgets.outputs import channels_of, shown_channels
from widgets.panels.spectrum import SpectrumControls
from widgets.shown_bar import ShownBar
from widgets.theme import Look

if TYPE_CHECKING:
    from explorer.rendering.frame import ChannelStats
    from explorer.session import Frame

__all__ = ["LayersPanel"]

_LIST_PX = 142
_BELOW_PX = 298
_LINE_PX = 23
_COUNTS = (1, 3, 4)
_ABOUT = "What this layer gives to the next, one channel a grey picture, or three as red, green and blue."
_SCALE = "Contrast: 20 dB are a factor of ten. "
_NUMBERS = (("mean", "Mean"), ("std", "Deviation"), ("max_abs", "Largest"))


class LayersPanel:
    """A list of layers, which channels, how bright, statistics, the spectrum, and the way back."""

    title = "Layers"

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._bar = ShownBar(kit)
        self._spectrum = SpectrumControls(kit)
        self._spec: GeneratorSpec | None = None
        self._marked = ""
        self._stats: ChannelStats | None = None

    def build(self) -> None:
        """Make the controls that do not depend on the model."""
        look = self._kit.look
        with dpg.child_window(tag="layer_list", height=look.px(_LIST_PX), border=False):
            dpg.add_text("Open a model to see its layers.", color=(*look.palette.quiet, 255))
        dpg.bind_item_theme("layer_list", _list_theme(look))
        with caption_row(look, "Channels", _ABOUT):
            for count in _COUNTS:
                tag = f"layer_channels_{count}"
                dpg.add_button(tag=tag, label=f"{count}", width=look.px(30), user_data=count, callback=self._count)
            dpg.add_slider_int(tag="layer_first", width=-1, clamped=True, format="from %d", callback=self._first)
        tooltip(look, "layer_first", "The first channel that is shown. " + HAND)
        on_release("layer_first", self._first_released, reset=lambda: self._edit("Channels from 0", base_channel=0))
        with caption_row(look, "Contrast", _SCALE):
            self._scale = Knob(
                self._kit,
                "layer_scale",
                read=lambda state: state.output.scale_db,
                write=lambda state, scale: replace(state, output=replace(state.output, scale_db=scale)),
                label=lambda state: f"Contrast {state.output.scale_db:+.1f} dB",
                limits=(-60, 60),
                default=0,
                digits=1,
                format="%+.1f dB",
            )
        tooltip(look, "layer_scale", _SCALE + HAND)
        with dpg.group(horizontal=True, horizontal_spacing=look.px(14)):
            dpg.add_checkbox(tag="layer_normalise", label="Normalise", callback=self._normalise)
            dpg.add_button(tag="layer_back", label="Back to the picture", width=-1, callback=lambda: self._bar.back())
        tooltip(look, "layer_normalise", "Divide each channel by its largest magnitude first.")
        self._build_numbers()
        self._spectrum.build()

    def _build_numbers(self) -> None:
        quiet = (*self._kit.look.palette.quiet, 255)
        with dpg.table(header_row=False, policy=dpg.mvTable_SizingStretchSame):
            for _ in range(4):
                dpg.add_table_column()
            with dpg.table_row():
                dpg.add_text("")
                for _, title in _NUMBERS:
                    dpg.add_text(title, color=quiet)
            for which, title in (("", "All"), ("_shown", "Shown")):
                with dpg.table_row():
                    dpg.add_text(title, color=quiet)
                    for name, _ in _NUMBERS:
                        dpg.add_text("–", tag=f"stats_{name}{which}")

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show what of the network is shown."""
        if spec is not self._spec:
            self._spec = spec
            self._rebuild(spec)
        usable = spec is not None
        fixed = ("layer_scale", "layer_normalise")
        set_enabled(fixed, usable)
        set_enabled(("layer_back",), usable and state.output != Output())
        self._mark((state.output.layer or spec.activations[-1]) if spec else "")
        first, count = shown_channels(state.output, spec) if spec else (0, 1)
        there = channels_of(state.output, spec) if spec else 1
        for choice in _COUNTS:
            set_enabled((f"layer_channels_{choice}",), usable and choice <= there)
            dpg.bind_item_theme(f"layer_channels_{choice}", self._kit.look.chosen if usable and choice == count else 0)
        set_enabled(("layer_first",), usable and there > count)
        dpg.configure_item("layer_first", max_value=max(there - count, 0))
        show_value("layer_first", first)
        show_value("layer_normalise", state.output.normalize)
        self._scale.refresh(state)
        self._spectrum.refresh(state, usable=usable)
        self._bar.refresh(state, spec)

    def poll(self, now_s: float) -> bool:
        """Keep the bar over the picture in its place, and give the list what room there is."""
        self._bar.poll()
        px = self._kit.look.px
        height = max(px(_LIST_PX), dpg.get_item_height(int(Place.LAYERS)) - px(_BELOW_PX))
        if dpg.get_item_height("layer_list") == height:
            return False
        dpg.configure_item("layer_list", height=height)
        return True

    def see(self, frame: "Frame") -> None:
        """Show the numbers of the newest picture."""
        if frame.preview or frame.stats is self._stats:
            return
        self._stats = stats = frame.stats
        for which in ("", "_shown"):
            for name, _ in _NUMBERS:
                value = getattr(stats, f"{name}{which}") if stats else None
                show_value(f"stats_{name}{which}", "–" if value is None else f"{value:.4g}")

    def _rebuild(self, spec: GeneratorSpec | None) -> None:
        dpg.delete_item("layer_list", children_only=True)
        self._marked = ""
        if spec is None:
            return
        with dpg.table(parent="layer_list", policy=dpg.mvTable_SizingStretchProp):
            for title in ("Layer", "Channels", "Size"):
                dpg.add_table_column(label=title)
            for name in spec.activations:
                channels, *size = spec.activation_shape(name)
                with dpg.table_row():
                    dpg.add_selectable(
                        tag=f"layer_{name}",
                        label=name,
                        height=self._kit.look.px(_LINE_PX),
                        span_columns=True,
                        user_data=name,
                        callback=self._choose,
                    )
                    dpg.add_text(f"{channels}")
                    dpg.add_text(size_words((size[0], size[1])))

    def _mark(self, name: str) -> None:
        for layer, on in ((self._marked, False), (name, True)):
            if layer and dpg.does_item_exist(f"layer_{layer}"):
                dpg.set_value(f"layer_{layer}", on)
        self._marked = name

    def _edit(self, label: str, **changes: object) -> None:
        state = self._kit.session.state
        self._kit.session.edit(replace(state, output=replace(state.output, **changes)), label)  # type: ignore[arg-type]

    def _choose(self, item: Item, _value: object, name: str) -> None:
        # A click on the layer that is shown would take its mark away.
        dpg.set_value(item, True)
        self._edit(f"Show {name}", layer=name, base_channel=0)

    def _count(self, _sender: Item, _value: object, count: int) -> None:
        self._edit(f"{count} channel{'s' if count > 1 else ''}", sel_channels=count)

    def _first(self, _sender: Item, first: int) -> None:
        state = self._kit.session.state
        self._kit.session.preview(replace(state, output=replace(state.output, base_channel=int(first))))

    def _first_released(self) -> None:
        self._kit.session.commit(f"Channels from {self._kit.session.state.output.base_channel}")

    def _normalise(self, _sender: Item, on: bool) -> None:
        self._edit("Normalise" if on else "Do not normalise", normalize=on)


def _list_theme(look: Look) -> Item:
    """Lines that stand close, their words level with the numbers beside them."""
    with dpg.theme() as theme, dpg.theme_component(dpg.mvAll):
        dpg.add_theme_style(dpg.mvStyleVar_CellPadding, look.px(4), 0)
        dpg.add_theme_style(dpg.mvStyleVar_SelectableTextAlign, 0, 0.5)
    return int(theme)
