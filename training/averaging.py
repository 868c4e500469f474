"""The averaged generator, which makes better pictures than the one that learns."""

import torch
from torch import nn

__all__ = ["average_towards"]


@torch.no_grad()
def average_towards(average: nn.Module, model: nn.Module, *, beta: float) -> None:
    """Move the averaged weights towards ``model``; buffers (centre of W, noise maps) are copied."""
    targets = [p.detach() for p in model.parameters()]
    torch._foreach_lerp_(list(average.parameters()), targets, 1 - beta)
    for ours, theirs in zip(average.buffers(), model.buffers(), strict=True):
        ours.copy_(theirs)
