"""Style mixing: the styles of a second seed in chosen layers."""

import random
from dataclasses import replace

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec, Mix, SeedPad
from widgets.controls import HAND, Kit, Knob, Reason, caption_row, on_release, set_enabled, show_value, tooltip
from widgets.seed_plane import at_seed, seed_at

__all__ = ["MixingPanel", "bands"]

_ABOUT = (
    "Style mixing takes the chosen layers' styles from a second seed: coarse layers carry pose and shape, middle ones "
    "features, fine ones colour and texture. (Karras et al. 2019, section 3.1)"
)
_COLUMNS = 3
_DEFAULT_SEED = 1
_BANDS = ("Coarse", "Middle", "Fine")


def bands(spec: GeneratorSpec) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Coarse, middle and fine rows of ``w_plus``.

    Rows are told by size, up to 8² and up to 32², as in StyleGAN's paper; the layers of StyleGAN3 and what came
    after it hardly shrink, so their rows are cut in thirds.
    """
    rows = range(spec.num_ws)
    if not spec.family.startswith(("stylegan3", "stylegan_")):
        side = {row: max(_sizes(spec, row), default=0) for row in rows}
        return (
            tuple(row for row in rows if side[row] <= 8),
            tuple(row for row in rows if 8 < side[row] <= 32),
            tuple(row for row in rows if side[row] > 32),
        )
    third, two_thirds = round(spec.num_ws / 3), round(spec.num_ws * 2 / 3)
    return tuple(rows[:third]), tuple(rows[third:two_thirds]), tuple(rows[two_thirds:])


def _sizes(spec: GeneratorSpec, row: int) -> list[int]:
    return [max(layer.size) for layer in spec.layers if layer.w_row == row]


class MixingPanel:
    """The second seed, how much of it, and a toggle for each layer."""

    title = "Style mixing"

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._toggles: list[str] = []
        self._spec: GeneratorSpec | None = None

    def build(self) -> None:
        """Make the controls that do not depend on the model."""
        look = self._kit.look
        self._reason = Reason(look)
        with caption_row(look, "Seed", "The second seed. " + _ABOUT):
            dpg.add_input_int(tag="mix_seed", width=look.px(-84), min_value=0, min_clamped=True, callback=self._seed)
            dpg.add_button(tag="mix_random", label="Random", width=-1, callback=self._random)
        on_release("mix_seed", lambda: self._kit.session.commit(f"Mix seed {dpg.get_value('mix_seed')}"))
        with caption_row(look, "Amount", "0 keeps the first seed's styles, 1 replaces them."):
            self._amount = Knob(
                self._kit,
                "mix_amount",
                read=lambda state: _mix(state).amount,
                write=lambda state, amount: _with_mix(state, replace(_mix(state), amount=amount)),
                label=lambda state: f"Mix amount {_mix(state).amount:.2f}",
                limits=(0, 1),
                default=1,
            )
        tooltip(look, "mix_amount", "0 keeps the first seed's styles, 1 replaces them. " + HAND)
        with dpg.group(horizontal=True):
            for name in (*_BANDS, "None"):
                dpg.add_button(
                    tag=f"mix_{name.lower()}", label=name, width=look.px(67), user_data=name, callback=self._band
                )
        dpg.add_group(tag="mix_layers")

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show the first mix of the state."""
        if spec is not self._spec:
            self._spec = spec
            self._rebuild(spec)
        mix = _mix(state)
        fixed = ["mix_seed", "mix_random", "mix_amount", *(f"mix_{name.lower()}" for name in (*_BANDS, "None"))]
        usable = spec is not None and spec.num_ws > 1
        self._reason.show("" if spec is None or usable else "This model has one row of styles: nothing can be mixed.")
        set_enabled(fixed, usable)
        latent = mix.latent
        if isinstance(latent, SeedPad):
            show_value("mix_seed", seed_at(int(latent.x), int(latent.y)))
        self._amount.refresh(state)
        for row, tag in enumerate(self._toggles):
            dpg.bind_item_theme(tag, self._kit.look.chosen if row in mix.layers else 0)

    def _rebuild(self, spec: GeneratorSpec | None) -> None:
        dpg.delete_item("mix_layers", children_only=True)
        self._toggles = []
        if spec is None or spec.num_ws == 1:
            return
        look = self._kit.look
        for first in range(0, spec.num_ws, _COLUMNS):
            with dpg.group(horizontal=True, parent="mix_layers"):
                for row in range(first, min(first + _COLUMNS, spec.num_ws)):
                    tag = f"mix_layer_{row}"
                    side = max(_sizes(spec, row), default=0)
                    dpg.add_button(
                        tag=tag, label=f"{row}:  {side}²", width=look.px(92), user_data=row, callback=self._toggle
                    )
                    names = ", ".join(layer.name for layer in spec.layers if layer.w_row == row)
                    tooltip(look, tag, f"Layer {row}: {names}")
                    self._toggles.append(tag)

    def _edit(self, mix: Mix, label: str) -> None:
        self._kit.session.edit(_with_mix(self._kit.session.state, mix), label)

    def _seed(self, _sender: int | str, seed: int) -> None:
        state = self._kit.session.state
        self._kit.session.preview(_with_mix(state, replace(_mix(state), latent=at_seed(seed))))

    def _random(self) -> None:
        seed = random.randrange(10_000)
        self._edit(replace(_mix(self._kit.session.state), latent=at_seed(seed)), f"Mix seed {seed}")

    def _toggle(self, _sender: int | str, _value: object, row: int) -> None:
        mix = _mix(self._kit.session.state)
        layers = tuple(sorted(set(mix.layers) ^ {row}))
        self._edit(replace(mix, layers=layers), f"Mix layer {row} {'on' if row in layers else 'off'}")

    def _band(self, _sender: int | str, _value: object, name: str) -> None:
        if self._spec is None:
            return
        mix = _mix(self._kit.session.state)
        rows = () if name == "None" else bands(self._spec)[_BANDS.index(name)]
        # Pressing a band that is on already takes it out again.
        layers = () if name == "None" else _flip(mix.layers, rows)
        self._edit(replace(mix, layers=layers), "Mix nothing" if name == "None" else f"Mix {name.lower()} layers")


def _flip(layers: tuple[int, ...], rows: tuple[int, ...]) -> tuple[int, ...]:
    if set(rows) <= set(layers):
        return tuple(row for row in layers if row not in rows)
    return tuple(sorted({*layers, *rows}))


def _mix(state: EditState) -> Mix:
    """The state's first mix, or one of no layers."""
    return state.mixing[0] if state.mixing else Mix(at_seed(_DEFAULT_SEED), ())


def _with_mix(state: EditState, mix: Mix) -> EditState:
    return replace(state, mixing=(mix, *state.mixing[1:]))
