// Insert zeros, pad, filter, decimate: one thread a result, which visits only the taps that meet a real sample.
//
// Fixed when compiled: UP_X UP_Y DOWN_X DOWN_Y TAPS_X TAPS_Y.
// taps: [TAPS_Y, TAPS_X] in correlation order, gain included.

extern "C" __global__ void upfirdn2d(
    const SCALAR* x, const float* taps, SCALAR* y, int planes, int in_h, int in_w, int out_h, int out_w,
    int before_x, int before_y)
{
    int ox = blockIdx.x * blockDim.x + threadIdx.x;
    int oy = blockIdx.y * blockDim.y + threadIdx.y;
    if (ox >= out_w || oy >= out_h) return;
    int base_x = ox * DOWN_X - before_x, base_y = oy * DOWN_Y - before_y;
    int tap_x = to_multiple(base_x, UP_X), tap_y = to_multiple(base_y, UP_Y);
    int first_x = (base_x + tap_x) / UP_X, first_y = (base_y + tap_y) / UP_Y;

    for (int plane = blockIdx.z; plane < planes; plane += gridDim.z) {
        const SCALAR* from = x + (long long)plane * in_h * in_w;
        float sum = 0;
        for (int a = tap_y, iy = first_y; a < TAPS_Y; a += UP_Y, iy++) {
            if (iy < 0 || iy >= in_h) continue;
            for (int b = tap_x, ix = first_x; b < TAPS_X; b += UP_X, ix++)
                if (ix >= 0 && ix < in_w) sum += taps[a * TAPS_X + b] * load(from + iy * in_w + ix);
        }
        store(y + ((long long)plane * out_h + oy) * out_w + ox, sum);
    }
}
