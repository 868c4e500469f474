"""The CUDA kernels against torch on the GPU at hand, before they serve: a GPU that disagrees keeps torch."""

from collections.abc import Callable

import torch
from torch import Tensor

from explorer.ops.activations import bias_act
from explorer.ops.ends import Epilogue
from explorer.ops.filter_design import lowpass_filter, setup_filter
from explorer.ops.filtered import filtered_lrelu
from explorer.ops.modulated import modulated_conv2d
from explorer.ops.resample import upfirdn2d

# Of the largest value, by type: sums are float32 on either path, in another order.
TOLERANCES = {torch.float32: 1e-3, torch.float16: 2e-2, torch.bfloat16: 1e-1}

Run = Callable[[Tensor, Tensor, str], Tensor]


def cases(device: torch.device) -> dict[str, Run]:
    """Each operation as a function of features ``[2, 8, 20, 20]``, a bias or style ``[8]`` and the path."""
    generator = torch.Generator().manual_seed(1)
    weight = torch.randn(8, 8, 3, 3, generator=generator).to(device)
    noise = torch.randn(40, 40, generator=generator).to(device)
    taps = setup_filter([1, 3, 3, 1], device=device)
    low = lowpass_filter(numtaps=12, cutoff=4, width=6, fs=40).to(device)
    disc = lowpass_filter(numtaps=12, cutoff=4, width=6, fs=40, radial=True).to(device)

    def layer(x: Tensor, b: Tensor, impl: str) -> Tensor:
        styles = b.float().expand(2, 8)
        return modulated_conv2d(
            x, weight, styles, noise=noise, up=2, padding=1, resample_filter=taps, flip_weight=False,
            epilogue=Epilogue(b, "lrelu", clamp=1.0), impl=impl,
        )  # fmt: skip

    return {
        "upfirdn2d": lambda x, b, impl: upfirdn2d(
            x * b[:, None, None], taps, up=2, pad=(2, 1, 2, 1), gain=4, impl=impl
        ),
        "filtered_lrelu": lambda x, b, impl: filtered_lrelu(
            x, fu=low, fd=low, b=b, up=2, down=2, pad=11, clamp=0.8, impl=impl
        ),
        "radial filtered_lrelu": lambda x, b, impl: filtered_lrelu(
            x, fu=low, fd=disc, b=b, up=2, down=2, pad=11, impl=impl
        ),
        "bias_act": lambda x, b, impl: bias_act(x, b, act="lrelu", clamp=1.0, impl=impl),
        "modulated_conv2d": layer,
    }


def disagreement(device: torch.device) -> str | None:
    """Run every kernel with its gradient in every type; None where all agree with torch, else what does not."""
    generator = torch.Generator().manual_seed(0)
    x, b = torch.randn(2, 8, 20, 20, generator=generator), torch.randn(8, generator=generator)
    for name, run in cases(device).items():
        for dtype, tolerance in TOLERANCES.items():
            try:
                found, expected = (_value_and_gradients(run, x, b, device, dtype, impl) for impl in ("cuda", "torch"))
            except Exception as error:  # Whatever a driver or a compiler says, torch can serve.
                return f"the kernel of {name} could not run: {error}"
            for one, other in zip(found, expected, strict=True):
                # A kink that rounding moves a sample across shows in single values, not in the mean.
                distance = (one.float() - other.float()).abs().mean() / other.float().abs().mean()
                if not float(distance) < tolerance:
                    return f"the kernel of {name} in {dtype} differs from torch by {float(distance):.1e}"
    return None


def _value_and_gradients(
    run: Run, x: Tensor, b: Tensor, device: torch.device, dtype: torch.dtype, impl: str
) -> list[Tensor]:
    leaves = [t.to(device, dtype).requires_grad_() for t in (x, b)]
    with torch.enable_grad():
        y = run(*leaves, impl)
        return [y.detach(), *torch.autograd.grad(y.float().square().sum(), leaves)]
