"""What every family does alike with styles and steps: checking them, and running up to a layer."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from explorer.errors import StateError
from explorer.generators.protocol import Step
from explorer.state import GeneratorSpec

__all__ = ["check_inputs", "check_styles", "layer_index", "run_to", "unknown_layer"]


class _Stepping(Protocol):
    spec: GeneratorSpec

    def steps(self, s: Sequence[Tensor], *, start: Step | None, **options: Any) -> Iterator[Step]: ...


def check_styles(spec: GeneratorSpec, s: Sequence[Tensor], transform: Tensor | None = None) -> None:
    """Refuse styles of another model, and a transform where the input cannot be moved.

    Raises:
        StateError: A style is missing, left over or of another shape; or the transform is not the identity.
    """
    if len(s) != len(spec.layers):
        raise StateError(f"s has {len(s)} entries, and this model has {len(spec.layers)} layers")
    for style, layer in zip(s, spec.layers, strict=True):
        if style.shape != (s[0].shape[0], layer.style_dim):
            wanted = f"[{s[0].shape[0]}, {layer.style_dim}]"
            raise StateError(f"the style of {layer.name} has shape {list(style.shape)}, and should have {wanted}")
    if transform is not None and not spec.has_transform and not torch.equal(transform, torch.eye(3).to(transform)):
        raise StateError("this model's picture cannot be turned or shifted: leave the transform out")


def check_inputs(z: Tensor | None, c: Tensor | None, *, z_dim: int, c_dim: int) -> None:
    """Refuse latents, and labels of a model with classes, that are missing or of another shape.

    Raises:
        StateError: They are.
    """
    if z is None or z.ndim != 2 or z.shape[1] != z_dim:
        raise StateError(f"this model needs z of shape [N, {z_dim}]")
    if c_dim > 0 and (c is None or c.shape != (z.shape[0], c_dim)):
        raise StateError(f"this model needs labels of shape [{z.shape[0]}, {c_dim}]")


def unknown_layer(until: str | None, names: Iterable[str]) -> StateError:
    """The error for activations that a model does not have."""
    return StateError(f"there is no layer {until!r}: use one of {', '.join(names)}")


def layer_index(spec: GeneratorSpec, until: str | None) -> int:
    """Which layer's activations are asked for, where `until` names nothing else: the last one's for the picture.

    Raises:
        StateError: There are no such activations.
    """
    if until is not None and until not in spec.activations:
        raise unknown_layer(until, spec.activations)
    names = [layer.name for layer in spec.layers]
    return len(names) - 1 if until in (None, "output") else names.index(until)


def run_to(
    generator: _Stepping,
    last: int,
    s: Sequence[Tensor],
    *,
    transform: Tensor | None,
    start: Step | None,
    until: str | None,
    **options: Any,
) -> Step | None:
    """The step after a layer: run, or `start` itself where it stands there already.

    Args:
        generator: Which runs.
        last: An index into its layers; -1 for what stands before the first.
        s: Styles.
        transform: The user's matrix.
        start: Resume after this step.
        until: What was asked for, for the message.
        **options: What else `steps` takes: the noise.

    Returns:
        ``None`` only when `last` is -1.

    Raises:
        StateError: `start` is already past the layer, or the styles are not the model's.
    """
    layers = generator.spec.layers
    reached = -1 if start is None else start.index
    if reached > last:
        raise StateError(
            f"the synthesis already stands after {layers[reached].name}, past {until}: start from an earlier step"
        )
    if reached == last:
        check_styles(generator.spec, s, transform)
        return start
    run = generator.steps(s, transform=transform, start=start, **options)
    return next(step for step in run if step.index == last)
