"""Edits of noise that more than one control makes."""

from dataclasses import replace

from explorer.state import Noise, Output

__all__ = ["factor_of", "with_factor", "with_noise_only"]

_GAIN_DB = 24.0


def factor_of(noise: Noise, layer: str) -> float:
    """What a layer's strength is multiplied by on top of the strength of all."""
    return next((factor for name, factor in noise.layers if name == layer), 1.0)


def with_factor(noise: Noise, layer: str, factor: float) -> Noise:
    """The noise with another factor for one layer; a factor of 1 leaves nothing behind, and order does not matter."""
    others = [part for part in noise.layers if part[0] != layer]
    return replace(noise, layers=tuple(sorted(others if factor == 1 else [*others, (layer, factor)])))


def with_noise_only(output: Output, on: bool) -> Output:
    """The output showing what noise alone adds, amplified unless some contrast was chosen already; or the whole."""
    if on:
        return replace(output, noise_only=True, scale_db=output.scale_db or _GAIN_DB)
    # A picture goes back to its own contrast; that of a layer was chosen for the layer.
    return replace(output, noise_only=False, scale_db=output.scale_db if output.layer else 0.0)
