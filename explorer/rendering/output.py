"""The output stage: from a synthesised picture, or a layer's activations, to pixels."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from explorer.rendering.affine import move_pixels
from explorer.rendering.frame import ChannelStats
from explorer.state import Output, Spectrum

__all__ = ["Shown", "enlarge", "pixels_of", "show", "shrink", "spectrum_of"]

PICTURE = (None, "output")
"""What `Output.layer` says for the picture itself."""
_LAYER_CHANNELS = 3


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """What the output stage gives."""

    pixels: npt.NDArray[np.uint8]
    """``[H, W, C]``, read-only; with a spectrum twice as wide."""
    stats: ChannelStats | None
    """Of what is looked into; ``None`` for the plain picture."""


def show(image: Tensor, output: Output, *, matrix: Tensor | None) -> Shown:
    """Turn a picture or activations into pixels, as the published viewer does.

    Args:
        image: ``[1, C, H, W]``; a picture lies about -1 to 1.
        output: Which channels, how bright, with which spectrum.
        matrix: The user's matrix ``[3, 3]`` that moved it; ``None`` for the identity.
    """
    if output == Output():
        return Shown(pixels_of(image), None)
    if output.untransform and matrix is not None:
        image, _ = move_pixels(image, torch.linalg.inv(matrix.double()))
        image = image.nan_to_num()
    everything = image[0].float()
    chosen = everything[_channels(output, len(everything))]
    stats = ChannelStats(*(float(value) for value in _statistics(everything, chosen)))

    levels = chosen
    if output.normalize:
        levels = levels / levels.abs().amax(dim=(1, 2), keepdim=True).clamp(1e-8, 1e8)
    pixels = pixels_of(levels[None] * 10 ** (output.scale_db / 20))
    if output.spectrum is not None:
        source = everything if output.spectrum.all_channels else chosen
        pixels = _beside(pixels, spectrum_of(source, output.spectrum))
    pixels.setflags(write=False)
    return Shown(pixels, stats)


def pixels_of(image: Tensor) -> npt.NDArray[np.uint8]:
    """``[1, C, H, W]``, -1 to 1, to ``[H, W, C]``, 0 to 255, cut off (not rounded) as the published viewer does."""
    levels = (image[0].float() * 127.5 + 128).clamp(0, 255).to(torch.uint8)
    pixels = levels.permute(1, 2, 0).contiguous().cpu().numpy()
    pixels.setflags(write=False)
    return pixels


def spectrum_of(channels: Tensor, spectrum: Spectrum) -> Tensor:
    """The power over both frequencies, ``[C, H, W]`` to ``[H, W]`` with frequency zero in the middle.

    0.5 is the mean power, 0 and 1 lie ``range_db`` below and above it; a bare zero gives minus infinity.
    """
    centred = channels - channels.mean(dim=(1, 2), keepdim=True)
    height, width = channels.shape[1:]
    # In double precision: the window falls so far at the edges that a rounded one would leak into the dark.
    rows, columns = (
        torch.kaiser_window(size, periodic=False, beta=spectrum.beta, dtype=torch.float64, device=channels.device)
        for size in (height, width)
    )
    waves = torch.fft.fft2(centred.double() * rows[:, None] * columns)
    power = torch.fft.fftshift(waves.abs().square().sum(dim=0))
    decibels = 10 * (power / power.mean()).log10()
    return ((decibels / spectrum.range_db + 1) / 2).float()


def enlarge(image: Tensor, size: tuple[int, int]) -> Tensor:
    """A coarse picture ``[1, C, h, w]`` at the full size ``(height, width)``."""
    return torch.nn.functional.interpolate(image.float(), size=size, mode="bilinear", align_corners=False)


def shrink(image: Tensor, size: tuple[int, int]) -> Tensor:
    """A picture ``[1, C, H, W]`` at a smaller size ``(height, width)``, each new pixel the mean of old ones."""
    return torch.nn.functional.interpolate(image.float(), size=size, mode="area")


def _channels(output: Output, available: int) -> slice:
    wanted = output.sel_channels
    if wanted is None:
        wanted = available if output.layer in PICTURE and available <= 4 else _LAYER_CHANNELS
    count = wanted if wanted <= available else 1
    first = min(output.base_channel, available - count)
    return slice(first, first + count)


def _statistics(everything: Tensor, chosen: Tensor) -> list[Tensor]:
    both = (everything, chosen)
    # A single number has no deviation; that is 0 here, not an error.
    deviations = [part.std() if part.numel() > 1 else part.new_zeros([]) for part in both]
    return [*(part.mean() for part in both), *deviations, *(part.abs().max() for part in both)]


def _beside(pixels: npt.NDArray[np.uint8], spectrum: Tensor) -> npt.NDArray[np.uint8]:
    grey = (spectrum.nan_to_num(nan=0.0, neginf=0.0, posinf=1.0) * 255).clamp(0, 255).to(torch.uint8).cpu().numpy()
    height, width, count = pixels.shape
    colours = np.broadcast_to(grey[:, :, None], (height, width, 3))
    if count == 4:
        colours = np.concatenate([colours, np.full((height, width, 1), 255, np.uint8)], axis=2)
    return np.concatenate([np.broadcast_to(pixels, colours.shape), colours], axis=1)
