"""Stages mix, truncate and edit: pure arithmetic on ``w_plus``, in this order."""

import torch
from torch import Tensor

from explorer.generators.styles import truncate
from explorer.rendering.directions import Directions
from explorer.rendering.latents import Styles
from explorer.state import Mix, Slider, Truncation

__all__ = ["edit", "mix", "pull"]


def mix(base: Styles, mixes: tuple[tuple[Mix, Styles], ...]) -> Styles:
    """Replace rows of ``w_plus`` by those of other latents, as far as each mix says.

    What is exchanged is the offset from the centre, as the published viewer does it; where both latents have
    the same centre that is the style itself.
    """
    w_plus = base.w_plus.clone()
    for part, other in mixes:
        for row in part.layers:
            source = other.w_plus[:, row]
            if not torch.equal(base.w_avg, other.w_avg):
                source = source - other.w_avg + base.w_avg
            w_plus[:, row] = source if part.amount == 1 else torch.lerp(w_plus[:, row], source, part.amount)
    return Styles(w_plus, base.w_avg)


def pull(styles: Styles, truncation: Truncation) -> Tensor:
    """Truncated ``w_plus``, ``[1, num_ws, w_dim]``."""
    return truncate(styles.w_plus, styles.w_avg, psi=truncation.psi, cutoff=truncation.cutoff)


def edit(w_plus: Tensor, sliders: tuple[Slider, ...], directions: Directions | None) -> Tensor:
    """Add every slider's offset to its rows; without sliders, ``w_plus`` itself.

    Args:
        w_plus: ``[1, num_ws, w_dim]``, truncated.
        sliders: Each in range for the model.
        directions: Of the model; needed when there is a slider that moves something.
    """
    for slider in sliders:
        if slider.amount == 0:
            continue
        assert directions is not None
        offset = directions.offset(slider.basis, slider.index).to(w_plus.device) * slider.amount
        rows = list(range(w_plus.shape[1])) if slider.layers is None else sorted(set(slider.layers))
        w_plus = w_plus.clone()
        w_plus[:, rows] += offset
    return w_plus
