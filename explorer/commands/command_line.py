"""The command that makes a picture again: what ``render`` has to be told for a state."""

import os
import shlex
import subprocess
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from explorer.commands.notation import (
    write_classes,
    write_latent,
    write_mix,
    write_number,
    write_prompt,
    write_rows,
    write_slider,
)
from explorer.errors import StateError
from explorer.state import (
    NEAREST,
    Blend,
    ClassMix,
    Condition,
    EditState,
    Latent,
    Noise,
    Output,
    Prompt,
    SeedBlend,
    Spectrum,
    Transform,
    Truncation,
)

__all__ = ["command_line", "render_arguments"]

_LARGEST_SEED = 10**10 - 1


def command_line(
    state: EditState, source: str | Path, *, project: str | Path | None = None, extra: Sequence[str] = ()
) -> str:
    """The command that renders a state, for a shell of this platform.

    Args:
        state: What to render. Names of sliders are left out, since no picture shows them.
        source: The checkpoint's path, or ``bundled:NAME``.
        extra: Further options, such as ``--precision=bfloat16``.
        project: A saved project or picture that shows the state: named where words do not reach.

    Raises:
        StateError: The state holds what cannot be written as words, such as a latent kept as numbers, and there is
            no project.
    """
    try:
        arguments = ["render", str(source), *render_arguments(state)]
    except StateError:
        if project is None:
            raise
        arguments = ["render", str(project)]
    words = ["python", "main.py", *arguments, *extra]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def render_arguments(state: EditState) -> list[str]:
    """What ``render`` has to be told beside the checkpoint; only what differs from a new state.

    Raises:
        StateError: The state holds what cannot be written as words.
    """
    parts: list[tuple[str, str | None]] = [
        *_latent(state.latent),
        *_condition(state.condition),
        *(("mix", write_mix(mix)) for mix in state.mixing),
        *_truncation(state.truncation),
        *(("slider", write_slider(slider)) for slider in state.sliders),
        *_noise(state.noise),
        *_transform(state.transform),
        *_output(state.output),
    ]
    return [f"--{name}" if value is None else f"--{name}={value}" for name, value in parts]


Parts = Iterator[tuple[str, str | None]]


def _condition(condition: Condition) -> Parts:
    if isinstance(condition, ClassMix):
        yield "class", write_classes(condition)
    elif isinstance(condition, Prompt):
        if not condition.weights:
            raise StateError("a prompt of nothing cannot be written as words: save a project and render that")
        for text, weight in condition.weights:
            yield "prompt", write_prompt(text, weight)


def _latent(latent: Latent) -> Parts:
    if isinstance(latent, Blend):
        if not latent.weights:
            raise StateError("a blend of nothing cannot be written as words: save a project and render that")
        for part, weight in latent.weights:
            yield "blend", f"{write_latent(part)}={write_number(weight)}"
    elif isinstance(latent, SeedBlend) and _is_plain_seed(latent):
        yield "seeds", write_rows([seed for seed, _ in latent.weights])
    else:
        yield "latent", write_latent(latent)


def _is_plain_seed(latent: SeedBlend) -> bool:
    return [weight for _, weight in latent.weights] == [1] and 0 <= latent.weights[0][0] <= _LARGEST_SEED


def _truncation(truncation: Truncation) -> Parts:
    if truncation.psi != 1:
        yield "psi", write_number(truncation.psi)
    if truncation.cutoff is not None:
        yield "cutoff", str(truncation.cutoff)
    if truncation.centre is not None:
        yield "centre", "nearest" if truncation.centre == NEAREST else str(truncation.centre)


def _noise(noise: Noise) -> Parts:
    plain = Noise()
    if noise.mode != plain.mode:
        yield "noise", noise.mode
    if noise.seed != plain.seed:
        yield "noise-seed", str(noise.seed)
    if noise.strength != plain.strength:
        yield "noise-strength", write_number(noise.strength)
    for name, factor in noise.layers:
        yield "noise-layer", f"{name}={write_number(factor)}"


def _transform(transform: Transform) -> Parts:
    plain = Transform()
    if (transform.translate_x, transform.translate_y) != (0, 0):
        yield "translate", f"{write_number(transform.translate_x)},{write_number(transform.translate_y)}"
    for name, value, default in (
        ("rotate", transform.rotate_deg, plain.rotate_deg),
        ("scale", transform.scale, plain.scale),
        ("shear", transform.shear, plain.shear),
    ):
        if value != default:
            yield name, write_number(value)


def _output(output: Output) -> Parts:
    plain = Output()
    values: tuple[tuple[str, object, object, Callable[[], str | None]], ...] = (
        ("layer", output.layer, plain.layer, lambda: str(output.layer)),
        ("base-channel", output.base_channel, plain.base_channel, lambda: str(output.base_channel)),
        ("channels", output.sel_channels, plain.sel_channels, lambda: str(output.sel_channels)),
        ("scale-db", output.scale_db, plain.scale_db, lambda: write_number(output.scale_db)),
        ("normalize", output.normalize, plain.normalize, lambda: None),
        ("untransform", output.untransform, plain.untransform, lambda: None),
        ("noise-only", output.noise_only, plain.noise_only, lambda: None),
    )
    for name, value, default, written in values:
        if value != default:
            yield name, written()
    if output.spectrum is not None:
        yield from _spectrum(output.spectrum)


def _spectrum(spectrum: Spectrum) -> Parts:
    plain = Spectrum()
    yield "spectrum", None
    if spectrum.range_db != plain.range_db:
        yield "spectrum-range", write_number(spectrum.range_db)
    if spectrum.beta != plain.beta:
        yield "spectrum-beta", write_number(spectrum.beta)
    if not spectrum.all_channels:
        yield "spectrum-shown", None
