"""Moving pixels by a matrix without aliasing: what StyleGAN3 is compared with, and how its transform is undone.

Conventions: matrices map where something was to where it goes, in shares of the picture's size, (0, 0) its centre,
x to the right and y down.

Source: StyleGAN3 (Karras et al. 2021), appendix E.3: both the old and the new grid of pixels get a sinc under a
Lanczos window, and the filter is the convolution of the two.
"""

from functools import lru_cache

import torch
from torch import Tensor

from explorer.ops import upsample2d

__all__ = ["LOBES", "affine_filter", "move_pixels"]

LOBES = 3
"""Of the Lanczos windows: half their width, in pixels."""
_REACH = 2 * LOBES
# The filter is found on a plane this many pixels to each side, so that what wraps around is of no account.
_PLANE = 64
_UP = 4

Rows = tuple[tuple[float, float], tuple[float, float]]


def move_pixels(x: Tensor, matrix: Tensor) -> tuple[Tensor, Tensor]:
    """Move a picture by a matrix, and say where the result is to be trusted.

    Args:
        x: ``[N, C, H, W]``.
        matrix: ``[3, 3]``, with an inverse; 1 is the picture's longer side, and (0, 0) its centre.

    Returns:
        The picture, ``[N, C, H, W]``, zero where nothing was; and a mask ``[1, 1, H, W]`` of 0 and 1.
    """
    height, width = x.shape[2:]
    taps = affine_filter(_rows(matrix), up=_UP).to(x.device)
    margin = taps.shape[0] // 2
    larger = upsample2d(x.float(), taps, up=_UP, pad=margin)

    # For each pixel, the place in the enlarged picture where it comes from, in samples.
    back = torch.linalg.inv(matrix.double().to(x.device))
    side = max(height, width)
    axes = [
        (torch.arange(size, device=x.device, dtype=torch.float64) + 0.5 - size / 2) / side for size in (width, height)
    ]
    to_x, to_y = torch.meshgrid(*axes, indexing="xy")
    from_x = back[0, 0] * to_x + back[0, 1] * to_y + back[0, 2]
    from_y = back[1, 0] * to_x + back[1, 1] * to_y + back[1, 2]
    place = torch.stack([from_x * side + width / 2, from_y * side + height / 2], dim=2) * _UP + margin
    ends = torch.tensor([larger.shape[3] - 1, larger.shape[2] - 1], device=x.device)

    grid = (place / ends * 2 - 1).to(larger.dtype).expand(len(x), -1, -1, -1)
    moved = torch.nn.functional.grid_sample(larger, grid, mode="bilinear", padding_mode="zeros", align_corners=True)
    nearest, edge = place.round(), 2 * margin + 1
    mask = ((nearest >= edge) & (nearest <= ends - edge)).all(dim=2)
    return moved, mask[None, None].to(larger.dtype)


@lru_cache(maxsize=8)
def affine_filter(matrix: Rows, *, up: int) -> Tensor:
    """The filter that fits both grids of pixels, ``[n, n]`` with ``n = 2 * 6 * up - 1``, each phase's sum ``1 / up^2``.

    Args:
        matrix: Rows of the matrix without its shift.
        up: Samples to a pixel.
    """
    # The centre comes first, as a Fourier transform has it.
    axis = torch.fft.ifftshift(torch.arange(1 - _PLANE * up, _PLANE * up, dtype=torch.float64) / up)
    y, x = torch.meshgrid(axis, axis, indexing="ij")
    (xx, xy), (yx, yy) = matrix
    moved_x, moved_y = xx * x + xy * y, yx * x + yy * y

    ideal = _convolved(torch.sinc(x) * torch.sinc(y), torch.sinc(moved_x) * torch.sinc(moved_y))
    window = _convolved(_lanczos(x) * _lanczos(y), _lanczos(moved_x) * _lanczos(moved_y))
    taps = torch.fft.fftshift(ideal * window)

    # Each phase is the filter of one of the new samples between two old ones, and must keep brightness.
    cut = (_PLANE - _REACH) * up
    phases = torch.nn.functional.pad(taps[cut:-cut, cut:-cut], [0, 1, 0, 1]).reshape(2 * _REACH, up, 2 * _REACH, up)
    phases = phases / phases.sum(dim=(0, 2), keepdim=True) / up**2
    return phases.reshape(2 * _REACH * up, 2 * _REACH * up)[:-1, :-1].float().contiguous()


def _convolved(a: Tensor, b: Tensor) -> Tensor:
    return torch.fft.ifft2(torch.fft.fft2(a) * torch.fft.fft2(b)).real


def _lanczos(x: Tensor) -> Tensor:
    return torch.where(x.abs() < LOBES, torch.sinc(x / LOBES), 0)


def _rows(matrix: Tensor) -> Rows:
    (xx, xy), (yx, yy) = matrix[:2, :2].tolist()
    return (xx, xy), (yx, yy)
