// Types and conversions under every kernel. Everything computes in float; SCALAR is what memory holds.
//
// No header is included, neither CUDA's nor the compiler's: NVRTC needs no folder of them then, and the tests put a
// small shim in front instead and run the same text on a processor.

struct Half {
    unsigned short bits;
};
struct Bfloat {
    unsigned short bits;
};

#ifndef HOST
__device__ inline float half_to_float(unsigned short bits)
{
    float value;
    asm("cvt.f32.f16 %0, %1;" : "=f"(value) : "h"(bits));
    return value;
}
__device__ inline unsigned short float_to_half(float value)
{
    unsigned short bits;
    asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(value));
    return bits;
}
#endif

__device__ inline float load(const float* at) { return *at; }
__device__ inline float load(const Half* at) { return half_to_float(at->bits); }
__device__ inline float load(const Bfloat* at) { return __uint_as_float((unsigned)at->bits << 16); }

__device__ inline void store(float* at, float value) { *at = value; }
__device__ inline void store(Half* at, float value) { at->bits = float_to_half(value); }
__device__ inline void store(Bfloat* at, float value)
{
    // By hand, since sm_75 has no instruction for it: round to nearest, ties to even; a NaN stays one.
    unsigned bits = __float_as_uint(value);
    at->bits = value != value ? 0x7fc0 : (unsigned short)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

// Division that rounds down, for positions in front of a picture.
__device__ inline int floor_div(int a, int b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }

// The smallest offset from which `position` plus it is a multiple of `step`.
__device__ inline int to_multiple(int position, int step) { return floor_div(position + step - 1, step) * step - position; }

// What a leaky ReLU multiplies by, gain included.
__device__ inline float lrelu_factor(float u, float gain, float slope) { return u > 0 ? gain : gain * slope; }

__device__ inline float limit(float v, float clamp) { return clamp < 0 ? v : fminf(fmaxf(v, -clamp), clamp); }
