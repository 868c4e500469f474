"""Compiled loops of resampling with an activation between, for many pictures at once.

As many pictures as a vector has lanes are worked on together: sample by sample they lie next to one another, so every
tap of every filter, whatever the factors, is one multiplication of whole vectors at an aligned place. Pictures come in
and go out as planes, and are turned on the way, or with channels next to one another, which is that order already.

A picture is worked through in tiles; the samples between the filters are made a row at a time, just before the second
filter reads them, and stay in the cache. Importing this module imports numba: only `explorer.ops.numba_filter` does.
"""

import numpy as np
from numba import njit

from explorer.ops.numba_kernels import _OPTIONS
from explorer.ops.numba_lanes import (
    LANES,
    ahead,
    fma,
    load,
    number,
    place_of,
    plus,
    put,
    splat,
    store,
    times,
    turn,
    where_above,
)  # fmt: skip

# Sums that are kept in registers at once; rows are computed in as many, so some lie behind their end.
GROUP = 8


def _sums(fixed):
    """`fir` for places of one step: with a number, LLVM writes it into the instructions."""

    @njit(**_OPTIONS)
    def sums(
        to, inc, to_line, at, step, at_line, lines, rows, row_step, taps, tap_step, coef, coef_row, coef_step, count
    ):  # fmt: skip
        jump = (fixed if fixed else step) * LANES
        inc, row_step, tap_step = inc * LANES, row_step * LANES, tap_step * LANES
        zero = splat(np.float32(0))
        for line in range(lines):
            source, into = ahead(at, line * at_line * LANES), ahead(to, line * to_line * LANES)
            done = 0
            while done < count:
                x0, x1, x2, x3 = zero, zero, zero, zero
                if count - done > 4:
                    x4, x5, x6, x7 = zero, zero, zero, zero
                    for a in range(rows):
                        s, c = ahead(source, a * row_step), ahead(coef, a * coef_row)
                        for _ in range(taps):
                            w = splat(number(c, 0))
                            x0 = fma(w, load(s, 0), x0)
                            x1 = fma(w, load(s, jump), x1)
                            x2 = fma(w, load(s, 2 * jump), x2)
                            x3 = fma(w, load(s, 3 * jump), x3)
                            x4 = fma(w, load(s, 4 * jump), x4)
                            x5 = fma(w, load(s, 5 * jump), x5)
                            x6 = fma(w, load(s, 6 * jump), x6)
                            x7 = fma(w, load(s, 7 * jump), x7)
                            s, c = ahead(s, tap_step), ahead(c, coef_step)
                    store(into, 4 * inc, x4)
                    store(into, 5 * inc, x5)
                    store(into, 6 * inc, x6)
                    store(into, 7 * inc, x7)
                else:
                    for a in range(rows):
                        s, c = ahead(source, a * row_step), ahead(coef, a * coef_row)
                        for _ in range(taps):
                            w = splat(number(c, 0))
                            x0 = fma(w, load(s, 0), x0)
                            x1 = fma(w, load(s, jump), x1)
                            x2 = fma(w, load(s, 2 * jump), x2)
                            x3 = fma(w, load(s, 3 * jump), x3)
                            s, c = ahead(s, tap_step), ahead(c, coef_step)
                store(into, 0, x0)
                store(into, inc, x1)
                store(into, 2 * inc, x2)
                store(into, 3 * inc, x3)
                many = 8 if count - done > 4 else 4
                source, into = ahead(source, many * jump), ahead(into, many * inc)
                done += many

    return sums


_by_one, _by_two, _by_any = _sums(1), _sums(2), _sums(0)


@njit(**_OPTIONS)
def fir(
    arena, to, inc, to_line, at, step, at_line, lines, rows, row_step, taps, tap_step, coef, coef_row, coef_step, count
):  # fmt: skip
    """Weighted sums of vectors, ``count`` of them in every line and up to ``GROUP - 1`` more.

    Number ``i`` of line ``l`` is the sum over ``a < rows`` and ``k < taps`` of ``coef[a * coef_row + k * coef_step]``
    times ``arena[at + l * at_line + i * step + a * row_step + k * tap_step]``, and goes to
    ``arena[to + l * to_line + i * inc]``. Places in the arena are counted in vectors.
    """
    into, source = ahead(arena, to * LANES), ahead(arena, at * LANES)
    if step == 1:
        _by_one(
            into, inc, to_line, source, 1, at_line, lines, rows, row_step, taps, tap_step, coef, coef_row, coef_step,
            count,
        )  # fmt: skip
    elif step == 2:
        _by_two(
            into, inc, to_line, source, 2, at_line, lines, rows, row_step, taps, tap_step, coef, coef_row, coef_step,
            count,
        )  # fmt: skip
    else:
        _by_any(
            into, inc, to_line, source, step, at_line, lines, rows, row_step, taps, tap_step, coef, coef_row, coef_step,
            count,
        )  # fmt: skip


@njit(**_OPTIONS)
def tile_in(
    arena, to, stride, square, src, group, lane_step, row_step, col_step, many, bias, top, rows, left, cols, h, w
):
    """Copy a tile of ``many`` pictures to vectors, plus ``bias``; zeros outside of the picture."""
    first, last = min(max(0, -left), cols), max(0, min(cols, w - left))
    zero = splat(np.float32(0))
    added = load(bias, 0)
    for r in range(rows):
        y, line = top + r, to + r * stride
        if y < 0 or y >= h or last <= first:
            for i in range(cols):
                store(arena, (line + i) * LANES, zero)
            continue
        for i in range(first):
            store(arena, (line + i) * LANES, zero)
        for i in range(last, cols):
            store(arena, (line + i) * LANES, zero)
        source = group + y * row_step + left * col_step
        if lane_step == 1:
            if many == LANES:
                for i in range(first, last):
                    store(arena, (line + i) * LANES, plus(load(src, source + i * col_step), added))
            else:
                for i in range(first, last):
                    into = (line + i) * LANES
                    store(arena, into, zero)
                    for lane in range(many):
                        put(arena, into + lane, number(src, source + i * col_step + lane) + number(bias, lane))
            continue
        i = first
        if many == LANES:
            while i + LANES <= last:
                turn(src, source + i, lane_step, arena, (line + i) * LANES, LANES)
                for k in range(i, i + LANES):
                    store(arena, (line + k) * LANES, plus(load(arena, (line + k) * LANES), added))
                i += LANES
            if i < last and last - first >= LANES:
                # The last ones again, together with some before.
                back = last - LANES
                turn(src, source + back, lane_step, arena, square * LANES, LANES)
                for k in range(i, last):
                    store(arena, (line + k) * LANES, plus(load(arena, (square + k - back) * LANES), added))
                i = last
        while i < last:
            into = (line + i) * LANES
            store(arena, into, zero)
            for lane in range(many):
                put(arena, into + lane, number(src, source + lane * lane_step + i) + number(bias, lane))
            i += 1


@njit(**_OPTIONS)
def line_out(arena, at, dst, place, lane_step, col_step, many, cols):
    """Copy a row of ``cols`` vectors to the rows of ``many`` pictures, the first of which begins at ``place``."""
    if lane_step == 1:
        if many == LANES:
            for i in range(cols):
                store(dst, place + i * col_step, load(arena, (at + i) * LANES))
        else:
            for i in range(cols):
                for lane in range(many):
                    put(dst, place + i * col_step + lane, number(arena, (at + i) * LANES + lane))
        return
    i = 0
    if many == LANES:
        while i + LANES <= cols:
            turn(arena, (at + i) * LANES, LANES, dst, place + i, lane_step)
            i += LANES
        if i < cols and cols >= LANES:
            turn(arena, (at + cols - LANES) * LANES, LANES, dst, place + cols - LANES, lane_step)
            return
    for k in range(i, cols):
        for lane in range(many):
            put(dst, place + lane * lane_step + k, number(arena, (at + k) * LANES + lane))


@njit(**_OPTIONS)
def _phase(m, axis):
    """The taps that meet sample ``m`` between the filters: the first, their number, and the sample under it."""
    up, before, taps = axis[1], axis[2], axis[3]
    first = (before - m) % up
    return first, max(0, (taps - first + up - 1) // up), (m + first - before) // up


@njit(**_OPTIONS)
def widen(arena, wide, staged, coef, first, axis, m0, cols, i0, rows, stride):
    """The first filter along x: ``rows`` rows of ``cols`` samples from number ``m0`` on."""
    up = axis[1]
    for r in range(min(up, cols)):
        tap, taps, i = _phase(m0 + r, axis)
        many = (cols - r + up - 1) // up
        fir(
            arena, wide + r, up, stride, staged + i - i0, 1, stride, rows, 1, 0, taps, 1,
            ahead(coef, first + tap), 0, up, many,
        )  # fmt: skip


@njit(**_OPTIONS)
def between(arena, line, source, coef, first, full, x, y, row, m0, cols, ix, iy, stride):
    """Row ``row`` of the samples between the filters, from what `widen` left or, for a full filter, from the tile."""
    tap, taps, i = _phase(row, y)
    at = source + (i - iy) * stride
    if not full:
        fir(arena, line, 1, 0, at, 1, 0, 1, 1, 0, taps, stride, ahead(coef, first + tap), 0, y[1], cols)
        return
    up = x[1]
    for r in range(min(up, cols)):
        tap_x, taps_x, k = _phase(m0 + r, x)
        many = (cols - r + up - 1) // up
        fir(
            arena, line + r, up, 0, at + k - ix, 1, 0, 1, taps, stride, taps_x, 1,
            ahead(coef, first + tap * x[3] + tap_x), y[1] * x[3], up, many,
        )  # fmt: skip


@njit(**_OPTIONS)
def activate_line(arena, at, cols, gain, slope, clamp):
    """Leaky ReLU, gain and clamp (none below 0) in place."""
    zero, high, low = splat(np.float32(0)), splat(gain), splat(gain * slope)
    most, least = splat(clamp), splat(-clamp)
    for i in range(at * LANES, (at + cols) * LANES, LANES):
        u = load(arena, i)
        u = times(u, where_above(u, zero, high, low))
        if clamp >= 0:
            u = where_above(u, most, most, u)
            u = where_above(least, u, least, u)
        store(arena, i, u)


@njit(**_OPTIONS)
def gate_line(arena, at, pre, cols, gain, slope, clamp):
    """Multiply a line in place by the derivative of `activate_line` at the line ``pre``."""
    zero, high, low = splat(np.float32(0)), splat(gain), splat(gain * slope)
    most, least = splat(clamp), splat(-clamp)
    for i in range(cols):
        u, g = load(arena, (pre + i) * LANES), load(arena, (at + i) * LANES)
        factor = where_above(u, zero, high, low)
        g = times(g, factor)
        if clamp >= 0:
            u = times(u, factor)
            g = where_above(u, most, zero, g)
            g = where_above(least, u, zero, g)
        store(arena, (at + i) * LANES, g)


@njit(**_OPTIONS)
def narrow_full(arena, line, folds, mid, coef, first, down, taps_x, taps_y, mirrored, cols, mid_cols, stride):
    """A full second filter: a row of results from the rows from ``mid`` on."""
    if not mirrored:
        fir(arena, line, 1, 0, mid, down, 0, 1, taps_y, stride, taps_x, 1, ahead(coef, first), taps_x, 1, cols)
        return
    # Rows that share their taps are added first.
    half = taps_y // 2
    for a in range(half):
        upper, lower, to = (mid + a * stride) * LANES, (mid + (taps_y - 1 - a) * stride) * LANES, folds + a * stride
        for i in range(0, mid_cols * LANES, LANES):
            store(arena, to * LANES + i, plus(load(arena, upper + i), load(arena, lower + i)))
    rows = half
    if taps_y % 2:
        to = (folds + half * stride) * LANES
        for i in range(0, mid_cols * LANES, LANES):
            store(arena, to + i, load(arena, (mid + half * stride) * LANES + i))
        rows += 1
    fir(arena, line, 1, 0, folds, down, 0, 1, rows, stride, taps_x, 1, ahead(coef, first), taps_x, 1, cols)


@njit(**_OPTIONS)
def clear(arena, at, cols):
    """Set a line to 0."""
    for i in range(at * LANES, (at + cols) * LANES, LANES):
        store(arena, i, splat(np.float32(0)))


@njit(**_OPTIONS)
def filtered(
    src, src_steps, bias, gate_src, gate_steps, out, out_steps, planes, mode, act, x, y, gate_x, gate_y,
    full, coef, at_coef, tile, first_item, last_item,
):  # fmt: skip
    """Up-sample, act and down-sample, for the tiles ``first_item`` to ``last_item``.

    Args:
        src: What is up-sampled, flat; ``src_steps`` are the steps to the next sample's group of pictures, picture,
            row and column.
        bias: One value a picture; added to ``src`` in mode 1, to ``gate_src`` in mode 2.
        gate_src: In mode 2, what the activation saw before it was up-sampled; ``gate_steps`` like ``src_steps``.
        out: The result, flat; ``out_steps`` like ``src_steps``.
        planes: Pictures in a group, see `explorer.ops.numba_filter`.
        mode: 0 only filters; 1 applies the activation between; 2 multiplies by its derivative instead.
        act: ``(gain, slope, clamp)``.
        x: ``(size, up, before, taps, between, down, before, taps, out)``; likewise ``y`` and, up to taps, ``gate_x``.
        full: Whether the first, the gate's and the last filter are full, and whether the last one mirrors its rows.
        coef: The taps of all filters; ``at_coef`` tells where those of the first, the gate's and the last begin.
        tile: Rows and columns of a tile.
    """
    gain, slope, clamp = act
    up_full, gate_full, down_full, mirrored = full
    down_x, taps_x, down_y, taps_y = x[5], x[7], y[5], y[7]
    parts = -(-planes // LANES)
    across, down = -(-x[8] // tile[1]), -(-y[8] // tile[0])
    mid_cols = down_x * (tile[1] - 1) + taps_x
    mid_rows = down_y * (tile[0] - 1) + taps_y
    # An odd step from row to row spreads columns over the cache.
    stride = mid_cols + max(x[3] // x[1], gate_x[3] // gate_x[1]) + GROUP * max(x[1], gate_x[1], down_x) + 8 | 1
    in_rows = mid_rows // min(y[1], gate_y[1]) + max(y[3] // y[1], gate_y[3] // gate_y[1]) + 4
    # Staged and widened tile, the same of the gate, rows between, those after the horizontal filter or folded, a line.
    staged, wide = 0, in_rows * stride
    other, other_wide = 2 * in_rows * stride, 3 * in_rows * stride
    mid = (4 if mode == 2 else 2) * in_rows * stride
    after = mid + mid_rows * stride
    line = after + max(mid_rows, taps_y) * stride
    pre = line + stride
    square = pre + stride
    added = square + LANES
    memory = np.zeros((added + 2 + 1) * LANES, np.float32)
    arena = place_of(memory[(-(memory.ctypes.data // 4)) % LANES :])
    nothing = ahead(arena, (added + 1) * LANES)
    lane_bias = ahead(arena, added * LANES)
    src_at, gate_at, out_at, coef_at = place_of(src), place_of(gate_src), place_of(out), place_of(coef)
    for item in range(first_item, last_item):
        group, place = item // (across * down), item % (across * down)
        sample, part = group // parts, group % parts
        many = min(LANES, planes - part * LANES)
        o_y, o_x = place // across * tile[0], place % across * tile[1]
        rows, cols = min(tile[0], y[8] - o_y), min(tile[1], x[8] - o_x)
        m_y, m_x = down_y * o_y - y[6], down_x * o_x - x[6]
        high, long = down_y * (rows - 1) + taps_y, down_x * (cols - 1) + taps_x
        for lane in range(many):
            put(lane_bias, lane, bias[(part * LANES + lane) % bias.size])
        i_y, i_x = -((y[2] - m_y) // y[1]), -((x[2] - m_x) // x[1])
        in_high = (m_y + high - 1 + y[3] - 1 - y[2]) // y[1] - i_y + 1
        in_long = (m_x + long - 1 + x[3] - 1 - x[2]) // x[1] - i_x + 1
        tile_in(
            arena, staged, stride, square, src_at, sample * src_steps[0] + part * LANES * src_steps[1], src_steps[1],
            src_steps[2], src_steps[3], many, lane_bias if mode == 1 else nothing, i_y, in_high, i_x, in_long,
            y[0], x[0],
        )  # fmt: skip
        if not up_full:
            widen(arena, wide, staged, coef_at, at_coef[0] + y[3], x, m_x, long, i_x, in_high, stride)
        g_y, g_x = 0, 0
        if mode == 2:
            g_y, g_x = -((gate_y[2] - m_y) // gate_y[1]), -((gate_x[2] - m_x) // gate_x[1])
            gate_high = (m_y + high - 1 + gate_y[3] - 1 - gate_y[2]) // gate_y[1] - g_y + 1
            gate_long = (m_x + long - 1 + gate_x[3] - 1 - gate_x[2]) // gate_x[1] - g_x + 1
            tile_in(
                arena, other, stride, square, gate_at, sample * gate_steps[0] + part * LANES * gate_steps[1],
                gate_steps[1], gate_steps[2], gate_steps[3], many, lane_bias, g_y, gate_high, g_x, gate_long,
                gate_y[0], gate_x[0],
            )  # fmt: skip
            if not gate_full:
                widen(
                    arena, other_wide, other, coef_at, at_coef[1] + gate_y[3], gate_x, m_x, long, g_x, gate_high, stride
                )
        # Columns first to last exist between the filters.
        first, last = min(max(0, -m_x), long), max(0, min(long, x[4] - m_x))
        ready = 0
        for r in range(rows):
            while ready < down_y * r + taps_y:
                row, at = m_y + ready, mid + ready * stride
                if row < 0 or row >= y[4]:
                    clear(arena, at, long)
                else:
                    between(
                        arena, at, staged if up_full else wide, coef_at, at_coef[0], up_full, x, y, row, m_x, long,
                        i_x, i_y, stride,
                    )  # fmt: skip
                    if mode == 1:
                        activate_line(arena, at, long, gain, slope, clamp)
                    elif mode == 2:
                        between(
                            arena, pre, other if gate_full else other_wide, coef_at, at_coef[1], gate_full, gate_x,
                            gate_y, row, m_x, long, g_x, g_y, stride,
                        )  # fmt: skip
                        gate_line(arena, at, pre, long, gain, slope, clamp)
                    if first > 0:
                        clear(arena, at, first)
                    if last < long:
                        clear(arena, at + last, long - last)
                if not down_full:
                    fir(
                        arena, after + ready * stride, 1, 0, at, down_x, 0, 1, 1, 0, taps_x, 1,
                        ahead(coef_at, at_coef[2] + taps_y), 0, 1, cols,
                    )  # fmt: skip
                ready += 1
            if down_full:
                narrow_full(
                    arena, line, after, mid + down_y * r * stride, coef_at, at_coef[2], down_x, taps_x, taps_y,
                    mirrored, cols, long, stride,
                )  # fmt: skip
            else:
                fir(
                    arena, line, 1, 0, after + down_y * r * stride, 1, 0, 1, 1, 0, taps_y, stride,
                    ahead(coef_at, at_coef[2]), 0, 1, cols,
                )  # fmt: skip
            line_out(
                arena, line, out_at,
                sample * out_steps[0] + part * LANES * out_steps[1] + (o_y + r) * out_steps[2] + o_x * out_steps[3],
                out_steps[1], out_steps[3], many, cols,
            )  # fmt: skip
    # Until here the arena has to stay.
    memory[0] = 0
