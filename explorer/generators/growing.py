"""Networks that grow while they learn: blending the pictures of two sizes by the level of detail.

Convention: the level of detail is 0 when a network is fully grown, and n when its last n doublings are not there yet.
A picture keeps its full size all the while; fractions blend two neighbouring sizes.

Source: ProGAN (Karras et al. 2018), section 2.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["downsample_box", "grow_picture", "upsample_nearest"]


def grow_picture(before: Tensor | None, render: Callable[[], Tensor], *, lod: float, level: int) -> Tensor | None:
    """The picture after one block.

    Args:
        before: The picture after the block below, ``[N, C, h, w]``; ``None`` when nothing needs it.
        render: Gives this block's own colours, ``[N, C, 2h, 2w]``.
        lod: The network's level of detail.
        level: Of this block: 0 for the last.

    Returns:
        ``None`` when no later block needs this one's picture.
    """
    if lod <= level - 1:
        return None
    share = min(max(lod - level, 0.0), 1.0)
    if share == 0 or before is None:
        return render()
    larger = upsample_nearest(before)
    return larger if share == 1 else torch.lerp(render(), larger, share)


def upsample_nearest(x: Tensor) -> Tensor:
    """Every pixel four times: ``[N, C, h, w]`` to ``[N, C, 2h, 2w]``."""
    return x.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)


def downsample_box(x: Tensor) -> Tensor:
    """The mean of every four pixels: ``[N, C, 2h, 2w]`` to ``[N, C, h, w]``."""
    return F.avg_pool2d(x, 2)
