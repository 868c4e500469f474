"""Low-pass filters: preparing given taps, and designing new ones."""

import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Floats = NDArray[np.float32]

# From this many taps on, two one-dimensional passes are cheaper than one two-dimensional pass.
SEPARABLE_FROM_TAPS = 8


def setup_filter(
    f: Tensor | Sequence[float] | Sequence[Sequence[float]] | float | None,
    *,
    normalize: bool = True,
    flip_filter: bool = False,
    gain: float = 1.0,
    separable: bool | None = None,
    device: torch.device | str | None = None,
) -> Tensor:
    """Prepare a filter for the resampling operations.

    Args:
        f: Taps: ``[K]``, ``[KH, KW]``, a single number, or None for the identity.
        normalize: Divide by the sum, so that a constant stays as it is.
        flip_filter: Reverse the taps along every axis.
        gain: Overall factor on the amplitude of a picture; a separable filter carries its square root.
        separable: Keep one-dimensional taps as ``[K]``. Decided by length when None: from 8 taps.
        device: Where the result lives.

    Returns:
        float32 ``[K]`` (separable) or ``[KH, KW]``.
    """
    taps = torch.as_tensor(1.0 if f is None else f, dtype=torch.float32, device=device)
    if taps.ndim > 2 or taps.numel() == 0:
        raise ValueError(f"a filter is a number, [K] or [KH, KW]; its shape is {list(taps.shape)}")
    if taps.ndim == 0:
        taps = taps[None]
    if separable is None:
        separable = taps.ndim == 1 and taps.numel() >= SEPARABLE_FROM_TAPS
    if separable and taps.ndim == 2:
        raise ValueError(f"a separable filter is given by one row of taps; its shape is {list(taps.shape)}")
    if taps.ndim == 1 and not separable:
        taps = torch.outer(taps, taps)

    if normalize:
        taps = taps / taps.sum()
    if flip_filter:
        taps = taps.flip(list(range(taps.ndim)))
    return taps * gain ** (taps.ndim / 2)


def lowpass_filter(*, numtaps: int, cutoff: float, width: float, fs: float, radial: bool = False) -> Tensor | None:
    """Design a low-pass filter of unit gain at frequency 0.

    Args:
        numtaps: Number of taps along each axis; 1 asks for no filtering.
        cutoff: Half-amplitude frequency, in the units of ``fs``.
        width: Width of the transition band, in the units of ``fs``.
        fs: Sampling rate.
        radial: Rotationally symmetric (jinc) rather than separable (sinc), both in a Kaiser window.

    Returns:
        float32 ``[numtaps]``, or ``[numtaps, numtaps]`` when radial; None for one tap.

    Source: StyleGAN3 (Karras et al. 2021), appendix C; Kaiser's formula for the window's shape.
    """
    if numtaps < 1:
        raise ValueError(f"numtaps must be at least 1; it is {numtaps}")
    if numtaps == 1:
        return None
    if not 0 < cutoff < fs / 2:
        raise ValueError(f"cutoff must lie between 0 and half of fs; it is {cutoff} and fs is {fs}")
    window = np.kaiser(numtaps, _kaiser_beta(numtaps, width / (fs / 2)))
    position = (np.arange(numtaps) - (numtaps - 1) / 2) / fs

    if radial:
        taps = _jinc(cutoff, np.hypot(*np.meshgrid(position, position))) * np.outer(window, window)
    else:
        taps = np.sinc(2 * cutoff * position) * window
    return torch.from_numpy(taps / taps.sum()).to(torch.float32)


def separate(taps: Floats) -> tuple[Floats, Floats] | None:
    """Column and row whose outer product is ``taps``, or None when there are none to float32 precision.

    Short filters are kept as ``[KH, KW]`` in checkpoints, though nearly all of them come from a single row of taps.
    """
    row, column = np.unravel_index(np.abs(taps).argmax(), taps.shape)
    peak = taps[row, column]
    if peak == 0:
        return None
    v, h = taps[:, column] / peak, taps[row]
    if np.abs(np.outer(v, h) - taps).max() > 4e-7 * abs(peak):
        return None
    return v, h


def _kaiser_beta(numtaps: int, width: float) -> float:
    """Shape of the Kaiser window for a transition of ``width`` (1 is the Nyquist frequency)."""
    attenuation_db = 2.285 * (numtaps - 1) * math.pi * width + 7.95
    if attenuation_db > 50:
        return 0.1102 * (attenuation_db - 8.7)
    if attenuation_db > 21:
        return 0.5842 * (attenuation_db - 21) ** 0.4 + 0.07886 * (attenuation_db - 21)
    return 0.0


def _jinc(cutoff: float, radius: np.ndarray) -> np.ndarray:
    """Impulse response of a disc of radius ``cutoff`` in frequency, up to a constant."""
    # Only an odd number of taps has a sample in the centre, where the quotient tends to the cutoff.
    safe = np.where(radius == 0, 1.0, radius)
    bessel = torch.special.bessel_j1(torch.from_numpy(2 * math.pi * cutoff * safe)).numpy()
    return np.where(radius == 0, cutoff, bessel / (math.pi * safe))
