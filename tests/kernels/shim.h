// What a kernel of cuda/kernels finds on a GPU, on a processor. See host.py.
// C headers only: they compile in no time.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#define HOST
#define __global__
#define __device__
#define __shared__ static

struct Index {
    unsigned x, y, z;
};
static Index threadIdx, blockIdx, blockDim, gridDim;

static float __uint_as_float(unsigned bits)
{
    float value;
    memcpy(&value, &bits, 4);
    return value;
}
static unsigned __float_as_uint(float value)
{
    unsigned bits;
    memcpy(&bits, &value, 4);
    return bits;
}
static float rsqrtf(float x) { return 1 / sqrtf(x); }

static float half_to_float(unsigned short bits)
{
    int exponent = bits >> 10 & 31;
    float part = bits & 1023, value;
    if (exponent == 31)
        value = part ? NAN : INFINITY;
    else
        value = exponent ? ldexpf(1024 + part, exponent - 25) : ldexpf(part, -24);
    return bits >> 15 ? -value : value;
}
static unsigned short float_to_half(float value)
{
    unsigned short sign = __float_as_uint(value) >> 31 << 15;
    float size = fabsf(value);
    if (value != value) return 0x7e00;
    if (size >= 65520) return sign | 0x7c00;
    int exponent = size > 0 ? ilogbf(size) : -15;
    if (exponent < -14) exponent = -14;
    // nearbyintf rounds ties to even. 2048 carries into the exponent, as it should.
    int part = (int)nearbyintf(ldexpf(size, 10 - exponent));
    return sign | (unsigned short)(part + (exponent + 14 << 10));
}

#define MOST_THREADS 1024
#define STACK 32768

struct Fiber {
    ucontext_t context;
    Index index;
    bool done;
};
static Fiber fibers[MOST_THREADS];
static char* stacks;
static ucontext_t scheduler;
static unsigned current;
static void (*body)(void**);
static void** arguments;

static void enter()
{
    body(arguments);
    fibers[current].done = true;
}

static void __syncthreads() { swapcontext(&fibers[current].context, &scheduler); }

static void run_block_with_barriers()
{
    unsigned count = blockDim.x * blockDim.y;
    if (!stacks) stacks = (char*)malloc(MOST_THREADS * STACK);
    for (unsigned i = 0; i < count; i++) {
        Fiber& fiber = fibers[i];
        fiber.index = {i % blockDim.x, i / blockDim.x, 0};
        fiber.done = false;
        getcontext(&fiber.context);
        fiber.context.uc_stack.ss_sp = stacks + i * STACK;
        fiber.context.uc_stack.ss_size = STACK;
        fiber.context.uc_link = &scheduler;
        makecontext(&fiber.context, enter, 0);
    }
    for (bool running = true; running;) {
        running = false;
        for (current = 0; current < count; current++) {
            if (fibers[current].done) continue;
            threadIdx = fibers[current].index;
            swapcontext(&scheduler, &fibers[current].context);
            running |= !fibers[current].done;
        }
    }
}

static void run_grid(
    unsigned gx, unsigned gy, unsigned gz, unsigned bx, unsigned by, bool barriers, void (*kernel)(void**), void** a)
{
    body = kernel;
    arguments = a;
    gridDim = {gx, gy, gz};
    blockDim = {bx, by, 1};
    for (blockIdx.z = 0; blockIdx.z < gz; blockIdx.z++)
        for (blockIdx.y = 0; blockIdx.y < gy; blockIdx.y++)
            for (blockIdx.x = 0; blockIdx.x < gx; blockIdx.x++) {
                if (barriers) {
                    run_block_with_barriers();
                    continue;
                }
                for (threadIdx = {0, 0, 0}; threadIdx.y < by; threadIdx.y++)
                    for (threadIdx.x = 0; threadIdx.x < bx; threadIdx.x++) body(arguments);
            }
}
