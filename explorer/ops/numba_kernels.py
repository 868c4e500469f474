"""Compiled loops for float32 on a CPU. Importing this module imports numba: only `explorer.ops.numba_path` does.

Everything rests on one primitive, `fir`: a run of samples becomes a weighted sum of shifted runs. The layout of
`explorer.ops.numba_layout` makes every step of a resampling such a sum over long contiguous runs, many rows at once,
whatever the factors; that, and loops over array slices, is what lets LLVM vectorise them.

A plane is worked through in blocks of rows that fit the cache, so the up-sampled picture never exists in memory.
Kernels release the GIL; threads share out the blocks.
"""

import numpy as np
from numba import njit

_OPTIONS = {"nogil": True, "cache": True, "fastmath": {"contract", "reassoc", "nsz"}, "error_model": "numpy"}
# Samples for which all taps are added up before the next ones: what is written stays in the first cache level.
_CHUNK = 1024


@njit(**_OPTIONS)
def fir(arena, at, n, start, coef, first, last, add):
    """``arena[at + i] (+)= sum of coef[k] * arena[start[k] + i]`` for ``first <= k < last`` and ``i < n``."""
    for low in range(0, n, _CHUNK):
        m = min(_CHUNK, n - low)
        d = arena[at + low : at + low + m]
        k = first
        onto = add
        # Six sources a pass: enough to be bound by arithmetic, few enough for LLVM's overlap checks.
        while last - k >= 6:
            a0 = arena[start[k] + low : start[k] + low + m]
            a1 = arena[start[k + 1] + low : start[k + 1] + low + m]
            a2 = arena[start[k + 2] + low : start[k + 2] + low + m]
            a3 = arena[start[k + 3] + low : start[k + 3] + low + m]
            a4 = arena[start[k + 4] + low : start[k + 4] + low + m]
            a5 = arena[start[k + 5] + low : start[k + 5] + low + m]
            c0, c1, c2, c3, c4, c5 = coef[k], coef[k + 1], coef[k + 2], coef[k + 3], coef[k + 4], coef[k + 5]
            if onto:
                for i in range(m):
                    d[i] += (c0 * a0[i] + c1 * a1[i]) + (c2 * a2[i] + c3 * a3[i]) + (c4 * a4[i] + c5 * a5[i])
            else:
                for i in range(m):
                    d[i] = (c0 * a0[i] + c1 * a1[i]) + (c2 * a2[i] + c3 * a3[i]) + (c4 * a4[i] + c5 * a5[i])
            onto = True
            k += 6
        while last - k >= 2:
            a0 = arena[start[k] + low : start[k] + low + m]
            a1 = arena[start[k + 1] + low : start[k + 1] + low + m]
            c0, c1 = coef[k], coef[k + 1]
            if onto:
                for i in range(m):
                    d[i] += c0 * a0[i] + c1 * a1[i]
            else:
                for i in range(m):
                    d[i] = c0 * a0[i] + c1 * a1[i]
            onto = True
            k += 2
        if last - k == 1:
            a0 = arena[start[k] + low : start[k] + low + m]
            c0 = coef[k]
            if onto:
                for i in range(m):
                    d[i] += c0 * a0[i]
            else:
                for i in range(m):
                    d[i] = c0 * a0[i]


@njit(**_OPTIONS)
def run_jobs(arena, jobs, start, coef):
    """Run a list of ``(at, n, first, last, add)``, each one call of `fir`."""
    for j in range(len(jobs)):
        fir(arena, jobs[j, 0], jobs[j, 1], start, coef, jobs[j, 2], jobs[j, 3], jobs[j, 4] != 0)


@njit(**_OPTIONS)
def stage_in(arena, src, plane_at, bias, top, grid):
    """Copy a block of a plane into the arena, dealt out to its classes, zeros around it; ``bias`` is added.

    Args:
        top: First group of rows of the block.
        grid: ``(at, classes_y, classes_x, rows, stride, low_y, low_x, h, w)``: row ``k`` of class ``c`` holds sample
            row ``(top + k + low_y) * classes_y + c``, and columns likewise.
    """
    at, classes_y, classes_x, rows, stride, low_y, low_x, h, w = grid
    for cy in range(classes_y):
        for k in range(rows):
            y = (top + k + low_y) * classes_y + cy
            for cx in range(classes_x):
                to = at + ((cy * classes_x + cx) * rows + k) * stride
                line = arena[to : to + stride]
                if y < 0 or y >= h:
                    line[:] = np.float32(0)
                    continue
                # Columns first to last exist: 0 <= (column + low_x) * classes_x + cx < w.
                first = min(max(0, -low_x), stride)
                last = max(first, min(stride, (w - cx + classes_x - 1) // classes_x - low_x))
                line[:first] = np.float32(0)
                line[last:] = np.float32(0)
                x = (first + low_x) * classes_x + cx
                count = last - first
                into = line[first:last]
                if classes_x == 1:
                    row = src[plane_at + y * w + x : plane_at + y * w + x + count]
                    for i in range(count):
                        into[i] = row[i] + bias
                else:
                    for i in range(count):
                        into[i] = src[plane_at + y * w + x + i * classes_x] + bias


@njit(**_OPTIONS)
def stage_out(arena, out, plane_at, top, grid):
    """Write a block of the result: ``grid`` is ``(at, classes_y, classes_x, rows, block_rows, stride, h, w)``."""
    at, classes_y, classes_x, rows, block_rows, stride, h, w = grid
    for cy in range(classes_y):
        for k in range(rows):
            y = (top + k) * classes_y + cy
            if y >= h:
                continue
            for cx in range(classes_x):
                source = at + ((cy * classes_x + cx) * block_rows + k) * stride
                count = (w - cx + classes_x - 1) // classes_x
                line = arena[source : source + count]
                if classes_x == 1:
                    out[plane_at + y * w : plane_at + y * w + w] = line
                else:
                    for i in range(count):
                        out[plane_at + y * w + cx + i * classes_x] = line[i]


@njit(**_OPTIONS)
def activate(u, gain, slope, clamp):
    """Leaky ReLU, gain and clamp (none below 0) in place."""
    low = gain * slope
    if clamp < 0:
        for i in range(u.size):
            u[i] = u[i] * (gain if u[i] > 0 else low)
        return
    for i in range(u.size):
        v = u[i] * (gain if u[i] > 0 else low)
        v = clamp if v > clamp else v
        u[i] = -clamp if v < -clamp else v


@njit(**_OPTIONS)
def gate(g, u, gain, slope, clamp):
    """Multiply ``g`` in place by the derivative of `activate` at ``u``."""
    low = gain * slope
    if clamp < 0:
        for i in range(g.size):
            g[i] = g[i] * (gain if u[i] > 0 else low)
        return
    for i in range(g.size):
        factor = gain if u[i] > 0 else low
        g[i] = np.float32(0) if abs(u[i] * factor) > clamp else g[i] * factor


@njit(**_OPTIONS)
def fused(
    src, bias, out, gate_src, mode, act, first_item, last_item, blocks, block_rows,
    arena_size, between, pre_at, in_grid, gate_grid, out_grid,
    up_jobs, gate_jobs, down_jobs, start, coef,
):  # fmt: skip
    """Up-sample, act and down-sample the blocks ``first_item`` to ``last_item``.

    Args:
        src: Planes that are up-sampled, flat.
        bias: One value a channel; added to ``src`` in mode 1, to ``gate_src`` in mode 2.
        out: Planes of the result, flat.
        gate_src: In mode 2, what the activation saw before it was up-sampled.
        mode: 0 only filters; 1 applies the activation between; 2 multiplies by its derivative instead.
        act: ``(gain, slope, clamp)``.
        blocks: Blocks in a plane, of ``block_rows`` groups of rows each.
        arena_size: Samples of scratch.
        between: Offset and length of the samples between the filters; ``pre_at`` is the same for mode 2's other half.
        in_grid, gate_grid: As in `stage_in`; ``out_grid`` as in `stage_out`.
        up_jobs, gate_jobs, down_jobs: As in `run_jobs`, with ``start`` and ``coef``.
    """
    arena = np.zeros(arena_size, np.float32)
    gain, slope, clamp = act
    in_plane, gate_plane, out_plane = in_grid[7] * in_grid[8], gate_grid[7] * gate_grid[8], out_grid[6] * out_grid[7]
    mid = arena[between[0] : between[0] + between[1]]
    pre = arena[pre_at : pre_at + between[1]]
    for item in range(first_item, last_item):
        plane, top = item // blocks, item % blocks * block_rows
        b = bias[plane % bias.size]
        stage_in(arena, src, plane * in_plane, b if mode == 1 else np.float32(0), top, in_grid)
        run_jobs(arena, up_jobs, start, coef)
        if mode == 1:
            activate(mid, gain, slope, clamp)
        elif mode == 2:
            stage_in(arena, gate_src, plane * gate_plane, b, top, gate_grid)
            run_jobs(arena, gate_jobs, start, coef)
            gate(mid, pre, gain, slope, clamp)
        run_jobs(arena, down_jobs, start, coef)
        stage_out(arena, out, plane * out_plane, top, out_grid)


@njit(**_OPTIONS)
def bias_lrelu(src, bias, out, inner, first, last, gain, slope, clamp):
    """Runs ``first`` to ``last`` of ``inner`` samples that share a bias: add it, activate, clamp (none below 0)."""
    low = gain * slope
    for run in range(first, last):
        a = src[run * inner : (run + 1) * inner]
        d = out[run * inner : (run + 1) * inner]
        b = bias[run % bias.size]
        if clamp < 0:
            for i in range(inner):
                u = a[i] + b
                d[i] = u * (gain if u > 0 else low)
        else:
            for i in range(inner):
                u = a[i] + b
                u = u * (gain if u > 0 else low)
                u = clamp if u > clamp else u
                d[i] = -clamp if u < -clamp else u


@njit(**_OPTIONS)
def bias_lrelu_gradient(grad, src, bias, out, inner, first, last, gain, slope, clamp):
    """Gradient of `bias_lrelu` by ``src``, for the same runs."""
    low = gain * slope
    for run in range(first, last):
        g = grad[run * inner : (run + 1) * inner]
        a = src[run * inner : (run + 1) * inner]
        d = out[run * inner : (run + 1) * inner]
        b = bias[run % bias.size]
        if clamp < 0:
            for i in range(inner):
                d[i] = g[i] * (gain if a[i] + b > 0 else low)
        else:
            for i in range(inner):
                u = a[i] + b
                factor = gain if u > 0 else low
                d[i] = np.float32(0) if abs(u * factor) > clamp else g[i] * factor
