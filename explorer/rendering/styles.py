"""Stages mix, truncate and edit: pure arithmetic on ``w_plus``, in this order."""

import torch
from torch import Tensor

from explorer.generators.styles import truncate
from explorer.rendering.centres import centre_of
from explorer.rendering.directions import Directions
from explorer.rendering.latents import Styles
from explorer.state import Mix, Slider, Truncation

__all__ = ["edit", "mix", "pull"]


def mix(base: Styles, mixes: tuple[tuple[Mix, Styles], ...]) -> Styles:
    """Replace rows of ``w_plus`` by those of other latents, as far as each mix says.

    A row brings its centre along, so that truncation pulls it to where it comes from, as in the published viewers.
    """
    w_plus = base.w_plus.clone()
    w_avg = base.w_avg
    for part, other in mixes:
        if w_avg.ndim == 2 and not torch.equal(w_avg, other.w_avg):
            w_avg = w_avg.unsqueeze(1).repeat(1, w_plus.shape[1], 1)
        for row in part.layers:
            _replace(w_plus[:, row], other.w_plus[:, row], part.amount)
            if w_avg.ndim == 3:
                _replace(w_avg[:, row], other.w_avg, part.amount)
    return Styles(w_plus, w_avg)


def _replace(place: Tensor, value: Tensor, amount: float) -> None:
    place.copy_(value if amount == 1 else torch.lerp(place, value, amount))


def pull(styles: Styles, truncation: Truncation, centres: Tensor | None) -> Tensor:
    """Truncated ``w_plus``, ``[1, num_ws, w_dim]``.

    Args:
        styles: Mixed.
        truncation: How far, and where to.
        centres: The clusters', ``[CENTRES, w_dim]``; needed when it says one of them.
    """
    w_avg = styles.w_avg
    if truncation.centre is not None and truncation.psi != 1:
        assert centres is not None
        w_avg = centre_of(styles.w_plus, centres, truncation.centre)
    return truncate(styles.w_plus, w_avg, psi=truncation.psi, cutoff=truncation.cutoff)


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
