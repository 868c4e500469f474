// Up-sample, activate, down-sample a tile in shared memory: the picture between the filters never leaves it.
//
// Fixed when compiled:
//     UP_X UP_Y DOWN_X DOWN_Y                     factors
//     UP_TAPS_X UP_TAPS_Y DOWN_TAPS_X DOWN_TAPS_Y lengths of the filters
//     UP_FULL DOWN_FULL                           1 where a filter is no product of a column and a row
//     TILE_X TILE_Y                               results of a block; TILE_X * DOWN_X is a multiple of 4
//     MODE                                        0 activates; 1 does, and notes how; 2 multiplies by the derivative
//                                                 that mode 1 noted
// Filters are in correlation order, gain included: a column of taps and then a row, or full ones row by row.
//
// noted: 2 bits a sample between the filters, [planes, mid_h, (mid_w + 3) / 4]: 0 above zero, 1 below, 2 clamped.
// The gradient needs no more than them, where saved activations would be 16 times as large.

#define MID_X ((TILE_X - 1) * DOWN_X + DOWN_TAPS_X)
#define MID_Y ((TILE_Y - 1) * DOWN_Y + DOWN_TAPS_Y)
#define IN_X ((MID_X + UP_TAPS_X - 2) / UP_X + 2)
#define IN_Y ((MID_Y + UP_TAPS_Y - 2) / UP_Y + 2)
#define GROUPS ((MID_X + 3) / 4)

#define SIZE_IN (IN_X * IN_Y)
#define SIZE_WIDE (UP_FULL ? 0 : IN_Y * MID_X)
#define SIZE_NARROW (DOWN_FULL ? 0 : MID_Y * TILE_X)
#define SIZE_OUTER (SIZE_IN + SIZE_WIDE > SIZE_NARROW ? SIZE_IN + SIZE_WIDE : SIZE_NARROW)

__device__ inline float act(float u, float gain, float slope, float clamp, int& code)
{
    float v = u * lrelu_factor(u, gain, slope);
    code = u > 0 ? 0 : 1;
    if (clamp >= 0 && fabsf(v) > clamp) {
        code = 2;
        v = v > 0 ? clamp : -clamp;
    }
    return v;
}

extern "C" __global__ void filtered_lrelu(
    const SCALAR* x, const SCALAR* bias, const float* up, const float* down, SCALAR* y, unsigned char* noted,
    int planes, int channels, int in_h, int in_w, int mid_h, int mid_w, int out_h, int out_w,
    int up_before_x, int up_before_y, int down_before_x, int down_before_y, float gain, float slope, float clamp)
{
    __shared__ float outer[SIZE_OUTER];
    __shared__ float mid[MID_X * MID_Y];
    float* in = outer;
#if !UP_FULL
    float* wide = outer + SIZE_IN;
#endif
#if !DOWN_FULL
    float* narrow = outer;  // The samples that came in are no longer needed.
#endif

    int out_x = blockIdx.x * TILE_X, out_y = blockIdx.y * TILE_Y;
    int mid_x = out_x * DOWN_X - down_before_x, mid_y = out_y * DOWN_Y - down_before_y;
    int in_x = floor_div(mid_x - up_before_x, UP_X), in_y = floor_div(mid_y - up_before_y, UP_Y);
#if MODE == 1
    // A block notes the samples that no block behind it starts with.
    int own_x = blockIdx.x + 1 == gridDim.x ? MID_X : TILE_X * DOWN_X;
    int own_y = blockIdx.y + 1 == gridDim.y ? MID_Y : TILE_Y * DOWN_Y;
#endif
#if MODE > 0
    int row_bytes = (mid_w + 3) / 4;
#endif

    for (int plane = blockIdx.z; plane < planes; plane += gridDim.z) {
        const SCALAR* from = x + (long long)plane * in_h * in_w;
#if MODE > 0
        unsigned char* note = noted + (long long)plane * mid_h * row_bytes;
#endif
        float b = bias ? load(bias + plane % channels) : 0;
        for (int i = threadIdx.x; i < SIZE_IN; i += blockDim.x) {
            int ix = in_x + i % IN_X, iy = in_y + i / IN_X;
            bool inside = ix >= 0 && ix < in_w && iy >= 0 && iy < in_h;
            in[i] = inside ? load(from + iy * in_w + ix) + b : 0;
        }
        __syncthreads();

#if UP_FULL
        for (int i = threadIdx.x; i < MID_X * MID_Y; i += blockDim.x) {
            int base_x = mid_x + i % MID_X - up_before_x, base_y = mid_y + i / MID_X - up_before_y;
            int tap_x = to_multiple(base_x, UP_X), tap_y = to_multiple(base_y, UP_Y);
            int at_x = floor_div(base_x + tap_x, UP_X) - in_x, at_y = floor_div(base_y + tap_y, UP_Y) - in_y;
            float sum = 0;
            for (int a = tap_y; a < UP_TAPS_Y; a += UP_Y, at_y++)
                for (int c = tap_x, j = at_x; c < UP_TAPS_X; c += UP_X, j++)
                    sum += up[a * UP_TAPS_X + c] * in[at_y * IN_X + j];
            mid[i] = sum;
        }
        __syncthreads();
#else
        for (int i = threadIdx.x; i < SIZE_WIDE; i += blockDim.x) {
            int base = mid_x + i % MID_X - up_before_x, row = i / MID_X * IN_X;
            int tap = to_multiple(base, UP_X), at = floor_div(base + tap, UP_X) - in_x;
            float sum = 0;
            for (; tap < UP_TAPS_X; tap += UP_X, at++) sum += up[UP_TAPS_Y + tap] * in[row + at];
            wide[i] = sum;
        }
        __syncthreads();
        for (int i = threadIdx.x; i < MID_X * MID_Y; i += blockDim.x) {
            int base = mid_y + i / MID_X - up_before_y;
            int tap = to_multiple(base, UP_Y), at = floor_div(base + tap, UP_Y) - in_y;
            float sum = 0;
            for (; tap < UP_TAPS_Y; tap += UP_Y, at++) sum += up[tap] * wide[at * MID_X + i % MID_X];
            mid[i] = sum;
        }
        __syncthreads();
#endif

        for (int i = threadIdx.x; i < GROUPS * MID_Y; i += blockDim.x) {
            int row = i / GROUPS, left = i % GROUPS * 4, sy = mid_y + row;
#if MODE == 1
            unsigned codes = 0;
#endif
            for (int k = 0; k < 4 && left + k < MID_X; k++) {
                int sx = mid_x + left + k;
                float* at = mid + row * MID_X + left + k;
                bool inside = sx >= 0 && sx < mid_w && sy >= 0 && sy < mid_h;
#if MODE == 2
                if (inside) {
                    int code = note[(long long)sy * row_bytes + sx / 4] >> sx % 4 * 2 & 3;
                    *at *= code == 0 ? gain : code == 1 ? gain * slope : 0;
                } else
                    *at = 0;
#else
                int code = 0;
                *at = inside ? act(*at, gain, slope, clamp, code) : 0;
#if MODE == 1
                codes |= (unsigned)code << 2 * k;
#endif
#endif
            }
#if MODE == 1
            if (left < own_x && row < own_y && mid_x + left < mid_w && sy < mid_h)
                note[(long long)sy * row_bytes + (mid_x + left) / 4] = (unsigned char)codes;
#endif
        }
        __syncthreads();

#if DOWN_FULL
        for (int i = threadIdx.x; i < TILE_X * TILE_Y; i += blockDim.x) {
            int ox = i % TILE_X, oy = i / TILE_X;
            float sum = 0;
            for (int a = 0; a < DOWN_TAPS_Y; a++)
                for (int c = 0; c < DOWN_TAPS_X; c++)
                    sum += down[a * DOWN_TAPS_X + c] * mid[(oy * DOWN_Y + a) * MID_X + ox * DOWN_X + c];
            if (out_x + ox < out_w && out_y + oy < out_h)
                store(y + ((long long)plane * out_h + out_y + oy) * out_w + out_x + ox, sum);
        }
#else
        for (int i = threadIdx.x; i < SIZE_NARROW; i += blockDim.x) {
            int ox = i % TILE_X, row = i / TILE_X;
            float sum = 0;
            for (int c = 0; c < DOWN_TAPS_X; c++) sum += down[DOWN_TAPS_Y + c] * mid[row * MID_X + ox * DOWN_X + c];
            narrow[i] = sum;
        }
        __syncthreads();
        for (int i = threadIdx.x; i < TILE_X * TILE_Y; i += blockDim.x) {
            int ox = i % TILE_X, oy = i / TILE_X;
            float sum = 0;
            for (int a = 0; a < DOWN_TAPS_Y; a++) sum += down[a] * narrow[(oy * DOWN_Y + a) * TILE_X + ox];
            if (out_x + ox < out_w && out_y + oy < out_h)
                store(y + ((long long)plane * out_h + out_y + oy) * out_w + out_x + ox, sum);
        }
#endif
        // The next plane's samples overwrite what the last loop reads.
        __syncthreads();
    }
}
