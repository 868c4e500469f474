"""Compiled loops against plain torch, operation by operation.

    OMP_WAIT_POLICY=PASSIVE python -m tests.benchmarks.ops [--threads 1 2] [--repeats 7] [--only NAME ...]

Both paths run in turns in the same process, so that what else the machine does meets both: read the ratios. Results
go to ``results/ops.json`` with the machine and the versions. Losses are kept in it, and decide where the default
(``use("auto")``) stays with torch. ``--only`` takes the cases whose names hold one of the words, and leaves the others'
results as they were.
"""

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numba
import torch
from torch import Tensor

from explorer import ops
from explorer.process import prepare_process

RESULTS = Path(__file__).resolve().parent / "results" / "ops.json"
WARM_UPS = 2


@dataclass(frozen=True)
class Layer:
    """A layer of StyleGAN3 at 256 x 256, with the channels of the published configurations."""

    name: str
    channels: int
    size: int
    up: int
    pad: tuple[int, int]
    radial: bool
    batch: int = 1
    """Above 1 with channels next to one another, as a trainer has them."""


LAYERS = [
    Layer("T 36", 512, 38, 2, (9, 8), False),
    Layer("T 36 to 52", 512, 38, 4, (-6, -9), False),
    Layer("T 84", 512, 86, 2, (9, 8), False),
    Layer("T 84 to 148", 512, 86, 4, (-6, -9), False),
    Layer("T 148", 362, 150, 2, (9, 8), False),
    Layer("T 276", 181, 278, 2, (9, 8), False),
    Layer("R 36", 1024, 36, 2, (11, 10), True),
    Layer("R 84", 1024, 84, 2, (11, 10), True),
    Layer("R 148 to 276", 128, 148, 4, (-2, -5), True),
    Layer("R 276", 128, 276, 2, (11, 10), True),
    Layer("T 36, batch", 64, 38, 2, (9, 8), False, batch=16),
    Layer("T 84, batch", 64, 86, 2, (9, 8), False, batch=16),
]

Work = Callable[[str], Tensor]


def filtered_lrelu(layer: Layer) -> tuple[Tensor, Work]:
    rate = 2.0 * layer.size
    fu = ops.lowpass_filter(numtaps=6 * layer.up, cutoff=rate / 8, width=rate / 6, fs=rate)
    fd = ops.lowpass_filter(numtaps=12, cutoff=rate / 8, width=rate / 6, fs=rate, radial=layer.radial)
    x = torch.randn(layer.batch, layer.channels, layer.size, layer.size)
    if layer.batch > 1:
        x = x.to(memory_format=torch.channels_last)
    x.requires_grad_()
    b = torch.randn(layer.channels)
    pad = (*layer.pad, *layer.pad)
    return x, lambda impl: ops.filtered_lrelu(
        x, fu=fu, fd=fd, b=b, up=layer.up, down=2, pad=pad, clamp=256.0, impl=impl
    )


def resample(channels: int, size: int, **options: object) -> tuple[Tensor, Work]:
    f = ops.setup_filter([1, 3, 3, 1])
    x = torch.randn(1, channels, size, size).requires_grad_()
    return x, lambda impl: ops.upfirdn2d(x, f, impl=impl, **options)


def activation(channels: int, size: int) -> tuple[Tensor, Work]:
    x, b = torch.randn(1, channels, size, size).requires_grad_(), torch.randn(channels)
    return x, lambda impl: ops.bias_act(x, b, act="lrelu", clamp=256.0, impl=impl)


def modulated(channels: int, size: int, up: int) -> tuple[Tensor, Work]:
    """A layer of StyleGAN2; the gradient goes to its input and not to its weight, as in a projection."""
    f = ops.setup_filter([1, 3, 3, 1])
    x, weight = torch.randn(1, channels, size, size).requires_grad_(), torch.randn(channels, channels, 3, 3)
    styles, noise = torch.randn(1, channels), torch.randn(size * up, size * up)
    end = ops.Epilogue(torch.randn(channels), "lrelu")
    return x, lambda impl: ops.modulated_conv2d(
        x,
        weight,
        styles,
        noise=noise,
        up=up,
        padding=1,
        resample_filter=f,
        flip_weight=up == 1,
        epilogue=end,
        impl=impl,
    )


def cases() -> dict[str, tuple[Tensor, Work]]:
    """Every case by name: its input and what to do with it."""
    found = {f"filtered_lrelu, StyleGAN3-{layer.name}": filtered_lrelu(layer) for layer in LAYERS}
    for channels, size in ((512, 17), (512, 65), (128, 129), (64, 257)):
        found[f"upfirdn2d, 4 taps, {channels} x {size}^2"] = resample(channels, size, pad=1, gain=4.0)
    for channels, size in ((3, 64), (3, 256), (3, 512), (64, 128)):
        found[f"upfirdn2d, up 2, {channels} x {size}^2"] = resample(channels, size, up=2, pad=(2, 1, 2, 1), gain=4.0)
    found["upfirdn2d, down 2, 64 x 256^2"] = resample(64, 256, down=2, pad=1)
    for channels, size in ((512, 8), (512, 16), (512, 64), (256, 64), (128, 128), (64, 256), (32, 256), (16, 64)):
        found[f"modulated_conv2d, {channels} x {size}^2"] = modulated(channels, size, 1)
    for channels, size in ((512, 8), (512, 32), (256, 64), (128, 64), (64, 128), (16, 64)):
        found[f"modulated_conv2d, up 2, {channels} x {size}^2"] = modulated(channels, size, 2)
    for channels, size in ((512, 8), (512, 16), (512, 64), (64, 256)):
        found[f"bias_act, lrelu, {channels} x {size}^2"] = activation(channels, size)
    return found


def forward(case: tuple[Tensor, Work], impl: str) -> None:
    with torch.no_grad():
        case[1](impl)


def forward_and_backward(case: tuple[Tensor, Work], impl: str) -> None:
    x, work = case
    y = work(impl)
    torch.autograd.grad(y, x, torch.ones_like(y))


def time_in_turns(run: Callable[[str], None], *, repeats: int) -> dict[str, object]:
    """Median and spread of both paths, and of the ratio of neighbouring runs, in milliseconds."""
    taken: dict[str, list[float]] = {"torch": [], "numba": []}
    for turn in range(WARM_UPS + repeats):
        for impl, times in taken.items():
            start = time.perf_counter()
            run(impl)
            if turn >= WARM_UPS:
                times.append(1e3 * (time.perf_counter() - start))
    ratios = [a / b for a, b in zip(taken["torch"], taken["numba"], strict=True)]
    row: dict[str, object] = {impl: summary(times) for impl, times in taken.items()}
    return row | {"times_faster": summary(ratios)}


def summary(values: list[float]) -> dict[str, float]:
    low, middle, high = statistics.quantiles(values, n=4)
    return {"median": round(middle, 3), "quartiles": [round(low, 3), round(high, 3)], "best": round(min(values), 3)}


def machine() -> dict[str, object]:
    model = next(
        (line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line),
        platform.processor(),
    )
    capability = torch.backends.cpu.get_cpu_capability()
    return {"processor": model, "cores": os.cpu_count(), "vectors": capability, "system": platform.system()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1])
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--only", nargs="+", default=[""], metavar="NAME")
    options = parser.parse_args()

    kept = prepare_process()
    start = time.perf_counter()
    ops.warm_up()
    report: dict[str, Any] = json.loads(RESULTS.read_text()) if options.only != [""] and RESULTS.exists() else {}
    report |= {
        "machine": machine(),
        "versions": {"python": platform.python_version(), "torch": torch.__version__, "numba": numba.__version__},
        "unit": "ms; times_faster is torch / numba, above 1 the compiled loops win",
        "warm_up_s": round(time.perf_counter() - start, 2),
        # Without it, torch's path, which makes more large tensors, takes up to twice as long.
        "memory_kept": kept,
        "load_at_start": round(os.getloadavg()[0], 2),
    }
    torch.manual_seed(0)
    for threads in options.threads:
        torch.set_num_threads(threads)
        rows: dict[str, Any] = report.setdefault(f"threads_{threads}", {})
        for name, case in cases().items():
            if not any(word in name for word in options.only):
                continue
            rows[name] = {
                kind.__name__: time_in_turns(lambda impl, k=kind, c=case: k(c, impl), repeats=options.repeats)
                for kind in (forward, forward_and_backward)
            }
            taken = [f"{rows[name][kind]['numba']['best']:7.1f}" for kind in rows[name]]
            faster = [f"{rows[name][kind]['times_faster']['median']:6.2f}" for kind in rows[name]]
            shown = f"{threads} thread(s)  {name:44s} forward x{faster[0]} {taken[0]} ms"
            print(f"{shown}   with backward x{faster[1]} {taken[1]} ms", flush=True)
    report["load_at_end"] = round(os.getloadavg()[0], 2)
    RESULTS.write_text(json.dumps(report, indent=1) + "\n")


if __name__ == "__main__":
    main()
