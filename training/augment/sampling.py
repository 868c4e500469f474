"""Bilinear sampling that can be differentiated as often as wanted with respect to the picture.

Sampling at fixed places is linear in the picture: its gradient is the adjoint, and the adjoint's is the sampling
again. torch stops after the first.
"""

from typing import Any

import torch
from torch import Tensor

__all__ = ["sample_bilinear"]

_BILINEAR, _ZEROS = 0, 0


def sample_bilinear(image: Tensor, grid: Tensor) -> Tensor:
    """Pictures ``[N, C, H, W]`` at places ``[N, h, w, 2]`` (x, y), zero outside: ``[N, C, h, w]``.

    Args:
        image: Differentiable.
        grid: -1 and 1 are the outer edges of the first and last pixel. No gradient.
    """
    return _Sample.apply(image, grid)


class _Sample(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, image: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        ctx.shape = image.shape
        return torch.nn.functional.grid_sample(image, grid, mode="bilinear", padding_mode="zeros", align_corners=False)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        return _Spread.apply(gradient, ctx.saved_tensors[0], ctx.shape), None


class _Spread(torch.autograd.Function):
    """The adjoint of `_Sample`."""

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, grid: Tensor, shape: torch.Size) -> Tensor:
        ctx.save_for_backward(grid)
        nothing = gradient.new_empty(1).expand(shape)
        return torch.ops.aten.grid_sampler_2d_backward(
            gradient, nothing, grid, _BILINEAR, _ZEROS, False, [True, False]
        )[0]

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return _Sample.apply(gradient, ctx.saved_tensors[0]), None, None
