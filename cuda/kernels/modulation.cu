// What stands before and after a modulated convolution: styles, demodulation, noise, bias, activation.

#define THREADS 128

// Reciprocal norm of each modulated output channel, [samples, outs]: a block each.
extern "C" __global__ void demodulate(
    const float* energy, const float* styles, float* scale, int outs, int ins, float epsilon)
{
    __shared__ float part[THREADS];
    int out = blockIdx.x, sample = blockIdx.y;
    float sum = 0;
    for (int i = threadIdx.x; i < ins; i += THREADS) {
        float s = styles[sample * ins + i];
        sum += s * s * energy[out * ins + i];
    }
    part[threadIdx.x] = sum;
    __syncthreads();
    for (int half = THREADS / 2; half > 0; half /= 2) {
        if (threadIdx.x < half) part[threadIdx.x] += part[threadIdx.x + half];
        __syncthreads();
    }
    if (threadIdx.x == 0) scale[sample * outs + out] = rsqrtf(part[0] + epsilon);
}

// y = factor of the plane * x.
extern "C" __global__ void scale_planes(const SCALAR* x, const float* factor, SCALAR* y, long long count, int inner)
{
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (long long)gridDim.x * blockDim.x)
        store(y + i, load(x + i) * factor[i / inner]);
}

__device__ inline float before_act(
    const SCALAR* x, const float* scale, const SCALAR* noise, const SCALAR* bias, long long i, int inner, int channels,
    int maps)
{
    long long plane = i / inner;
    float u = load(x + i);
    if (scale) u *= scale[plane];
    if (noise) u += load(noise + plane / channels % maps * inner + i % inner);
    if (bias) u += load(bias + plane % channels);
    return u;
}

// The end of a layer: leaky ReLU of scale * x + noise + bias, gain, clamp (none below 0).
extern "C" __global__ void finish(
    const SCALAR* x, const float* scale, const SCALAR* noise, const SCALAR* bias, SCALAR* y, long long count, int inner,
    int channels, int maps, float gain, float slope, float clamp)
{
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (long long)gridDim.x * blockDim.x) {
        float u = before_act(x, scale, noise, bias, i, inner, channels, maps);
        store(y + i, limit(u * lrelu_factor(u, gain, slope), clamp));
    }
}

// The gradient of `finish` by what it activates.
extern "C" __global__ void finish_gradient(
    const SCALAR* grad, const SCALAR* x, const float* scale, const SCALAR* noise, const SCALAR* bias, SCALAR* du,
    long long count, int inner, int channels, int maps, float gain, float slope, float clamp)
{
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (long long)gridDim.x * blockDim.x) {
        float u = before_act(x, scale, noise, bias, i, inner, channels, maps);
        float factor = lrelu_factor(u, gain, slope);
        bool stopped = clamp >= 0 && fabsf(u * factor) > clamp;
        store(du + i, stopped ? 0 : load(grad + i) * factor);
    }
}
