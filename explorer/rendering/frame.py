"""What a renderer gives back: plain numbers, no framework."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from explorer.served import Served
from explorer.state import EditState

__all__ = ["ChannelStats", "Frame", "Timings"]


@dataclass(frozen=True, slots=True)
class Timings:
    """When a frame was asked for and made, in seconds of `time.perf_counter`."""

    requested_s: float
    """When the state was handed in: what the latency from a hand to the pixels is counted from."""
    started_s: float
    """When work on it began."""
    finished_s: float
    """When the pixels were ready."""
    stages: tuple[tuple[str, float], ...] = ()
    """How long each stage took, in seconds, in order."""
    layers_run: int = 0
    """Layers of the synthesis that were computed; the others came from the cache."""
    kernels: tuple[Served, ...] = ()
    """Which paths served, most used first; empty where nothing was computed."""
    kept_bytes: int = 0
    """Memory of everything that the renderer keeps to make the next picture sooner."""


@dataclass(frozen=True, slots=True)
class ChannelStats:
    """Numbers about a layer's activations, before contrast."""

    mean: float
    """Of all channels."""
    mean_shown: float
    """Of the channels shown."""
    std: float
    """Standard deviation of all channels."""
    std_shown: float
    """Standard deviation of the channels shown."""
    max_abs: float
    """Largest magnitude in all channels."""
    max_abs_shown: float
    """Largest magnitude in the channels shown."""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A picture and what it shows."""

    pixels: npt.NDArray[np.uint8]
    """``[H, W, C]``, read-only; C is 1, 3 or 4. The model's size and channels, unless the state's output says else."""
    state: EditState
    """The state that was asked for, as it was given."""
    timings: Timings
    """When it was made."""
    dropped: tuple[str, ...] = ()
    """What the model could not do and was left out, and what was assumed, in words."""
    preview: bool = False
    """An early, coarse picture; the full one follows."""
    request: int = field(default=0)
    """The session's number for the request; 0 outside a session."""
    stats: ChannelStats | None = None
    """Of the layer that is looked into; ``None`` when the state's output is the plain picture."""
