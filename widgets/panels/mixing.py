"""Style mixing: the styles of other latents in chosen layers."""

import random
from dataclasses import replace

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec, Mix
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
from widgets.mixes import (
    BANDS,
    added,
    bands,
    between,
    flip,
    latent_words,
    layer_words,
    removed,
    seed_of,
    size_words,
    source_words,
    sources,
    swapped,
    with_source,
)
from widgets.panels.mixing_parts import SourceList, fill_layer_table
from widgets.seed_plane import at_seed

__all__ = ["MixingPanel"]

_ABOUT = (
    "Style mixing takes the chosen layers' styles from another latent: coarse layers carry pose and shape, middle ones "
    "features, fine ones colour and texture. (Karras et al. 2019, section 3.1)"
)
_SHOWN = "What is shown now"
_AMOUNT = "0 keeps the styles that were there, 1 replaces them. "
_FIXED = ("mix_seed", "mix_random", "mix_point", "mix_amount", "mix_add", "mix_swap", "mix_coarse", "mix_middle")


class MixingPanel:
    """A list of sources; for the chosen one where it comes from, how much of it, and a toggle for each layer."""

    title = "Style mixing"

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._chosen = self._count = 0
        self._toggles: list[str] = []
        self._spec: GeneratorSpec | None = None

    def build(self) -> None:
        """Make the controls that do not depend on the model."""
        look = self._kit.look
        self._reason = Reason(look)
        with caption_row(look, "Sources", _ABOUT):
            dpg.add_button(tag="mix_add", label="Add", width=-1, callback=self._add)
        tooltip(look, "mix_add", "One more source. Where two give the same layer, the lower one comes last.")
        self._list = SourceList(self._kit, self._choose, self._remove)
        with caption_row(look, "Seed", "Where the chosen source's styles come from. " + _ABOUT):
            dpg.add_input_double(
                tag="mix_seed",
                width=look.px(-84),
                min_value=0,
                max_value=2**32 - 1,
                min_clamped=True,
                max_clamped=True,
                step=1,
                format="%.10g",
                callback=self._seed,
            )
            dpg.add_button(tag="mix_random", label="Random", width=-1, callback=self._random)
        tooltip(look, "mix_seed", "A fraction lies between two seeds, blended in W: 4.25 is a quarter of the way to 5.")
        on_release("mix_seed", lambda: self._kit.session.commit(f"Mix {self._words()}"))
        about = "The place of a saved point; its sliders and mixes are left out."
        with dpg.group(tag="mix_point_row", show=False), caption_row(look, "Or take", about):
            dpg.add_combo((), tag="mix_point", width=-1, callback=self._take)
        with caption_row(look, "Amount", _AMOUNT):
            self._amount = Knob(
                self._kit,
                "mix_amount",
                read=lambda state: self._source(state).amount,
                write=lambda state, amount: self._with(state, replace(self._source(state), amount=amount)),
                label=lambda state: f"Mix amount {self._source(state).amount:.2f}",
                limits=(0, 1),
                default=1,
            )
        tooltip(look, "mix_amount", _AMOUNT + HAND)
        with even_row(look, len(BANDS) + 1):
            for name in (*BANDS, "None"):
                dpg.add_button(tag=f"mix_{name.lower()}", label=name, width=-1, user_data=name, callback=self._band)
        dpg.add_group(tag="mix_layers")
        self._build_actions()

    def _build_actions(self) -> None:
        look, session = self._kit.look, self._kit.session
        with even_row(look, 3):
            dpg.add_button(tag="mix_keep", label="Keep", width=-1, callback=lambda: session.keep_mix())
            dpg.add_button(tag="mix_swap", label="Swap", width=-1, callback=self._swap)
            dpg.add_button(tag="mix_clear", label="Clear", width=-1, callback=self._clear)
        tooltip(look, "mix_keep", "Make what is mixed the base: the picture stays, and the layers are free again.")
        tooltip(look, "mix_swap", "The chosen source becomes the base, and the base becomes the source.")
        tooltip(look, "mix_clear", "Take every source out.")
        with dpg.tree_node(tag="mix_table_fold", label="What each layer is", show=False):
            dpg.add_group(tag="mix_table")

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show the mixes of the state."""
        if spec is not self._spec:
            self._spec = spec
            self._rebuild(spec)
        usable = spec is not None and spec.num_ws > 1
        self._reason.show("" if spec is None or usable else "This model has one row of styles: nothing can be mixed.")
        # A source that came, from another panel perhaps, is what is worked on next.
        came, self._count = len(state.mixing) > self._count, len(state.mixing)
        self._chosen = len(state.mixing) - 1 if came else min(self._chosen, len(sources(state)) - 1)
        words = tuple(source_words(mix, self._kit.session.points) for mix in sources(state))
        self._list.show(words if usable else (), self._chosen)
        mix = self._source(state)
        set_enabled((*_FIXED, "mix_fine", "mix_none"), usable)
        set_enabled(("mix_clear",), usable and bool(state.mixing))
        set_enabled(("mix_keep",), usable and any(part.layers for part in state.mixing))
        show_value("mix_seed", seed_of(mix.latent))
        show_value("mix_point", latent_words(mix.latent, self._kit.session.points))
        self._amount.refresh(state)
        for row, tag in enumerate(self._toggles):
            dpg.bind_item_theme(tag, self._kit.look.chosen if row in mix.layers else 0)

    def poll(self, now_s: float) -> bool:
        """Offer the points that were saved meanwhile."""
        names = [_SHOWN, *dict.fromkeys(point.name for point in self._kit.session.points)]
        if dpg.get_item_configuration("mix_point")["items"] != names:
            dpg.configure_item("mix_point", items=names)
            dpg.configure_item("mix_point_row", show=len(names) > 1)
        return False

    def _rebuild(self, spec: GeneratorSpec | None) -> None:
        for group in ("mix_layers", "mix_table"):
            dpg.delete_item(group, children_only=True)
        self._toggles = []
        usable = spec is not None and spec.num_ws > 1
        dpg.configure_item("mix_table_fold", show=usable)
        if spec is None or not usable:
            return
        look = self._kit.look
        labels = [
            f"{row}: {size_words(max(layer.size for layer in spec.layers_of(row)))}" for row in range(spec.num_ws)
        ]
        columns = 4 if max(map(len, labels)) <= len("10: 64²") else 3
        for first in range(0, spec.num_ws, columns):
            with dpg.group(parent="mix_layers"), even_row(look, columns):
                for row in range(first, min(first + columns, spec.num_ws)):
                    tag = f"mix_layer_{row}"
                    dpg.add_button(tag=tag, label=labels[row], width=-1, user_data=row, callback=self._toggle)
                    self._toggles.append(tag)
        # A tooltip made within a row of a table would take a cell.
        for row, tag in enumerate(self._toggles):
            tooltip(look, tag, layer_words(spec, row))
        fill_layer_table(spec, "mix_table")

    def _source(self, state: EditState) -> Mix:
        there = sources(state)
        return there[min(self._chosen, len(there) - 1)]

    def _with(self, state: EditState, mix: Mix) -> EditState:
        return with_source(state, min(self._chosen, len(sources(state)) - 1), mix)

    def _words(self) -> str:
        words = latent_words(self._source(self._kit.session.state).latent, self._kit.session.points)
        return words[0].lower() + words[1:]

    def _edit(self, mix: Mix, label: str) -> None:
        self._kit.session.edit(self._with(self._kit.session.state, mix), label)

    def _choose(self, index: int) -> None:
        self._chosen = index
        self.refresh(self._kit.session.state, self._spec)

    def _add(self) -> None:
        state = added(self._kit.session.state)
        self._chosen = len(state.mixing) - 1
        self._kit.session.edit(state, f"Mix source {len(state.mixing)}")

    def _remove(self, index: int) -> None:
        if self._chosen > index:
            self._chosen -= 1
        self._kit.session.edit(removed(self._kit.session.state, index), f"Remove mix source {index + 1}")

    def _swap(self) -> None:
        index = min(self._chosen, len(sources(self._kit.session.state)) - 1)
        self._kit.session.edit(swapped(self._kit.session.state, index), f"Swap base and source {index + 1}")

    def _clear(self) -> None:
        self._kit.session.edit(replace(self._kit.session.state, mixing=()), "Clear the mix")

    def _seed(self, _sender: Item, number: float) -> None:
        state = self._kit.session.state
        self._kit.session.preview(self._with(state, replace(self._source(state), latent=between(number))))

    def _random(self) -> None:
        seed = random.randrange(10_000)
        self._edit(replace(self._source(self._kit.session.state), latent=at_seed(seed)), f"Mix seed {seed}")

    def _take(self, _sender: Item, name: str) -> None:
        session = self._kit.session
        point = next((point for point in session.points if point.name == name), None)
        if point is not None or name == _SHOWN:
            latent = session.state.latent if point is None else point.state.latent
            self._edit(replace(self._source(session.state), latent=latent), f"Mix {name[0].lower()}{name[1:]}")

    def _toggle(self, _sender: Item, _value: object, row: int) -> None:
        mix = self._source(self._kit.session.state)
        layers = flip(mix.layers, (row,))
        self._edit(replace(mix, layers=layers), f"Mix layer {row} {'on' if row in layers else 'off'}")

    def _band(self, _sender: Item, _value: object, name: str) -> None:
        if self._spec is None:
            return
        mix = self._source(self._kit.session.state)
        # Pressing a band that is on already takes it out again.
        layers = () if name == "None" else flip(mix.layers, bands(self._spec)[BANDS.index(name)])
        self._edit(replace(mix, layers=layers), "Mix nothing" if name == "None" else f"Mix {name.lower()} layers")
