"""Where the model computes, and how precisely."""

from dataclasses import replace

import dearpygui.dearpygui as dpg

from explorer.state import GeneratorSpec
from widgets.controls import Kit, caption_row, set_enabled, show_value
from widgets.settings import SettingsStore

__all__ = ["ComputeRows"]

_TIP_PX = 340
_DEVICE = "Where pictures are computed."
_PRECISION = (
    "How many bits a number has after the mapping, which stays exact: half as many halve the memory, and pictures "
    "differ by a level or two."
)


class ComputeRows:
    """A line of devices and one of precisions; what this machine cannot do is greyed, and the tooltip says why."""

    def __init__(self, kit: Kit, store: SettingsStore) -> None:
        self._kit = kit
        self._store = store
        self._chosen: object = None

    def build(self) -> None:
        """Make the lines."""
        look = self._kit.look
        for field, caption, values in (
            ("device", "Device", (("cpu", "Processor"), ("cuda", "GPU"))),
            ("precision", "Precision", (("float32", "fp32"), ("bfloat16", "bf16"), ("float16", "fp16"))),
        ):
            width = look.px((300 - 78 - 24) / len(values) - 8)
            with dpg.group(tag=f"{field}_row"), caption_row(look, caption):
                for place, (value, label) in enumerate(values):
                    dpg.add_button(
                        tag=f"{field}_{value}",
                        label=label,
                        width=-1 if place == len(values) - 1 else width,
                        user_data={field: value},
                        callback=self._choose,
                    )
            # On the whole line: a greyed button shows no tooltip of its own.
            with dpg.tooltip(f"{field}_row", delay=0.6, hide_on_activity=True):
                dpg.add_text("", tag=f"{field}_tip", wrap=look.px(_TIP_PX))

    def refresh(self, spec: GeneratorSpec | None) -> None:
        """Show what can be chosen; everything is greyed before a model is open."""
        self._chosen = None
        self.poll()

    def poll(self) -> bool:
        """Show where the model computes now, and remember it; whether that changed."""
        session = self._kit.session
        chosen = (session.spec is not None, session.compute)
        if chosen == self._chosen:
            return False
        self._chosen = chosen
        has_model, compute = chosen
        if has_model:
            # Asked of torch, which is here once a model is.
            for field, choices, about in zip(
                ("device", "precision"), session.computes_on(), (_DEVICE, _PRECISION), strict=True
            ):
                reasons = [f"{choice.words}: {choice.reason}." for choice in choices if choice.reason]
                show_value(f"{field}_tip", "\n".join((about, *reasons)))
                for choice in choices:
                    set_enabled((f"{field}_{choice.value}",), not choice.reason)
            self._store.change(device=compute.device, precision=compute.precision)
        for tag, on in _marks(compute.device, compute.precision).items():
            if not has_model:
                set_enabled((tag,), False)
            dpg.bind_item_theme(tag, self._kit.look.chosen if on and has_model else 0)
        return True

    def _choose(self, _sender: int | str, _value: object, changes: dict[str, str]) -> None:
        compute = replace(self._kit.session.compute, **changes)  # type: ignore[arg-type]
        if compute.device == "cpu" and compute.precision == "float16":
            compute = replace(compute, precision="float32")
        self._kit.session.move_to(compute)


def _marks(device: str, precision: str) -> dict[str, bool]:
    devices = {f"device_{value}": value == device for value in ("cpu", "cuda")}
    return devices | {f"precision_{value}": value == precision for value in ("float32", "bfloat16", "float16")}
