"""Model: what is open, and what else there is."""

import dearpygui.dearpygui as dpg

from explorer.state import EditState, GeneratorSpec
from widgets.controls import Kit, caption_row, set_enabled, show_value, tooltip
from widgets.files import FileDialogs

__all__ = ["ModelPanel"]

_FAMILIES = {
    "lightweight": "StyleGAN2 (lucidrains)",
    "mobile_stylegan": "MobileStyleGAN",
    "progan": "ProGAN",
    "r3gan": "R3GAN",
    "stylegan1": "StyleGAN",
    "stylegan2": "StyleGAN2",
    "stylegan3": "StyleGAN3",
    "stylegan_t": "StyleGAN-T",
    "stylegan_xl": "StyleGAN-XL",
}
_CHANNELS = {1: "grey", 3: "RGB", 4: "RGBA"}
_FACTS = ("Family", "Picture", "Layers", "Latents")


class ModelPanel:
    """Open a model, its details."""

    title = "Model"

    def __init__(self, kit: Kit, dialogs: FileDialogs) -> None:
        self._kit = kit
        self._dialogs = dialogs

    def build(self) -> None:
        """Make the controls."""
        look, session = self._kit.look, self._kit.session
        with dpg.group(horizontal=True):
            dpg.add_button(
                tag="model_open", label="Open…", width=look.px(70), callback=lambda: self._dialogs.open_checkpoint()
            )
            dpg.add_input_text(
                tag="model_path",
                hint="or type a path or address, Enter opens",
                width=-1,
                on_enter=True,
                callback=self._open_typed,
            )
        dpg.bind_item_theme("model_open", look.primary)
        tooltip(look, "model_open", "A StyleGAN2, StyleGAN2-ADA or StyleGAN3 snapshot (.pkl), or our .safetensors.")
        titles = [model.title for model in session.bundled]
        with caption_row(look, "Bundled", "Models that come with the app."):
            dpg.add_combo(titles, tag="bundled", width=-1, callback=self._open_bundled)
        dpg.add_spacer(height=look.px(2))
        dpg.bind_item_font(dpg.add_text("No model open", tag="model_name"), look.strong)
        for name in _FACTS:
            with caption_row(look, name):
                dpg.add_text("–", tag=f"fact_{name.lower()}")

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show the open model."""
        session = self._kit.session
        show_value("model_name", session.model_name or "No model open")
        set_enabled(("bundled",), bool(session.bundled))
        hint = state.checkpoint.hint if state.checkpoint else ""
        titles = {f"bundled:{model.name}": model.title for model in session.bundled}
        show_value("bundled", titles.get(hint, "Choose…" if session.bundled else "none"))
        for name, value in zip(_FACTS, _facts(spec), strict=True):
            show_value(f"fact_{name.lower()}", value)

    def _open_typed(self, _sender: int | str, path: str) -> None:
        if path.strip():
            self._kit.session.open(path.strip().strip("\"'"))

    def _open_bundled(self, _sender: int | str, title: str) -> None:
        name = next(model.name for model in self._kit.session.bundled if model.title == title)
        self._kit.session.open(f"bundled:{name}")


def _facts(spec: GeneratorSpec | None) -> tuple[str, ...]:
    if spec is None:
        return ("–",) * len(_FACTS)
    height, width = spec.resolution
    family = _FAMILIES.get(spec.family, spec.family)
    condition = f"text of {spec.c_dim} numbers" if spec.text else f"{spec.c_dim} classes"
    classes = f", {condition}" if spec.c_dim else ""
    return (
        f"{family}-{spec.variant.upper()}"
        if spec.family in ("stylegan3", "stylegan_xl")
        else f"{family}, {spec.variant}",
        f"{width} × {height} {_CHANNELS.get(spec.img_channels, f'{spec.img_channels} channels')}{classes}",
        f"{len(spec.layers)}, styled by {spec.num_ws} rows of w",
        f"z {spec.z_dim}, w {spec.w_dim}",
    )
