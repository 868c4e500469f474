"""Prompt: the texts that StyleGAN-T draws, and how much of each."""

from dataclasses import replace
from pathlib import Path

import dearpygui.dearpygui as dpg

from explorer.state import Condition, EditState, GeneratorSpec
from widgets.controls import HAND, Kit, Knob, Reason, on_release, set_enabled, show_value, tooltip
from widgets.files import FileDialogs
from widgets.panels.text_encoder import EncoderLines
from widgets.prompts import added, removed, reweighted, reworded, shares, short, texts_of

__all__ = ["PromptPanel"]

_ABOUT = (
    "What the picture is to show. Each text is turned into a direction by the encoder that the model was trained with; "
    "several are mixed by their weights. (Sauer et al. 2023, StyleGAN-T; Radford et al. 2021, CLIP)"
)
_WEIGHT = "How much of this text: only the proportions count, 0 leaves it out, below 0 leads away from it. "


def why_no_prompt(spec: GeneratorSpec | None) -> str:
    """Why a model draws no texts; empty when it does, or none is open."""
    if spec is None or spec.text:
        return ""
    classes = ": choose its class in the Latent panel" if spec.c_dim else ""
    return f"This model is not steered by a text{classes}. StyleGAN-T models are."


class PromptPanel:
    """A line to add a text, the texts with their weights, and what encodes them."""

    title = "Prompt"

    def __init__(self, kit: Kit, dialogs: FileDialogs) -> None:
        self._kit = kit
        self._knobs: list[Knob] = []
        self._encoder = EncoderLines(kit, self._choose_folder)
        self._dialogs = dialogs

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        self._reason = Reason(look)
        with dpg.group(horizontal=True):
            dpg.add_input_text(
                tag="prompt_new",
                hint="What is to be seen? Enter adds it",
                width=look.px(-58),
                on_enter=True,
                callback=lambda: self._add(),
            )
            dpg.add_button(tag="prompt_add", label="Add", width=-1, callback=lambda: self._add())
        tooltip(look, "prompt_new", _ABOUT)
        dpg.add_group(tag="prompt_texts")
        self._empty = dpg.add_text("", color=(*look.palette.quiet, 255), wrap=0)
        self._encoder.build()

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show the texts, or why there are none."""
        usable = spec is not None and spec.text
        self._reason.show(why_no_prompt(spec))
        set_enabled(("prompt_new", "prompt_add"), usable)
        weights = texts_of(state.condition) if usable else ()
        while len(self._knobs) < len(weights):
            self._add_row(len(self._knobs))
        for row, knob in enumerate(self._knobs):
            dpg.configure_item(f"prompt_row_{row}", show=row < len(weights))
            if row < len(weights):
                self._show_row(row, knob, state)
        words = "Without a text the model draws what an empty one means to it." if usable and not weights else ""
        show_value(self._empty, words)
        dpg.configure_item(self._empty, show=bool(words))
        self._encoder.refresh(usable=usable)

    def poll(self, now_s: float) -> bool:
        """Show which encoder there is, once another was read."""
        return self._encoder.poll()

    def _show_row(self, row: int, knob: Knob, state: EditState) -> None:
        if not dpg.is_item_active(f"prompt_text_{row}"):
            show_value(f"prompt_text_{row}", texts_of(state.condition)[row][0])
        knob.refresh(state)
        share = f", {round(100 * shares(state.condition)[row])} %%" if len(texts_of(state.condition)) > 1 else ""
        dpg.configure_item(knob.item, format=f"weight %.2f{share}")

    def _add_row(self, row: int) -> None:
        look = self._kit.look

        def weight(state: EditState) -> float:
            weights = texts_of(state.condition)
            return weights[row][1] if row < len(weights) else 1.0

        with dpg.group(tag=f"prompt_row_{row}", parent="prompt_texts"):
            with dpg.group(horizontal=True):
                dpg.add_input_text(tag=f"prompt_text_{row}", width=look.px(-34))
                dpg.add_button(
                    tag=f"prompt_drop_{row}",
                    label="×",
                    width=-1,
                    user_data=row,
                    callback=lambda _s, _v, at: self._drop(at),
                )
            knob = Knob(
                self._kit,
                f"prompt_weight_{row}",
                read=weight,
                write=lambda state, value: replace(state, condition=reweighted(state.condition, row, value)),
                label=lambda state: f"Weight {weight(state):.2f} of “{short(texts_of(state.condition)[row][0])}”",
                limits=(-1, 1),
                default=1,
                width=look.px(-34),
            )
        on_release(f"prompt_text_{row}", lambda: self._reword(row))
        tooltip(look, f"prompt_weight_{row}", _WEIGHT + HAND)
        tooltip(look, f"prompt_drop_{row}", "Take this text away")
        self._knobs.append(knob)

    def _edit(self, condition: Condition, label: str) -> None:
        self._kit.session.edit(replace(self._kit.session.state, condition=condition), label)

    def _add(self) -> None:
        text, before = str(dpg.get_value("prompt_new")), self._kit.session.state.condition
        condition = added(before, text)
        if condition != before:
            self._edit(condition, f"Add “{short(texts_of(condition)[-1][0])}”")
            dpg.set_value("prompt_new", "")

    def _reword(self, row: int) -> None:
        before = self._kit.session.state.condition
        if row >= len(texts_of(before)):
            return
        condition = reworded(before, row, str(dpg.get_value(f"prompt_text_{row}")))
        self._edit(condition, f"Text “{short(texts_of(condition)[row][0])}”")
        show_value(f"prompt_text_{row}", texts_of(condition)[row][0])

    def _drop(self, row: int) -> None:
        before = self._kit.session.state.condition
        if row < len(texts_of(before)):
            self._edit(removed(before, row), f"Without “{short(texts_of(before)[row][0])}”")

    def _choose_folder(self) -> None:
        def use(folder: Path) -> None:
            self._kit.session.use_text_folder(folder)

        self._dialogs.choose_folder("Choose the folder of a text encoder", use)
