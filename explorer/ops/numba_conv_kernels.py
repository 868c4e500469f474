"""Compiled loops of the convolutions: what stands before and after the matrix products, which torch does.

Importing this module imports numba: only `explorer.ops.numba_conv` does. Like `explorer.ops.numba_kernels` these are
loops over long array slices, which LLVM vectorises, and they release the GIL.

Winograd
    F(4 x 4, 3 x 3): a tile of 4 x 4 results takes 36 products instead of 144. Tiles lie 4 apart; in a block of whole
    rows of tiles they are numbered row by row, and every number below is kept for all tiles of the block at once.

Source: Lavin and Gray 2016, "Fast Algorithms for Convolutional Neural Networks", section 4.3.
"""

import numpy as np
from numba import njit

from explorer.ops.numba_kernels import _OPTIONS

TILE = 4


@njit(**_OPTIONS)
def _transform(d0, d1, d2, d3, d4, d5, t0, t1, t2, t3, t4, t5, n):
    """The six numbers of a line of six samples, ``n`` lines at once."""
    two, four, five = np.float32(2), np.float32(4), np.float32(5)
    for i in range(n):
        a, b, c, d, e = d0[i], d1[i], d2[i], d3[i], d4[i]
        t0[i] = four * a - five * c + e
        p, q = e - four * c, d - four * b
        t1[i] = p + q
        t2[i] = p - q
        p, q = e - c, two * (d - b)
        t3[i] = p + q
        t4[i] = p - q
        t5[i] = four * b - five * d + d5[i]


@njit(**_OPTIONS)
def _inverse(m0, m1, m2, m3, m4, m5, y0, y1, y2, y3, n):
    """Four results from the six products of a line, ``n`` lines at once."""
    two, four, eight = np.float32(2), np.float32(4), np.float32(8)
    for i in range(n):
        p, q = m1[i] + m2[i], m3[i] + m4[i]
        r, s = m1[i] - m2[i], m3[i] - m4[i]
        y0[i] = m0[i] + p + q
        y1[i] = r + two * s
        y2[i] = p + four * q
        y3[i] = r + eight * s + m5[i]


@njit(**_OPTIONS)
def winograd_in(x, scale, v, h, w, pad, channels, first, last, top, rows, across):
    """Transform the tiles of a block.

    Args:
        x: Planes of one picture, flat; zeros lie around them.
        scale: Factor on every channel.
        v: ``[36, channels, rows * across]``, flat: the transformed tiles.
        h: Height of a plane; ``w`` its width.
        pad: Samples from the first tile's corner to the plane's.
        channels: All of them; ``first`` to ``last`` are worked on.
        top: First row of tiles; ``rows`` and ``across`` count them.
    """
    n = rows * across
    tall = n + across
    line = np.zeros(TILE * across + 8, np.float32)
    # Every fourth row together, and of them every column of a tile: [4 rows, 6 columns].
    part = np.empty((TILE, 6, tall), np.float32)
    half = np.empty((TILE, 6, tall), np.float32)
    # Columns first to end of the line exist in the plane.
    begin = pad
    end = min(TILE * across + 2, w + pad)
    for c in range(first, last):
        s = scale[c]
        for r in range(TILE * rows + 2):
            y = TILE * top + r - pad
            group, at = r % TILE, (r // TILE) * across
            if y < 0 or y >= h:
                for j in range(6):
                    part[group, j, at : at + across] = np.float32(0)
                continue
            source = x[(c * h + y) * w : (c * h + y) * w + end - begin]
            into = line[begin:end]
            for i in range(end - begin):
                into[i] = source[i] * s
            p0 = part[group, 0, at : at + across]
            p1 = part[group, 1, at : at + across]
            p2 = part[group, 2, at : at + across]
            p3 = part[group, 3, at : at + across]
            for t in range(across):
                p0[t] = line[4 * t]
                p1[t] = line[4 * t + 1]
                p2[t] = line[4 * t + 2]
                p3[t] = line[4 * t + 3]
            part[group, 4, at : at + across - 1] = p0[1:]
            part[group, 5, at : at + across - 1] = p1[1:]
            part[group, 4, at + across - 1] = line[4 * across]
            part[group, 5, at + across - 1] = line[4 * across + 1]

        for group in range(TILE):
            p, q = part[group], half[group]
            many = tall if group < 2 else n
            _transform(p[0], p[1], p[2], p[3], p[4], p[5], q[0], q[1], q[2], q[3], q[4], q[5], many)
        for j in range(6):
            step = 6 * channels * n
            to = (j * channels + c) * n
            _transform(
                half[0, j], half[1, j], half[2, j], half[3, j], half[0, j, across:], half[1, j, across:],
                v[to : to + n], v[to + step : to + step + n], v[to + 2 * step : to + 2 * step + n],
                v[to + 3 * step : to + 3 * step + n], v[to + 4 * step : to + 4 * step + n],
                v[to + 5 * step : to + 5 * step + n], n,
            )  # fmt: skip


@njit(**_OPTIONS)
def finish(row, noise, bias, scale, gain, slope, clamp):
    """Scale a row of results, add noise and bias, activate and clamp (none below 0), in place."""
    low = gain * slope
    if noise.size:
        for i in range(row.size):
            u = row[i] * scale + (noise[i] + bias)
            row[i] = u * (gain if u > 0 else low)
    else:
        for i in range(row.size):
            u = row[i] * scale + bias
            row[i] = u * (gain if u > 0 else low)
    if clamp >= 0:
        for i in range(row.size):
            u = clamp if row[i] > clamp else row[i]
            row[i] = -clamp if u < -clamp else u


@njit(**_OPTIONS)
def winograd_out(m, scale, noise, bias, act, y, h, w, first, last, top, rows, across):
    """Back from products to results, and finish them.

    Args:
        m: ``[36, last - first, rows * across]``, flat: the products of channels first to last.
        scale: Factor on every channel; ``bias`` is added after it.
        noise: One plane, flat, or empty.
        act: ``(gain, slope, clamp)``.
        y: Planes of the result, flat.
        h: Height of a plane; ``w`` its width.
        first: First channel; ``last`` the one behind.
        top: First row of tiles; ``rows`` and ``across`` count them.
    """
    gain, slope, clamp = act
    n = rows * across
    half = np.empty((6, TILE, n), np.float32)
    part = np.empty((TILE, TILE, n), np.float32)
    line = np.empty(TILE * across, np.float32)
    nothing = noise[:0]
    for c in range(first, last):
        step = 6 * (last - first) * n
        for j in range(6):
            at = (j * (last - first) + c - first) * n
            _inverse(
                m[at : at + n], m[at + step : at + step + n], m[at + 2 * step : at + 2 * step + n],
                m[at + 3 * step : at + 3 * step + n], m[at + 4 * step : at + 4 * step + n],
                m[at + 5 * step : at + 5 * step + n], half[j, 0], half[j, 1], half[j, 2], half[j, 3], n,
            )  # fmt: skip
        for i in range(TILE):
            _inverse(
                half[0, i], half[1, i], half[2, i], half[3, i], half[4, i], half[5, i],
                part[i, 0], part[i, 1], part[i, 2], part[i, 3], n,
            )  # fmt: skip
        s, b = scale[c], bias[c % bias.size]
        for r in range(TILE * rows):
            row = TILE * top + r
            if row >= h:
                break
            group, at = r % TILE, (r // TILE) * across
            p0 = part[group, 0, at : at + across]
            p1 = part[group, 1, at : at + across]
            p2 = part[group, 2, at : at + across]
            p3 = part[group, 3, at : at + across]
            for t in range(across):
                line[4 * t] = p0[t]
                line[4 * t + 1] = p1[t]
                line[4 * t + 2] = p2[t]
                line[4 * t + 3] = p3[t]
            ready = line[:w]
            finish(ready, noise[row * w : row * w + w] if noise.size else nothing, b, s, gain, slope, clamp)
            y[(c * h + row) * w : (c * h + row) * w + w] = ready


@njit(**_OPTIONS)
def unfold(x, scale, cols, h, w, pad, kernel, out_h, out_w, first, last):
    """Lay out what every result reads, ``[channels * kernel * kernel, out_h * out_w]``, for channels first to last."""
    for c in range(first, last):
        s = scale[c]
        for a in range(kernel):
            for b in range(kernel):
                to = ((c * kernel + a) * kernel + b) * out_h * out_w
                left = min(out_w, max(0, pad - b))
                right = max(left, min(out_w, w + pad - b))
                for r in range(out_h):
                    line = cols[to + r * out_w : to + (r + 1) * out_w]
                    y = r + a - pad
                    if y < 0 or y >= h:
                        line[:] = np.float32(0)
                        continue
                    line[:left] = np.float32(0)
                    line[right:] = np.float32(0)
                    at = (c * h + y) * w + left + b - pad
                    source, into = x[at : at + right - left], line[left:right]
                    for i in range(right - left):
                        into[i] = source[i] * s


@njit(**_OPTIONS)
def fold_out(p, scale, noise, bias, act, y, inner, first, last):
    """Finish planes first to last of ``p``, whose first one that is, into ``y``."""
    gain, slope, clamp = act
    for c in range(first, last):
        d = y[c * inner : (c + 1) * inner]
        d[:] = p[(c - first) * inner : (c - first + 1) * inner]
        finish(d, noise, bias[c % bias.size], scale[c], gain, slope, clamp)


@njit(**_OPTIONS)
def up_in(x, scale, block, h, w, channels, top, rows):
    """Copy rows ``top - 1`` to ``top + rows + 1`` of every plane, zeros where there are none and in a column behind."""
    stride = w + 1
    for c in range(channels):
        s = scale[c]
        for r in range(rows + 2):
            y = top + r - 1
            line = block[(c * (rows + 2) + r) * stride : (c * (rows + 2) + r + 1) * stride]
            if y < 0 or y >= h:
                line[:] = np.float32(0)
                continue
            source = x[(c * h + y) * w : (c * h + y + 1) * w]
            for i in range(w):
                line[i] = source[i] * s
            line[w] = np.float32(0)


@njit(**_OPTIONS)
def _widen(p0, p1, p2, e, even, odd, f, step, n):
    """Three taps to every second place and a filter of four over it, along an axis of stride ``step``.

    ``p0 .. p2`` start ``step`` before the first of ``n`` places, and end ``step`` behind the last.
    """
    f0, f1, f2, f3 = f[0], f[1], f[2], f[3]
    a, b = p0[step:], p2
    for i in range(n + step):
        e[i] = a[i] + b[i]
    before, here, behind, after = p1, p1[step:], p1[2 * step :], e[step:]
    for i in range(n):
        even[i] = f0 * before[i] + f1 * e[i] + f2 * here[i] + f3 * after[i]
        odd[i] = f0 * e[i] + f1 * here[i] + f2 * after[i] + f3 * behind[i]


@njit(**_OPTIONS)
def up_out(p, f, scale, noise, bias, act, y, h, w, first, last, top, rows):
    """Put products together at twice the size, filter, and finish them.

    Args:
        p: ``[last - first, 9, rows + 2, w + 1]`` behind 1 sample of room, flat, with 1 sample of room behind.
        f: The filter's four taps along y and x, ``[2, 4]``, in correlation order.
        scale: Factor on every channel; ``bias`` is added after it.
        noise: One plane of the result, flat, or empty.
        act: ``(gain, slope, clamp)``.
        y: Planes ``[2 h, 2 w]`` of the result, flat.
        h: Height of a plane that came in; ``w`` its width.
        first: First channel; ``last`` the one behind.
        top: First row that came in; ``rows`` of them are worked on.
    """
    gain, slope, clamp = act
    stride = w + 1
    n, inner = (rows + 2) * stride, rows * stride
    e = np.empty(n + stride, np.float32)
    wide = np.empty((3, 2, n), np.float32)
    tall = np.empty((2, 2, inner), np.float32)
    line = np.empty(2 * w, np.float32)
    nothing = noise[:0]
    for c in range(first, last):
        for a in range(3):
            at = ((c - first) * 9 + 3 * a) * n
            _widen(p[at:], p[at + n :], p[at + 2 * n :], e, wide[a, 0], wide[a, 1], f[1], 1, n)
        for side in range(2):
            _widen(wide[0, side], wide[1, side], wide[2, side], e, tall[0, side], tall[1, side], f[0], stride, inner)
        for r in range(2 * rows):
            row = 2 * top + r
            if row >= 2 * h:
                break
            at = (r // 2) * stride
            left, right = tall[r % 2, 0, at : at + w], tall[r % 2, 1, at : at + w]
            for i in range(w):
                line[2 * i] = left[i]
                line[2 * i + 1] = right[i]
            finish(
                line, noise[row * 2 * w : (row + 1) * 2 * w] if noise.size else nothing, bias[c % bias.size],
                scale[c], gain, slope, clamp,
            )  # fmt: skip
            y[(c * 2 * h + row) * 2 * w : (c * 2 * h + row + 1) * 2 * w] = line


@njit(**_OPTIONS)
def _narrow(even, odd, d0, d1, d2, f, step, n):
    """The transpose of `_widen`: ``even`` and ``odd`` start ``step`` before the first of ``n`` places."""
    f0, f1, f2, f3 = f[0], f[1], f[2], f[3]
    g, u, after_g, after_u = even[step:], odd[step:], even[2 * step :], odd[2 * step :]
    for i in range(n):
        d0[i] = f1 * g[i] + f3 * even[i] + f0 * u[i] + f2 * odd[i]
        d1[i] = f0 * after_g[i] + f2 * g[i] + f1 * u[i] + f3 * odd[i]
        d2[i] = f1 * after_g[i] + f3 * g[i] + f0 * after_u[i] + f2 * u[i]


@njit(**_OPTIONS)
def up_gradient_in(g, scale, f, q, h, w, channels, top, rows):
    """The gradient by the products of `up_out` from that by its result, both without what `finish` does.

    Args:
        g: Planes ``[2 h, 2 w]``, flat.
        scale: Factor on every channel.
        f: As in `up_out`.
        q: ``[channels, 9, rows, w]``, flat.
        h: Height of a plane that came in; ``w`` its width.
        channels: Number of planes.
        top: First row that came in; ``rows`` of them are worked on.
    """
    stride = w + 2
    n, inner = (rows + 2) * stride, rows * stride
    # [parity of the row, parity of the column]: zeros around every row.
    grid = np.zeros((2, 2, n), np.float32)
    tall = np.zeros((3, 2, inner), np.float32)
    wide = np.empty((3, inner), np.float32)
    for c in range(channels):
        s = scale[c]
        for r in range(2 * (rows + 2)):
            y = 2 * (top - 1) + r
            at = (r // 2) * stride + 1
            left, right = grid[r % 2, 0, at : at + w], grid[r % 2, 1, at : at + w]
            if y < 0 or y >= 2 * h:
                left[:] = np.float32(0)
                right[:] = np.float32(0)
                continue
            line = g[(c * 2 * h + y) * 2 * w : (c * 2 * h + y + 1) * 2 * w]
            for i in range(w):
                left[i] = line[2 * i] * s
                right[i] = line[2 * i + 1] * s
        for side in range(2):
            _narrow(grid[0, side], grid[1, side], tall[0, side], tall[1, side], tall[2, side], f[0], stride, inner)
        for a in range(3):
            _narrow(tall[a, 0], tall[a, 1], wide[0], wide[1], wide[2], f[1], 1, inner - 2)
            for b in range(3):
                for r in range(rows):
                    to = (((c * 3 + a) * 3 + b) * rows + r) * w
                    q[to : to + w] = wide[b, r * stride : r * stride + w]


@njit(**_OPTIONS)
def finish_gradient(g, y, noise, bias, out, sums, act, inner, first, last):
    """Gradient by what `finish` was given, and the sums that its factors need, for planes first to last.

    Args:
        g: Gradient by the result, flat.
        y: The result, flat: its sign tells which side of the activation it came from.
        noise: One plane, flat, or empty.
        bias: One value a channel.
        out: Gradient by scaled result plus noise plus bias, flat.
        sums: ``[planes, 2]``: sum of ``out``, and of ``out`` times the scaled result.
        act: ``(gain, slope, clamp)``; the gain is above 0 and the slope not below.
        inner: Samples of a plane.
        first: First plane; ``last`` the one behind.
    """
    gain, slope, clamp = act
    low = gain * slope
    back_high = np.float32(1) / gain
    back_low = np.float32(1) / low if low > 0 else np.float32(0)
    limit = clamp if clamp >= 0 else np.float32(np.inf)
    for c in range(first, last):
        b = bias[c % bias.size]
        gs, ys, d = g[c * inner : (c + 1) * inner], y[c * inner : (c + 1) * inner], out[c * inner : (c + 1) * inner]
        total, weighted = np.float32(0), np.float32(0)
        if noise.size:
            for i in range(inner):
                v = ys[i]
                u = gs[i] * (gain if v > 0 else low)
                u = np.float32(0) if abs(v) >= limit else u
                d[i] = u
                total += u
                weighted += u * (v * (back_high if v > 0 else back_low) - noise[i] - b)
        else:
            for i in range(inner):
                v = ys[i]
                u = gs[i] * (gain if v > 0 else low)
                u = np.float32(0) if abs(v) >= limit else u
                d[i] = u
                total += u
                weighted += u * (v * (back_high if v > 0 else back_low) - b)
        sums[c, 0] = total
        sums[c, 1] = weighted


@njit(**_OPTIONS)
def scale_gradient(d, x, scale, dots, inner, first, last):
    """Multiply planes first to last of ``d`` by their factors in place; before that, their products with ``x``."""
    for c in range(first, last):
        a, b = d[c * inner : (c + 1) * inner], x[c * inner : (c + 1) * inner]
        s, total = scale[c], np.float32(0)
        for i in range(inner):
            total += a[i] * b[i]
            a[i] *= s
        dots[c] = total
