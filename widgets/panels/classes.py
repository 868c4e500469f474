"""Class: which one the model is told to draw, or how much of several."""

from dataclasses import replace

import dearpygui.dearpygui as dpg

from explorer.state import ClassMix, Condition, EditState, GeneratorSpec, NoCondition
from widgets.controls import HAND, Kit, Knob, caption_row, set_enabled, show_value, tooltip
from widgets.layout import Place
from widgets.popup import Popup

__all__ = ["ClassRow", "class_labels", "matching", "weight_of", "with_class", "without_class"]

_ANY_CLASS = "Each seed its own"
_ABOUT = (
    "What a class-conditional model is told to draw. The label goes through the mapping beside the latent, so classes "
    "can be mixed in any proportion. (Mirza and Osindero 2014; Karras et al. 2020, StyleGAN2-ADA)"
)
_LISTED = 7
_WIDTH_PX = 320


def class_labels(spec: GeneratorSpec) -> tuple[str, ...]:
    """One unique label a class, by name where the checkpoint knows it; none where a text steers the model."""
    if spec.text:
        return ()
    names = dict(enumerate(spec.class_names))
    return tuple(f"{index}: {names[index]}" if index in names else f"Class {index}" for index in range(spec.c_dim))


def matching(labels: tuple[str, ...], words: str) -> tuple[str, ...]:
    """The labels that hold all of the words, in upper or lower case."""
    wanted = words.casefold().split()
    return tuple(label for label in labels if all(word in label.casefold() for word in wanted))


def weight_of(condition: Condition, index: int) -> float:
    """How much of a class; 0 when it is not in the mix."""
    return dict(condition.weights).get(index, 0.0) if isinstance(condition, ClassMix) else 0.0


def with_class(condition: Condition, index: int, weight: float) -> ClassMix:
    """The mix with another weight of one class, which joins at the end when it is new."""
    weights = dict(condition.weights) if isinstance(condition, ClassMix) else {}
    return ClassMix(tuple({**weights, index: weight}.items()))


def without_class(condition: Condition, index: int) -> Condition:
    """The mix without one class; no condition when none is left."""
    weights = condition.weights if isinstance(condition, ClassMix) else ()
    left = tuple(part for part in weights if part[0] != index)
    return ClassMix(left) if left else NoCondition()


def _called(label: str) -> str:
    return label if label.startswith("Class ") else f"Class {label}"


class ClassRow:
    """A line to choose one class, and a window that opens from it to mix several."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._labels: tuple[str, ...] = ()
        self._mixed: tuple[int, ...] = ()
        self._knobs: list[Knob] = []
        self._popup = Popup(
            kit.look, "class_mix", "Mix of classes", beside=Place.LATENT, size_px=(_WIDTH_PX, 360), fill=self._fill
        )

    def build(self, caption_px: int) -> None:
        """Make the line."""
        look = self._kit.look
        with caption_row(look, "Class", _ABOUT, width_px=caption_px):
            dpg.add_combo((), tag="class", width=look.px(-64), callback=self._choose)
            dpg.add_button(tag="class_more", label="Mix…", width=-1, callback=self._toggle)
        tooltip(look, "class_more", "Blend several classes, each by its weight.")

    def _fill(self) -> None:
        look = self._kit.look
        width, quiet = look.px(_WIDTH_PX), (*look.palette.quiet, 255)
        dpg.add_input_text(tag="class_search", hint="search by name or number", width=width, callback=self._list)
        dpg.add_listbox((), tag="class_list", width=width, num_items=_LISTED, callback=self._add_listed)
        dpg.add_text("", tag="class_hint", color=quiet)
        dpg.add_group(tag="class_weights")
        self._list()

    def _toggle(self) -> None:
        if self._popup.toggle():
            self.refresh(self._kit.session.state, self._kit.session.spec)

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show the classes, or why there are none."""
        labels = class_labels(spec) if spec else ()
        if labels != self._labels:
            self._labels = labels
            dpg.configure_item("class", items=[_ANY_CLASS, *labels])
            if self._popup.is_built:
                self._list()
        set_enabled(("class", "class_more"), bool(labels))
        if not labels:
            self._popup.close()
        show_value("class", self._words(state.condition, spec))
        weights = state.condition.weights if isinstance(state.condition, ClassMix) and labels else ()
        self._mixed = tuple(index for index, _ in weights if index < len(labels))
        if self._popup.is_built:
            self._show_weights(state)

    def _words(self, condition: Condition, spec: GeneratorSpec | None) -> str:
        if spec is None or not self._labels:
            return "" if spec is None else "steered by a text" if spec.text else "this model has none"
        weights = condition.weights if isinstance(condition, ClassMix) else ()
        if not weights:
            return _ANY_CLASS
        if len(weights) == 1 and weights[0][0] < len(self._labels):
            return self._labels[weights[0][0]]
        return f"mix of {len(weights)} classes"

    def _show_weights(self, state: EditState) -> None:
        while len(self._knobs) < len(self._mixed):
            self._add_row(len(self._knobs))
        for row, knob in enumerate(self._knobs):
            shown = row < len(self._mixed)
            if dpg.is_item_shown(f"class_row_{row}") != shown:
                dpg.configure_item(f"class_row_{row}", show=shown)
            if shown:
                show_value(f"class_name_{row}", self._labels[self._mixed[row]])
                knob.refresh(state)
        show_value("class_hint", "Weights count by their proportions." if self._mixed else "Click a class to add it.")

    def _add_row(self, row: int) -> None:
        look = self._kit.look

        def label(state: EditState) -> str:
            index = self._index(row)
            return f"{_called(self._labels[index])}, weight {weight_of(state.condition, index):.2f}"

        with dpg.group(tag=f"class_row_{row}", parent="class_weights"):
            dpg.add_text("", tag=f"class_name_{row}")
            with dpg.group(horizontal=True):
                knob = Knob(
                    self._kit,
                    f"class_weight_{row}",
                    read=lambda state: weight_of(state.condition, self._index(row)),
                    write=lambda state, weight: replace(
                        state, condition=with_class(state.condition, self._index(row), weight)
                    ),
                    label=label,
                    limits=(0, 1),
                    default=1,
                    width=look.px(_WIDTH_PX - 38),
                )
                dpg.add_button(
                    tag=f"class_drop_{row}", label="×", width=look.px(30), user_data=row, callback=self._drop
                )
        tooltip(look, f"class_weight_{row}", "How much of this class. " + HAND)
        tooltip(look, f"class_drop_{row}", "Take it out of the mix")
        self._knobs.append(knob)

    def _index(self, row: int) -> int:
        return self._mixed[row] if row < len(self._mixed) else 0

    def _list(self) -> None:
        dpg.configure_item("class_list", items=matching(self._labels, dpg.get_value("class_search")))

    def _edit(self, condition: Condition, label: str) -> None:
        self._kit.session.edit(replace(self._kit.session.state, condition=condition), label)

    def _choose(self, _sender: int | str, name: str) -> None:
        if name in self._labels:
            self._edit(ClassMix(((self._labels.index(name), 1.0),)), _called(name))
        else:
            self._edit(NoCondition(), f"Class: {_ANY_CLASS.lower()}")

    def _add_listed(self, _sender: int | str, name: str) -> None:
        if name not in self._labels:
            return
        index, condition = self._labels.index(name), self._kit.session.state.condition
        if weight_of(condition, index) == 0:
            self._edit(with_class(condition, index, 1.0), f"Add {_called(name)}")

    def _drop(self, _sender: int | str, _value: object, row: int) -> None:
        index = self._index(row)
        self._edit(without_class(self._kit.session.state.condition, index), f"Without {_called(self._labels[index])}")
