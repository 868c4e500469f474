"""EQ-T and EQ-R of any model: StyleGAN3 by its input's transform, StyleGAN2 by its learned constant moved."""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from explorer.generators import stylegan2
from explorer.generators.protocol import Generator
from explorer.rendering.equivariance import Equivariance, equivariance_steps
from explorer.state import Noise

__all__ = ["equivariance"]


def equivariance(
    generator: Generator, *, samples: int, tell: Callable[[int], None] = lambda count: None
) -> tuple[Equivariance, str] | None:
    """The definition of `explorer.rendering.equivariance`, and what was moved; ``None`` where nothing can be.

    Args:
        generator: In float32.
        samples: 50,000 as published.
        tell: Called with the number of samples done.
    """
    if generator.spec.has_transform:
        target, moved = generator, "the input's transform"
    elif isinstance(generator, stylegan2.Generator):
        target, moved = _MovedConstant(generator), "the learned constant, resampled; without noise"  # type: ignore[assignment]
    else:
        return None
    found = Equivariance()
    for found in equivariance_steps(target, samples=samples):
        tell(round(found.share * samples))
    return found, moved


class _MovedConstant:
    """A StyleGAN2 whose transform moves its learned constant, continued at its borders."""

    def __init__(self, generator: stylegan2.Generator) -> None:
        self.generator, self.spec = generator, generator.spec

    def __getattr__(self, name: str) -> Any:
        return getattr(self.generator, name)

    def synthesize(self, s: Sequence[Tensor], *, transform: Tensor | None = None) -> Tensor:
        const = self.generator.synthesis.b4.const
        still = const.detach().clone()
        try:
            if transform is not None:
                const.data = moved_constant(still, transform)
            return self.generator.synthesize(s, noise=Noise("none"))
        finally:
            const.data = still


def moved_constant(const: Tensor, matrix: Tensor) -> Tensor:
    """A feature map ``[C, h, w]`` moved by a matrix ``[3, 3]`` in shares of the picture's longer side.

    Between its pixels it is taken linearly, beyond them it goes on as at its border.
    """
    height, width = const.shape[-2:]
    side = max(height, width)
    back = torch.linalg.inv(matrix.double())
    y, x = torch.meshgrid(
        (torch.arange(height, dtype=torch.float64) + 0.5 - height / 2) / side,
        (torch.arange(width, dtype=torch.float64) + 0.5 - width / 2) / side,
        indexing="ij",
    )
    from_x = (back[0, 0] * x + back[0, 1] * y + back[0, 2]) * side / width * 2
    from_y = (back[1, 0] * x + back[1, 1] * y + back[1, 2]) * side / height * 2
    grid = torch.stack([from_x, from_y], dim=2)[None].to(const)
    whole = const.reshape(1, -1, height, width)
    moved = torch.nn.functional.grid_sample(whole, grid, padding_mode="border", align_corners=False)
    return moved.reshape(const.shape)
