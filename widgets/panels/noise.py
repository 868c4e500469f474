"""Noise: the maps that StyleGAN and StyleGAN2 add for hair, grain and freckles."""

import random
from dataclasses import replace
from typing import Literal

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec, Noise
from widgets.controls import (
    HAND,
    Item,
    Kit,
    Knob,
    Reason,
    caption_row,
    even_row,
    on_release,
    set_enabled,
    show_value,
    tooltip,
)
from widgets.noise_edits import factor_of, with_factor, with_noise_only

__all__ = ["NoisePanel"]

Mode = Literal["const", "random", "none"]

_MODES: dict[str, Mode] = {"Stored": "const", "Random": "random", "Off": "none"}
_CAPTION_PX = 66
_ABOUT = (
    "Noise adds what is left to chance: curls, grain. Stored uses the maps saved with the model, Random draws "
    "them from a seed, Off leaves them out. (Karras et al. 2019, section 3.2)"
)
_ADDS = (
    "Show the difference that noise makes: middle grey where it changes nothing, lighter and darker where it does. "
    "A bar over the picture says so as long as it is on. (compare Karras et al. 2019, figures 4 and 5)"
)
_STRENGTH = "Multiplies what the model learnt for each layer: 1 is the model's own. "
_GAIN = "How much the difference is amplified: 20 dB are a factor of ten. "


class NoisePanel:
    """Mode, seed, strength of all layers and of each, and what noise alone adds."""

    title = "Noise"

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._spec: GeneratorSpec | None = None
        self._layers: list[Knob] = []

    def build(self) -> None:
        """Make the controls that do not depend on the model."""
        look = self._kit.look
        self._reason = Reason(look)
        with caption_row(look, "Maps", _ABOUT, width_px=_CAPTION_PX), even_row(look, len(_MODES)):
            for name, mode in _MODES.items():
                dpg.add_button(tag=f"noise_{mode}", label=name, width=-1, user_data=mode, callback=self._choose)
        with caption_row(look, "Seed", "Which random maps. Used when the maps are random.", width_px=_CAPTION_PX):
            dpg.add_input_int(tag="noise_seed", width=look.px(-70), min_value=0, min_clamped=True, callback=self._seed)
            dpg.add_button(tag="noise_draw", label="New", width=-1, callback=self._draw)
        on_release("noise_seed", lambda: self._kit.session.commit(f"Noise seed {self._kit.session.state.noise.seed}"))
        with caption_row(look, "Strength", _STRENGTH, width_px=_CAPTION_PX):
            self._strength = Knob(
                self._kit,
                "noise_strength",
                read=lambda state: state.noise.strength,
                write=lambda state, strength: replace(state, noise=replace(state.noise, strength=strength)),
                label=lambda state: f"Noise strength {state.noise.strength:.2f}",
                limits=(0, 4),
                default=1,
            )
        tooltip(look, "noise_strength", _STRENGTH + HAND)
        self._build_difference()
        with dpg.tree_node(tag="noise_fold", label="Strength of each layer", show=False):
            dpg.add_group(tag="noise_layers")
            dpg.add_button(tag="noise_reset", label="Reset all", callback=self._reset)

    def _build_difference(self) -> None:
        look = self._kit.look
        dpg.add_checkbox(tag="noise_only", label="Only what noise adds", callback=self._only)
        tooltip(look, "noise_only", _ADDS)
        with dpg.group(tag="noise_gain_row", show=False), caption_row(look, "Amplify", _GAIN, width_px=_CAPTION_PX):
            self._gain = Knob(
                self._kit,
                "noise_gain",
                read=lambda state: state.output.scale_db,
                write=lambda state, gain: replace(state, output=replace(state.output, scale_db=gain)),
                label=lambda state: f"Amplify {state.output.scale_db:+.1f} dB",
                limits=(-20, 60),
                default=0,
                digits=1,
                format="%+.1f dB",
            )
        tooltip(look, "noise_gain", _GAIN + HAND)

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show the noise, or why there is none."""
        look = self._kit.look
        if spec is not self._spec:
            self._spec = spec
            self._rebuild(spec)
        usable = spec is not None and spec.has_noise
        family = "This model has no noise maps: only StyleGAN 1 and 2 and their kin add noise to their layers."
        self._reason.show("" if spec is None or usable else family)
        for mode in _MODES.values():
            set_enabled((f"noise_{mode}",), usable)
            dpg.bind_item_theme(f"noise_{mode}", look.chosen if usable and mode == state.noise.mode else 0)
        set_enabled(("noise_seed", "noise_draw"), usable and state.noise.mode == "random")
        noisy = usable and state.noise.mode != "none"
        set_enabled(("noise_strength", "noise_reset", *(knob.item for knob in self._layers)), noisy)
        set_enabled(("noise_only",), usable)
        show_value("noise_only", state.output.noise_only)
        dpg.configure_item("noise_gain_row", show=usable and state.output.noise_only)
        show_value("noise_seed", state.noise.seed)
        for knob in (self._strength, self._gain, *self._layers):
            knob.refresh(state)

    def _rebuild(self, spec: GeneratorSpec | None) -> None:
        dpg.delete_item("noise_layers", children_only=True)
        usable = spec is not None and spec.has_noise
        dpg.configure_item("noise_fold", show=usable)
        dpg.push_container_stack("noise_layers")
        names = [layer.name for layer in spec.layers if layer.noisy] if spec is not None and usable else []
        self._layers = [self._layer(name) for name in names]
        dpg.pop_container_stack()

    def _layer(self, name: str) -> Knob:
        with caption_row(self._kit.look, name, width_px=112):
            return Knob(
                self._kit,
                f"noise_layer_{name}",
                read=lambda state: factor_of(state.noise, name),
                write=lambda state, factor: replace(state, noise=with_factor(state.noise, name, factor)),
                label=lambda state: f"Noise {name} {factor_of(state.noise, name):.2f}",
                limits=(0, 4),
                default=1,
            )

    def _edit(self, noise: Noise, label: str) -> None:
        self._kit.session.edit(replace(self._kit.session.state, noise=noise), label)

    def _choose(self, _sender: Item, _value: object, mode: Mode) -> None:
        name = next(name for name, its_mode in _MODES.items() if its_mode == mode)
        self._edit(replace(self._kit.session.state.noise, mode=mode), f"Noise {name.lower()}")

    def _seed(self, _sender: Item, seed: int) -> None:
        state = self._kit.session.state
        self._kit.session.preview(replace(state, noise=replace(state.noise, seed=seed)))

    def _draw(self) -> None:
        seed = random.randrange(10_000)
        self._edit(replace(self._kit.session.state.noise, seed=seed), f"Noise seed {seed}")

    def _reset(self) -> None:
        self._edit(replace(self._kit.session.state.noise, layers=(), strength=1), "Reset noise strengths")

    def _only(self, _sender: Item, on: bool) -> None:
        state = self._kit.session.state
        output = with_noise_only(state.output, on)
        self._kit.session.edit(
            replace(state, output=output), "Show what noise adds" if on else "Show the picture with noise"
        )
