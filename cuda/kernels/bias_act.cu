// Bias, activation, gain and clamp in one pass, and its gradient.
//
// Fixed when compiled: ACT, the activation's place in the list of cuda/kernels/pointwise.py.
// `inner` samples in a row share a bias; clamp is below 0 where there is none.

__device__ inline float activation(float u, float alpha)
{
#if ACT == 0
    return u;
#elif ACT == 1 || ACT == 2
    return u > 0 ? u : u * alpha;
#elif ACT == 3
    return tanhf(u);
#elif ACT == 4
    return 1 / (1 + expf(-u));
#elif ACT == 5
    return u > 0 ? u : expm1f(u);
#elif ACT == 6
    return 1.0507009873554805f * (u > 0 ? u : 1.6732632423543772f * expm1f(u));
#elif ACT == 7
    return u > 20 ? u : log1pf(expf(u));
#else
    return u / (1 + expf(-u));
#endif
}

__device__ inline float derivative(float u, float alpha)
{
#if ACT == 0
    return 1;
#elif ACT == 1 || ACT == 2
    return u > 0 ? 1 : alpha;
#elif ACT == 3
    float t = tanhf(u);
    return 1 - t * t;
#elif ACT == 4
    float t = 1 / (1 + expf(-u));
    return t * (1 - t);
#elif ACT == 5
    return u > 0 ? 1 : expf(u);
#elif ACT == 6
    return 1.0507009873554805f * (u > 0 ? 1 : 1.6732632423543772f * expf(u));
#elif ACT == 7
    return 1 / (1 + expf(-u));
#else
    float t = 1 / (1 + expf(-u));
    return t * (1 + u * (1 - t));
#endif
}

extern "C" __global__ void bias_act(
    const SCALAR* x, const SCALAR* bias, SCALAR* y, long long count, int inner, int channels, float alpha, float gain,
    float clamp)
{
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (long long)gridDim.x * blockDim.x) {
        float u = load(x + i) + (bias ? load(bias + i / inner % channels) : 0);
        store(y + i, limit(activation(u, alpha) * gain, clamp));
    }
}

extern "C" __global__ void bias_act_gradient(
    const SCALAR* grad, const SCALAR* x, const SCALAR* bias, SCALAR* dx, long long count, int inner, int channels,
    float alpha, float gain, float clamp)
{
    for (long long i = (long long)blockIdx.x * blockDim.x + threadIdx.x; i < count; i += (long long)gridDim.x * blockDim.x) {
        float u = load(x + i) + (bias ? load(bias + i / inner % channels) : 0);
        bool stopped = clamp >= 0 && fabsf(activation(u, alpha) * gain) > clamp;
        store(dx + i, stopped ? 0 : load(grad + i) * derivative(u, alpha) * gain);
    }
}
