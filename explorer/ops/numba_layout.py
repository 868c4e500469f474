"""How a resampling becomes sums of shifted runs for `explorer.ops.numba_kernels`. Numpy only: no numba needed.

Between an up-sampling by ``u`` and a down-sampling by ``d``, samples are kept as ``L = lcm(u, d)`` classes along each
axis: class ``r`` holds the samples ``r, r + L, r + 2 L ...``. Then every tap of either filter reads one class, at a
fixed shift. What comes in is dealt out to ``L / u`` classes and what goes out comes as ``L / d`` of them, so all of
them have about the same number of samples a row. All rows get the same stride: so a whole block of rows is filtered
by one sum over one long run (what it computes across the ends of rows is never read).

The second filter may read beyond the plane between, as padding: only where a filter of one tap comes first, or in a
gradient, whose first filter reaches exactly as far as that plane. Both leave zeros there by themselves.

A block is ``rows`` groups of output rows, wide as the plane; its buffers lie one after another in one arena.
"""

import math
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from explorer.ops.geometry import Axis

Ints = NDArray[np.int64]

# Scratch that a block may take, in samples: what fits the second cache level of common processors.
ARENA_SAMPLES = 1 << 16
# Numbers of the taps in the table of coefficients: this one is the factor 1.
ONE = -1


@dataclass(frozen=True, slots=True)
class StageShape:
    """What the layout has to know of a stage: its axes and whether its filter is full (``[KH, KW]``)."""

    x: Axis
    y: Axis
    full: bool
    plain: bool
    """Leaves everything as it is: one tap of 1, no factor, no padding."""
    mirrored: bool = False
    """A full filter that is its own mirror image from top to bottom."""


@dataclass(frozen=True, slots=True)
class _Line:
    """Both stages along one axis: for each class that is written, which class and shift every tap reads."""

    classes: int
    in_classes: int
    out_classes: int
    up_taps: list[list[tuple[int, int, int]]]
    """For each class between: ``(tap, class, shift)``, shifts from 0."""
    down_taps: list[list[tuple[int, int, int]]]
    up_span: int
    down_span: int
    in_low: int
    """First group of samples that group 0 of the output needs."""
    mid_low: int
    out_groups: int

    @classmethod
    def between(cls, up: Axis, down: Axis, mid: tuple[int, int] | None = None) -> "_Line":
        """Lay out ``up`` followed by ``down``; ``mid`` fixes the first group and the span between them instead."""
        classes = math.lcm(up.up, down.down)
        up_hits = [
            [(a, (r + a - up.before) // up.up) for a in range(up.taps) if (r + a - up.before) % up.up == 0]
            for r in range(classes)
        ]
        out_classes = classes // down.down
        down_hits = [[(a, r * down.down + a - down.before) for a in range(down.taps)] for r in range(out_classes)]
        up_taps, up_low, up_span = _shifts(up_hits, classes // up.up)
        down_taps, mid_low, down_span = _shifts(down_hits, classes)
        if mid is not None:
            mid_low, down_span = mid
        return cls(
            classes, classes // up.up, out_classes, up_taps, down_taps, up_span, down_span,
            mid_low + up_low, mid_low, -(-down.out // out_classes),
        )  # fmt: skip


def _shifts(hits: list[list[tuple[int, int]]], classes: int) -> tuple[list[list[tuple[int, int, int]]], int, int]:
    """Split positions into class and shift; the lowest shift becomes 0 and is returned with the span."""
    shifts = [position // classes for row in hits for _, position in row] or [0]
    low = min(shifts)
    rows = [[(tap, position % classes, position // classes - low) for tap, position in row] for row in hits]
    return rows, low, max(shifts) - low


@dataclass(slots=True)
class _Jobs:
    """Sums under construction: taps are numbered, so that one plan serves every filter of a size."""

    table: list[tuple[int, int, int, int, int]] = field(default_factory=list)
    start: list[int] = field(default_factory=list)
    tap: list[int] = field(default_factory=list)

    def add(self, at: int, n: int, reads: list[tuple[int, int]], *, offset: int, onto: bool = False) -> None:
        """Write the sum of ``(start, tap)`` over ``n`` samples; ``offset`` is the last tap's number plus one so far."""
        first = offset + len(self.tap)
        # A class that no tap reaches is all zeros: times 0, from anywhere.
        for start, tap in reads or [(at, ONE - 1)]:
            self.start.append(start)
            self.tap.append(tap)
        self.table.append((at, n, first, offset + len(self.tap), int(onto)))


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything `numba_kernels.fused` is told about shapes, in its argument's terms."""

    blocks: int
    block_rows: int
    arena_size: int
    between: tuple[int, int]
    pre_at: int
    in_grid: tuple[int, ...]
    gate_grid: tuple[int, ...]
    out_grid: tuple[int, ...]
    up_jobs: Ints
    gate_jobs: Ints
    down_jobs: Ints
    start: Ints
    tap: Ints
    """Numbers into up, gate and down taps one after another, then 0, then 1."""


def tap_count(stage: StageShape) -> int:
    """Entries of a stage in the table of taps: vertical then horizontal ones, or all of a full filter."""
    return stage.x.taps * stage.y.taps if stage.full else stage.x.taps + stage.y.taps


@lru_cache(maxsize=256)
def make_plan(up: StageShape, down: StageShape, gate: StageShape | None, min_blocks: int) -> Plan:
    """Lay out ``up`` then ``down``, with ``gate`` up-sampled beside it; planes are cut in ``min_blocks`` or more."""
    x, y = _Line.between(up.x, down.x), _Line.between(up.y, down.y)
    lines = [(x, y, up)]
    if gate is not None:
        other_x = _Line.between(gate.x, Axis(gate.x.out, 1, 1, up.x.up, 0, 0), (x.mid_low, x.down_span))
        other_y = _Line.between(gate.y, Axis(gate.y.out, 1, 1, up.y.up, 0, 0), (y.mid_low, y.down_span))
        lines.append((other_x, other_y, gate))
    mid_width = x.out_groups + x.down_span
    stride = max(mid_width + line.up_span for line, _, _ in lines)
    rows = _block_rows(x, y, stride, min_blocks, gated=gate is not None)
    mid_rows = rows + y.down_span

    mid_at, mid_size = 0, y.classes * x.classes * mid_rows * stride
    pre_at = end = mid_size + stride
    if gate is not None:
        end += mid_size + stride
    scratch = _Scratch(end, stride, rows, mid_rows)
    taps = 0
    halves = []
    tables: list[_Jobs] = []
    number = 0
    for (line_x, line_y, stage), to in zip(lines, (mid_at, pre_at), strict=False):
        jobs = _Jobs()
        grid = _up_half(jobs, scratch, line_x, line_y, stage, to=to, base=number, offset=taps)
        halves.append((grid, jobs))
        tables.append(jobs)
        taps += len(jobs.tap)
        number += tap_count(stage)
    down_jobs = _Jobs()
    out_at, out_block_rows = _down_half(down_jobs, scratch, x, y, down, source=mid_at, base=number, offset=taps)
    tables.append(down_jobs)
    total = number + tap_count(down)

    # Numbers below 0 stand for the constants at the table's end: -1 is 1, -2 is 0.
    tap = np.array([t for jobs in tables for t in jobs.tap], np.int64)
    tap = np.where(tap == ONE, total + 1, np.where(tap == ONE - 1, total, tap))
    groups = y.out_groups
    return Plan(
        blocks=-(-groups // rows),
        block_rows=rows,
        arena_size=scratch.end + stride,
        between=(mid_at, mid_size),
        pre_at=pre_at if gate is not None else mid_at,
        in_grid=halves[0][0],
        gate_grid=halves[-1][0],
        out_grid=(out_at, y.out_classes, x.out_classes, rows, out_block_rows, stride, down.y.out, down.x.out),
        up_jobs=_table(halves[0][1]),
        gate_jobs=_table(halves[-1][1]),
        down_jobs=_table(down_jobs),
        start=np.array([s for jobs in tables for s in jobs.start] or [0], np.int64),
        tap=tap,
    )


def _table(jobs: _Jobs) -> Ints:
    return np.array(jobs.table, np.int64).reshape(-1, 5)


def _block_rows(x: _Line, y: _Line, stride: int, min_blocks: int, *, gated: bool) -> int:
    """Groups of rows in a block: as many as fit the arena, in blocks of about equal height."""
    per_group = stride * (
        y.in_classes * x.in_classes
        + y.classes * (x.in_classes + x.classes * (2 if gated else 1) + x.out_classes)
        + y.out_classes * x.out_classes
    )
    # The rows that neighbouring blocks both compute should stay few beside the block's own.
    most = max(ARENA_SAMPLES // per_group - y.down_span, 2 * y.down_span, 4)
    blocks = max(-(-y.out_groups // most), min(min_blocks, y.out_groups // max(8, 4 * y.down_span) or 1))
    return -(-y.out_groups // blocks)


@dataclass(slots=True)
class _Scratch:
    """The arena as it fills up."""

    end: int
    stride: int
    rows: int
    mid_rows: int

    def take(self, classes: int, rows: int) -> int:
        """Reserve ``classes`` buffers of ``rows`` rows; a run may start late in a row, hence the row to spare."""
        at = self.end
        self.end += (classes * rows + 1) * self.stride
        return at


def _up_half(
    jobs: _Jobs, scratch: _Scratch, x: _Line, y: _Line, stage: StageShape, *, to: int, base: int, offset: int
) -> tuple[int, ...]:
    """Jobs from a staged block to the samples between the filters at ``to``; the grid to stage it by."""
    stride, mid_rows = scratch.stride, scratch.mid_rows
    in_rows = mid_rows + y.up_span
    if stage.plain:
        at, in_rows = to, mid_rows
    else:
        at = scratch.take(y.in_classes * x.in_classes, in_rows)
    grid = (at, y.in_classes, x.in_classes, in_rows, stride, y.in_low, x.in_low, stage.y.size, stage.x.size)
    if stage.plain:
        return grid

    n = mid_rows * stride

    def staged(cy: int, cx: int, down: int, right: int) -> int:
        return at + ((cy * x.in_classes + cx) * in_rows + down) * stride + right

    if stage.full:
        for ry, column in enumerate(y.up_taps):
            for rx, row in enumerate(x.up_taps):
                reads = [
                    (staged(cy, cx, down, right), base + a * stage.x.taps + b)
                    for a, cy, down in column
                    for b, cx, right in row
                ]
                jobs.add(to + (ry * x.classes + rx) * n, n, reads, offset=offset)
        return grid

    middle = scratch.take(y.classes * x.in_classes, mid_rows)
    for ry, column in enumerate(y.up_taps):
        for cx in range(x.in_classes):
            reads = [(staged(cy, cx, down, 0), base + a) for a, cy, down in column]
            jobs.add(middle + (ry * x.in_classes + cx) * n, n, reads, offset=offset)
    for ry in range(y.classes):
        for rx, row in enumerate(x.up_taps):
            reads = [(middle + (ry * x.in_classes + cx) * n + right, base + stage.y.taps + b) for b, cx, right in row]
            jobs.add(to + (ry * x.classes + rx) * n, n, reads, offset=offset)
    return grid


def _down_half(
    jobs: _Jobs, scratch: _Scratch, x: _Line, y: _Line, stage: StageShape, *, source: int, base: int, offset: int
) -> tuple[int, int]:
    """Jobs from the samples between the filters at ``source`` to the result; where that is, and its block's rows."""
    if stage.plain:
        return source, scratch.mid_rows
    out = scratch.take(y.out_classes * x.out_classes, scratch.rows)
    if stage.full:
        _full_down(jobs, scratch, x, y, stage, source=source, out=out, base=base, offset=offset)
        return out, scratch.rows

    n_mid, n_out = scratch.mid_rows * scratch.stride, scratch.rows * scratch.stride
    middle = scratch.take(y.classes * x.out_classes, scratch.mid_rows)
    for ry in range(y.classes):
        for ox, row in enumerate(x.down_taps):
            reads = [(source + (ry * x.classes + rx) * n_mid + right, base + stage.y.taps + b) for b, rx, right in row]
            jobs.add(middle + (ry * x.out_classes + ox) * n_mid, n_mid, reads, offset=offset)
    for oy, column in enumerate(y.down_taps):
        for ox in range(x.out_classes):
            reads = [
                (middle + (ry * x.out_classes + ox) * n_mid + down * scratch.stride, base + a) for a, ry, down in column
            ]
            jobs.add(out + (oy * x.out_classes + ox) * n_out, n_out, reads, offset=offset)
    return out, scratch.rows


def _full_down(
    jobs: _Jobs,
    scratch: _Scratch,
    x: _Line,
    y: _Line,
    stage: StageShape,
    *,
    source: int,
    out: int,
    base: int,
    offset: int,
) -> None:
    """A full filter; where its upper half mirrors the lower one, rows are added in pairs before they are filtered."""
    stride, n_mid, n_out = scratch.stride, scratch.mid_rows * scratch.stride, scratch.rows * scratch.stride

    def sample(ry: int, rx: int, down: int) -> int:
        return source + (ry * x.classes + rx) * n_mid + down * stride

    pairs = scratch.take(x.classes, scratch.rows) if stage.mirrored else 0
    for oy, column in enumerate(y.down_taps):
        to = [out + (oy * x.out_classes + ox) * n_out for ox in range(x.out_classes)]
        if not stage.mirrored:
            for ox, row in enumerate(x.down_taps):
                reads = [
                    (sample(ry, rx, down) + right, base + a * stage.x.taps + b)
                    for a, ry, down in column
                    for b, rx, right in row
                ]
                jobs.add(to[ox], n_out, reads, offset=offset)
            continue
        for a, ry, down in column[: (len(column) + 1) // 2]:
            _, mirror_ry, mirror_down = column[len(column) - 1 - a]
            paired = a != len(column) - 1 - a
            for rx in range(x.classes):
                reads = [(sample(ry, rx, down), ONE)]
                if paired:
                    reads.append((sample(mirror_ry, rx, mirror_down), ONE))
                # The spare row too: shifted reads run into it.
                jobs.add(pairs + rx * n_out, n_out, reads, offset=offset)
            for ox, row in enumerate(x.down_taps):
                reads = [(pairs + rx * n_out + right, base + a * stage.x.taps + b) for b, rx, right in row]
                jobs.add(to[ox], n_out, reads, offset=offset, onto=a > 0)
