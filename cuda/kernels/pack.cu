// A picture [channels, h, w], -1 to 1, to RGBA bytes [h, w, 4]: cut off, not rounded, as the published viewer does.

__device__ inline unsigned level(float v)
{
    v = fminf(fmaxf(v * 127.5f + 128, 0.0f), 255.0f);
    return (unsigned)v;
}

extern "C" __global__ void pack_rgba(const SCALAR* x, unsigned* y, int channels, int count)
{
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
        unsigned r = level(load(x + i)), g = r, b = r, a = 255;
        if (channels >= 3) {
            g = level(load(x + count + i));
            b = level(load(x + 2 * count + i));
        }
        if (channels == 4) a = level(load(x + 3 * count + i));
        y[i] = r | g << 8 | b << 16 | a << 24;
    }
}
