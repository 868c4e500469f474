"""Noise: the maps that StyleGAN and StyleGAN2 add for hair, grain and freckles."""

import random
from dataclasses import replace
from typing import Literal

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec, Noise
from widgets.controls import HAND, Kit, Knob, Reason, caption_row, on_release, set_enabled, show_value, tooltip

__all__ = ["NoisePanel"]

Mode = Literal["const", "random", "none"]

_MODES: dict[str, Mode] = {"Stored": "const", "Random": "random", "Off": "none"}
_ABOUT = (
    "Noise adds what is left to chance: curls, grain. Stored uses the maps saved with the model, Random draws "
    "them from a seed, Off leaves them out. (Karras et al. 2019, section 3.2)"
)


class NoisePanel:
    """Mode, seed and strength."""

    title = "Noise"

    def __init__(self, kit: Kit) -> None:
        self._kit = kit

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        self._reason = Reason(look)
        with caption_row(look, "Maps", _ABOUT):
            for name, mode in _MODES.items():
                dpg.add_button(
                    tag=f"noise_{mode}", label=name, width=look.px(60), user_data=mode, callback=self._choose
                )
        with caption_row(look, "Seed", "Which random maps. Used when the maps are random."):
            dpg.add_input_int(tag="noise_seed", width=look.px(-70), min_value=0, min_clamped=True, callback=self._seed)
            dpg.add_button(tag="noise_draw", label="New", width=-1, callback=self._draw)
        on_release("noise_seed", lambda: self._kit.session.commit(f"Noise seed {self._kit.session.state.noise.seed}"))
        with caption_row(look, "Strength", "Multiplies what the model learnt for each layer: 1 is the model's own."):
            self._strength = Knob(
                self._kit,
                "noise_strength",
                read=lambda state: state.noise.strength,
                write=lambda state, strength: replace(state, noise=replace(state.noise, strength=strength)),
                label=lambda state: f"Noise strength {state.noise.strength:.2f}",
                limits=(0, 4),
                default=1,
            )
        tooltip(look, "noise_strength", "1 is the model's own strength. " + HAND)

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show the noise, or why there is none."""
        look = self._kit.look
        usable = spec is not None and spec.has_noise
        self._reason.show("" if spec is None or usable else "This model has no noise maps.")
        for mode in _MODES.values():
            set_enabled((f"noise_{mode}",), usable)
            dpg.bind_item_theme(f"noise_{mode}", look.chosen if usable and mode == state.noise.mode else 0)
        set_enabled(("noise_seed", "noise_draw"), usable and state.noise.mode == "random")
        set_enabled(("noise_strength",), usable and state.noise.mode != "none")
        show_value("noise_seed", state.noise.seed)
        self._strength.refresh(state)

    def _edit(self, noise: Noise, label: str) -> None:
        self._kit.session.edit(replace(self._kit.session.state, noise=noise), label)

    def _choose(self, _sender: int | str, _value: object, mode: Mode) -> None:
        name = next(name for name, its_mode in _MODES.items() if its_mode == mode)
        self._edit(replace(self._kit.session.state.noise, mode=mode), f"Noise {name.lower()}")

    def _seed(self, _sender: int | str, seed: int) -> None:
        state = self._kit.session.state
        self._kit.session.preview(replace(state, noise=replace(state.noise, seed=seed)))

    def _draw(self) -> None:
        seed = random.randrange(10_000)
        self._edit(replace(self._kit.session.state.noise, seed=seed), f"Noise seed {seed}")
