"""Leaving out of a state what a model cannot do."""

from dataclasses import replace

from explorer.state import (
    Blend,
    ClassMix,
    Condition,
    EditState,
    GeneratorSpec,
    Latent,
    Mix,
    NoCondition,
    Noise,
    Output,
    Prompt,
    SeedPad,
    Slider,
    Stored,
    Transform,
    Truncation,
)

__all__ = ["assumptions", "restrict"]


def restrict(state: EditState, spec: GeneratorSpec) -> tuple[EditState, tuple[str, ...]]:
    """The state with everything neutral that the model cannot follow, and what was dropped, in words.

    A state that fits comes back as the same object, and what comes back always fits.
    Noise on a model without any is left as it is when it is neutral or plain, since it changes nothing.
    """
    notes: list[str] = []
    changed = replace(
        state,
        condition=_condition(state, spec, notes),
        sliders=_sliders(state.sliders, spec, notes),
        mixing=_mixing(state.mixing, spec, notes),
        truncation=_truncation(state.truncation, spec, notes),
        noise=_noise(state.noise, spec, notes),
        transform=_transform(state.transform, spec, notes),
        output=_output(state.output, spec, notes),
    )
    return (changed if changed != state else state), tuple(notes)


def assumptions(state: EditState, spec: GeneratorSpec) -> tuple[str, ...]:
    """What a picture of a state that fits is made without, in words."""
    prompt = state.condition if isinstance(state.condition, Prompt) else Prompt(())
    if spec.text and not any(weight for _, weight in prompt.weights):
        return ("text: none was given, so the picture is made for an empty one",)
    return ()


def _condition(state: EditState, spec: GeneratorSpec, notes: list[str]) -> Condition:
    condition = state.condition
    if isinstance(condition, NoCondition):
        return condition
    if isinstance(condition, Prompt):
        if spec.text:
            return condition
        notes.append("the prompt: the model is not steered by a text")
        return NoCondition()
    if spec.c_dim == 0:
        notes.append("classes: the model has none")
        return NoCondition()
    if spec.text:
        notes.append("classes: the model is steered by a text instead")
        return NoCondition()
    kept = tuple((index, weight) for index, weight in condition.weights if 0 <= index < spec.c_dim)
    if len(kept) == len(condition.weights):
        return condition
    gone = ", ".join(str(index) for index, _ in condition.weights if not 0 <= index < spec.c_dim)
    notes.append(f"class {gone}: the model has classes 0 to {spec.c_dim - 1}")
    return ClassMix(kept) if kept else NoCondition()


def _sliders(sliders: tuple[Slider, ...], spec: GeneratorSpec, notes: list[str]) -> tuple[Slider, ...]:
    kept = []
    for slider in sliders:
        if not 0 <= slider.index < spec.w_dim:
            notes.append(f"{slider.basis} slider {slider.index}: the model has {spec.w_dim} directions")
            continue
        rows = None if slider.layers is None else _rows(slider.layers, spec, "slider", notes)
        kept.append(slider if rows == slider.layers else replace(slider, layers=rows))
    return tuple(kept)


def _mixing(mixing: tuple[Mix, ...], spec: GeneratorSpec, notes: list[str]) -> tuple[Mix, ...]:
    if mixing and spec.num_ws == 1:
        notes.append("style mixing: the model has one layer of styles")
        return ()
    kept = []
    for mix in mixing:
        rows = _rows(mix.layers, spec, "style mixing", notes)
        kept.append(mix if rows == mix.layers else replace(mix, layers=rows))
    return tuple(kept)


def _rows(layers: tuple[int, ...], spec: GeneratorSpec, what: str, notes: list[str]) -> tuple[int, ...]:
    gone = [row for row in layers if not 0 <= row < spec.num_ws]
    if gone:
        notes.append(f"{what} in layer {', '.join(map(str, gone))}: the model has layers 0 to {spec.num_ws - 1}")
    return tuple(row for row in layers if 0 <= row < spec.num_ws)


def _truncation(truncation: Truncation, spec: GeneratorSpec, notes: list[str]) -> Truncation:
    if spec.has_truncation or truncation == Truncation():
        return truncation
    if truncation.psi != 1:
        notes.append("truncation: the model's latents have no centre")
    return Truncation()


def _noise(noise: Noise, spec: GeneratorSpec, notes: list[str]) -> Noise:
    if spec.has_noise and noise.layers:
        noisy = {layer.name for layer in spec.layers if layer.noisy}
        if gone := [name for name, _ in noise.layers if name not in noisy]:
            notes.append(f"noise in layer {', '.join(gone)}: the model has no noise there")
            return replace(noise, layers=tuple(part for part in noise.layers if part[0] in noisy))
    if spec.has_noise or noise == Noise():
        return noise
    if noise.mode != "none":
        notes.append("noise: the model has no noise maps")
    return Noise()


def _transform(transform: Transform, spec: GeneratorSpec, notes: list[str]) -> Transform:
    if spec.has_transform or transform == Transform():
        return transform
    notes.append("translation and rotation: only StyleGAN3, StyleGAN-XL and StyleGAN-T can move their picture")
    return Transform()


def _output(output: Output, spec: GeneratorSpec, notes: list[str]) -> Output:
    if output.layer is not None and output.layer not in spec.activations:
        notes.append(f"layer {output.layer}: the model has no layer of that name")
        # Its channels and contrast were chosen for that layer, and would make nonsense of another.
        output = Output(untransform=output.untransform, noise_only=output.noise_only)
    if output.noise_only and not spec.has_noise:
        notes.append("what noise adds: the model has no noise maps")
        output = replace(output, noise_only=False)
    return output


def fits(latent: Latent, shape: tuple[int, ...], spec: GeneratorSpec) -> bool:
    """Whether a stored latent's array has the shape that the model takes; seeds always fit."""
    if not isinstance(latent, Stored):
        return True
    return shape == {"z": (spec.z_dim,), "w": (spec.w_dim,), "w_plus": (spec.num_ws, spec.w_dim)}[latent.space]


def replace_latents(
    state: EditState, spec: GeneratorSpec, shapes: dict[str, tuple[int, ...]]
) -> tuple[EditState, tuple[str, ...]]:
    """The state without stored latents of another model: the first latent becomes seed 0, mixes of them go.

    Args:
        state: Any state.
        spec: The model.
        shapes: The shape of each stored array by its hash.
    """

    def usable(latent: Latent) -> bool:
        if isinstance(latent, Blend):
            return all(usable(part) for part, _ in latent.weights)
        return not isinstance(latent, Stored) or fits(latent, shapes.get(latent.blob.sha256, ()), spec)

    notes = []
    if not usable(state.latent):
        notes.append("the stored latent: it belongs to a model of another size")
        state = replace(state, latent=SeedPad())
    if not all(usable(mix.latent) for mix in state.mixing):
        notes.append("style mixing with stored latents: they belong to a model of another size")
        state = replace(state, mixing=tuple(mix for mix in state.mixing if usable(mix.latent)))
    return state, tuple(notes)
