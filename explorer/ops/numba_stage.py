"""Half of the compiled work, an up- or a down-sampling: its filter, prepared, and the transpose of it."""

from dataclasses import dataclass, replace

import numpy as np
from torch import Tensor

from explorer.ops.filter_design import Floats, separate
from explorer.ops.geometry import Axis
from explorer.ops.numba_layout import StageShape


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage's shape and taps in correlation order, gain included."""

    shape: StageShape
    taps: Floats
    """Vertical then horizontal taps one after another, or a full filter row by row."""

    def transposed(self) -> "Stage":
        """The stage whose matrix is the transpose of this one's: what a gradient passes through."""
        x, y = transpose_axis(self.shape.x), transpose_axis(self.shape.y)
        if self.shape.full:
            return Stage(replace(self.shape, x=x, y=y), np.ascontiguousarray(self.taps[::-1]))
        v, h = self.taps[: y.taps], self.taps[y.taps :]
        return Stage(replace(self.shape, x=x, y=y), np.concatenate([v[::-1], h[::-1]]))


def make_stage(f: Tensor | None, axes: tuple[Axis, Axis], *, flip_filter: bool, gain: float) -> Stage:
    """Prepare a filter for the compiled loops."""
    x, y = axes
    if f is None:
        plain = gain == 1 and all(a.up == a.down == 1 and a.before == a.after == 0 for a in axes)
        return Stage(StageShape(x, y, full=False, plain=plain), np.array([gain, 1], np.float32))
    taps = f.detach().cpu().numpy().astype(np.float32)
    if not flip_filter:
        taps = taps[::-1] if taps.ndim == 1 else taps[::-1, ::-1]
    pair = (taps, taps) if taps.ndim == 1 else separate(taps)
    if pair is not None:
        shape = StageShape(x, y, full=False, plain=False)
        return Stage(shape, np.concatenate([np.float32(gain) * pair[0], pair[1]]))
    mirrored = bool(np.array_equal(taps, taps[::-1]))
    shape = StageShape(x, y, full=True, plain=False, mirrored=mirrored)
    return Stage(shape, np.float32(gain) * np.ascontiguousarray(taps).reshape(-1))


def transpose_axis(axis: Axis) -> Axis:
    """The axis along which the gradient of a resampling is a resampling itself."""
    before = axis.taps - 1 - axis.before
    after = (axis.size - 1) * axis.up + axis.taps - axis.out * axis.down - before
    return Axis(axis.out, axis.taps, axis.down, axis.up, before, after)


def resampling_stages(
    f: Tensor | None, axes: tuple[Axis, Axis], *, flip_filter: bool, gain: float
) -> tuple[Stage, Stage]:
    """Split a single resampling in two stages, with the filter where it meets the fewest samples."""
    if all(axis.up == 1 for axis in axes):
        before = tuple(Axis(axis.size, 1, 1, 1, 0, 0) for axis in axes)
        return (
            make_stage(None, (before[0], before[1]), flip_filter=False, gain=1.0),
            make_stage(f, axes, flip_filter=flip_filter, gain=gain),
        )
    first = tuple(replace(axis, down=1) for axis in axes)
    last = tuple(Axis(before.out, 1, 1, axis.down, 0, 0) for before, axis in zip(first, axes, strict=True))
    return (
        make_stage(f, (first[0], first[1]), flip_filter=flip_filter, gain=gain),
        make_stage(None, (last[0], last[1]), flip_filter=False, gain=1.0),
    )
