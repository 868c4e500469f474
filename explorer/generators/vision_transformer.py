"""A plain vision transformer as discriminators look through it: patches, positions, and blocks of attention.

DeiT has a second token beside the class's, for what it learnt from another network; DINO has the class's alone.

Source: An Image is Worth 16x16 Words (Dosovitskiy et al. 2021), section 3.1; DeiT (Touvron et al. 2021), section 4;
DINO (Caron et al. 2021).
"""

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from explorer.errors import CheckpointError
from explorer.generators.config import check_between

__all__ = ["VisionConfig", "VisionTransformer"]

_SPREAD = 0.02


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionConfig:
    """Shape of a `VisionTransformer`; the defaults are DeiT's and DINO's of the size "small".

    Raises:
        CheckpointError: A value is out of range.
    """

    patch: int = 16
    """Side of a patch, in pixels."""
    grid: int = 14
    """Patches along a side, for which there are learnt positions; other sizes take them interpolated."""
    tokens: int = 1
    """Tokens before the patches: the class's, and DeiT's second one."""
    width: int = 384
    """Features of a token."""
    depth: int = 12
    """Blocks."""
    heads: int = 6
    """Parts that attention looks at separately; divides `width`."""
    mlp_width: int = 1536
    """Features between the two layers of a block's second half."""
    epsilon: float = 1e-6
    """Added to a variance before it divides."""

    def __post_init__(self) -> None:
        check_between("patch", self.patch, 1, 64)
        check_between("grid", self.grid, 1, 64)
        check_between("tokens", self.tokens, 0, 8)
        check_between("width", self.width, 1, 1 << 12)
        check_between("depth", self.depth, 1, 64)
        check_between("heads", self.heads, 1, self.width)
        check_between("mlp_width", self.mlp_width, 1, 1 << 14)
        check_between("epsilon", self.epsilon, 0, 1)
        if self.width % self.heads:
            raise CheckpointError(f"a width of {self.width} is not divided by {self.heads} heads")


class VisionTransformer(nn.Module):
    """Pictures to tokens.

    Args:
        config: Shape. Numbers start at random.
    """

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.config = config
        self.patches = nn.Conv2d(3, config.width, config.patch, stride=config.patch)
        self.tokens = nn.Parameter(torch.randn(config.tokens, config.width) * _SPREAD)
        self.positions = nn.Parameter(torch.randn(config.tokens + config.grid**2, config.width) * _SPREAD)
        self.blocks = nn.ModuleList(_Block(config) for _ in range(config.depth))

    def forward(self, images: Tensor, taps: Collection[int]) -> dict[int, Tensor]:
        """Tokens ``[N, tokens + h * w, width]`` by the block that they come from; -1: before the first block.

        Args:
            images: ``[N, 3, H, W]``, colours as the network was trained with; h and w are the patches that fit.
            taps: Which blocks, -1 included.
        """
        x = self.patches(images)
        positions = self._positions(x.shape[2], x.shape[3])
        x = x.flatten(2).transpose(1, 2)
        x = torch.cat([self.tokens.to(x).expand(len(x), -1, -1), x], dim=1) + positions.to(x)
        found = {-1: x} if -1 in taps else {}
        for index, block in enumerate(self.blocks[: max(taps) + 1]):
            x = block(x)
            if index in taps:
                found[index] = x
        return found

    def _positions(self, height: int, width: int) -> Tensor:
        """``[tokens + height * width, width]``; those of the tokens stay as they are."""
        config = self.config
        if height == width == config.grid:
            return self.positions
        first, grid = self.positions[: config.tokens], self.positions[config.tokens :]
        grid = grid.t().reshape(1, config.width, config.grid, config.grid)
        grid = functional.interpolate(grid, size=(height, width), mode="bilinear", align_corners=False)
        return torch.cat([first, grid[0].flatten(1).t()])


class _Block(nn.Module):
    """Attention, then two layers on every token; each adds to what it was given."""

    def __init__(self, config: VisionConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.norm1 = nn.LayerNorm(config.width, eps=config.epsilon)
        self.qkv = nn.Linear(config.width, 3 * config.width)
        self.project = nn.Linear(config.width, config.width)
        self.norm2 = nn.LayerNorm(config.width, eps=config.epsilon)
        self.widen = nn.Linear(config.width, config.mlp_width)
        self.narrow = nn.Linear(config.mlp_width, config.width)

    def forward(self, x: Tensor) -> Tensor:
        """``[N, tokens, width]`` to the same."""
        x = x + self.project(self._attend(self.norm1(x)))
        return x + self.narrow(functional.gelu(self.widen(self.norm2(x))))

    def _attend(self, x: Tensor) -> Tensor:
        count, tokens, width = x.shape
        query, key, value = self.qkv(x).reshape(count, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(query, key, value)
        return seen.transpose(1, 2).reshape(count, tokens, width)
