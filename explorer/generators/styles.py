"""Arithmetic on styles: broadcasting and truncation; and the check that they are a model's."""

import torch
from torch import Tensor

from explorer.errors import StateError
from explorer.state import GeneratorSpec

__all__ = ["broadcast", "check_w_plus", "truncate"]


def broadcast(w: Tensor, num_ws: int) -> Tensor:
    """Give every layer the same style: ``[N, w_dim]`` to ``[N, num_ws, w_dim]``."""
    return w.unsqueeze(1).expand(-1, num_ws, -1)


def truncate(w_plus: Tensor, w_avg: Tensor, *, psi: float, cutoff: int | None = None) -> Tensor:
    """Pull styles towards the centre of W, trading variety for quality.

    Args:
        w_plus: Styles, ``[N, num_ws, w_dim]``.
        w_avg: The centre, ``[w_dim]``, ``[1, w_dim]`` or ``[N, w_dim]``; ``[N, num_ws, w_dim]`` where it differs
            between rows.
        psi: 1 keeps ``w_plus``, 0 gives the centre, below 0 mirrors it.
        cutoff: Only layers ``[0, cutoff)`` are pulled; all when ``None``.

    Source: StyleGAN (Karras et al. 2019), appendix B.
    """
    if psi == 1:
        return w_plus
    rows = w_plus.shape[1] if cutoff is None else max(0, min(cutoff, w_plus.shape[1]))
    centre = w_avg[:, :rows] if w_avg.ndim == 3 else w_avg.reshape(-1, 1, w_avg.shape[-1])
    centre = centre.to(w_plus.dtype)
    return torch.cat([centre.lerp(w_plus[:, :rows], psi), w_plus[:, rows:]], dim=1)


def check_w_plus(spec: GeneratorSpec, w_plus: Tensor) -> None:
    """Refuse styles of another model.

    Raises:
        StateError: The shape is not ``[N, num_ws, w_dim]``.
    """
    rows, width = spec.num_ws, spec.w_dim
    if w_plus.ndim != 3 or w_plus.shape[1:] != (rows, width):
        raise StateError(f"w_plus has shape {list(w_plus.shape)}, and this model takes [N, {rows}, {width}]")
