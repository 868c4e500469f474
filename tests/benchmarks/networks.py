"""Whole networks against the published code and the machine's own limit, in one run.

    python -m tests.benchmarks.networks [--published FOLDER] [--networks NAME ...] [--repeats 5] [--threads 2]

``FOLDER`` holds checkouts named ``stylegan2-ada-pytorch`` and ``stylegan3``, which are never part of this repository;
without it only our side is measured. Every side is a process of its own with the same random weights, and they take
turns: *ours*; *published* as it comes; and *published, memory kept*, which is the published code after
`prepare_process`, to tell what memory alone brings. The limit is the direct convolutions' floating-point operations
over the float32 rate of a matrix product of 2048 x 2048, measured between the turns. Results are merged into
``results/networks.json``. Where other work cannot be stopped, ``chrt -r 5 python -m ...`` (as root) puts the run
before it.
"""

import argparse
import contextlib
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
import types
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results" / "networks.json"
SIDES = ("ours", "published", "published, memory kept")
MEMORY_BYTES = int(os.environ.get("BENCHMARK_GIB", "14")) << 30
NETWORKS = ("stylegan3-t-256", "stylegan3-r-256", "stylegan2-256", "stylegan2-1024")


@dataclass(frozen=True)
class Shape:
    """A published standard configuration."""

    family: str
    resolution: int
    channel_base: int
    channel_max: int

    @classmethod
    def of(cls, name: str) -> "Shape":
        family, _, resolution = name.rpartition("-")
        size = int(resolution)
        if family == "stylegan2":
            return cls(family, size, 16384 if size <= 256 else 32768, 512)
        return cls(family, size, *((65536, 1024) if family.endswith("r") else (32768, 512)))


def our_generator(shape: Shape) -> Any:
    module = import_module(f"explorer.generators.{'stylegan2' if shape.family == 'stylegan2' else 'stylegan3'}")
    options: dict[str, Any] = {"channel_base": shape.channel_base, "channel_max": shape.channel_max}
    if shape.family != "stylegan2":
        options["variant"] = shape.family[-1]
    config = module.GeneratorConfig.standard(resolution=shape.resolution, **options)
    return module.Generator(config).eval().requires_grad_(False)


def published_generator(shape: Shape, folder: Path) -> Any:
    import packaging.version

    # What the published code imports and does not need here.
    sys.modules.setdefault("requests", types.ModuleType("requests"))
    resources = types.ModuleType("pkg_resources")
    resources.parse_version = packaging.version.parse  # type: ignore[attr-defined]
    sys.modules.setdefault("pkg_resources", resources)
    common = {"z_dim": 512, "c_dim": 0, "w_dim": 512, "img_resolution": shape.resolution, "img_channels": 3}
    sizes = {"channel_base": shape.channel_base, "channel_max": shape.channel_max}
    if shape.family == "stylegan2":
        sys.path.insert(0, str(folder / "stylegan2-ada-pytorch"))
        options = {"synthesis_kwargs": {**sizes, "num_fp16_res": 0}, "mapping_kwargs": {"num_layers": 8}}
        kind = import_module("training.networks").Generator
    else:
        sys.path.insert(0, str(folder / "stylegan3"))
        options = {**sizes, "num_fp16_res": 0, "mapping_kwargs": {"num_layers": 2}}
        if shape.family.endswith("r"):
            options |= {"conv_kernel": 1, "use_radial_filters": True}
        kind = import_module("training.networks_stylegan3").Generator
    return kind(**common, **options).eval().requires_grad_(False)


def serve(side: str, name: str, threads: int, folder: Path | None) -> None:
    """A side: answers orders on standard input with seconds on standard output."""
    if side != "published":
        from explorer.process import prepare_process

        prepare_process()
    import torch

    # So that a side that keeps every activation ends by itself, and nobody else.
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # Whatever else is printed is no answer.
    shape = Shape.of(name)
    given = torch.randn(1, 512, generator=torch.Generator().manual_seed(1))
    if side == "ours":
        from explorer import ops

        ops.warm_up()
        ops.use("auto")
        generator = our_generator(shape)
        w = generator.map(given)[:, None].repeat(1, generator.spec.num_ws, 1)
        run: Callable[[Any], Any] = lambda w: generator.synthesize(generator.style(w))  # noqa: E731
    else:
        assert folder is not None
        generator = published_generator(shape, folder)
        w = generator.mapping(given, None)
        options = {"noise_mode": "const"} if shape.family == "stylegan2" else {}
        run = lambda w: generator.synthesis(w, **options)  # noqa: E731
    works = {"forward": lambda: _forward(run, w), "gradient": lambda: _gradient(run, w)}
    if side == "ours":
        works |= edits(generator, w)
        print(json.dumps(direct_flops(generator)), file=answers)
    else:
        print(json.dumps(None), file=answers)
    for order in sys.stdin:
        if order.strip() == "memory":
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            print(json.dumps(round(peak / 1024)), file=answers)
            continue
        begin = time.perf_counter()
        try:
            works[order.strip()]()
        except (MemoryError, RuntimeError) as error:
            print(error, file=sys.stderr)
            return
        print(json.dumps(time.perf_counter() - begin), file=answers)


def _forward(run: Callable[[Any], Any], w: Any) -> None:
    import torch

    with torch.no_grad():
        run(w)


def _gradient(run: Callable[[Any], Any], w: Any) -> None:
    leaf = w.clone().requires_grad_()
    run(leaf).square().sum().backward()


def edits(generator: Any, w: Any) -> dict[str, Callable[[], None]]:
    """The synthesis stage of the renderer: a repeated frame, and one whose last third of layers is edited."""
    import torch

    from explorer.rendering.synthesis import SynthesisStage
    from explorer.state import Noise, Transform

    stage = SynthesisStage(generator, torch.device("cpu"))
    turns = iter(range(1, 1 << 30))

    def frame(change_from: int | None) -> None:
        edited = w.clone()
        if change_from is not None:
            edited[:, change_from:] += 0.01 * next(turns)
        with torch.no_grad():
            stage.image(generator.style(edited), Noise(), Transform())

    rows = w.shape[1]
    return {
        "all layers": lambda: frame(0),
        "last third": lambda: frame(rows - rows // 3),
        "repeated": lambda: frame(None),
        "settle": lambda: frame(None),
    }


def direct_flops(generator: Any) -> float:
    """Floating-point operations of the convolutions, as written, of one picture."""
    import torch

    total = 0
    spec = generator.spec
    synthesis = generator.synthesis
    for layer in spec.layers:
        part = synthesis.get_submodule(layer.name)
        weight = getattr(part, "weight", None)
        if weight is None or weight.ndim != 4:
            total += 2 * weight.numel() * layer.size[0] * layer.size[1]
            continue
        plan = getattr(part, "plan", None)
        if plan is not None:  # The convolution comes before the resampling, and widens the picture.
            positions = (plan.in_size + plan.conv_kernel - 1) ** 2
        else:
            positions = layer.size[0] * layer.size[1] // getattr(part, "up", 1) ** 2
        total += 2 * weight.numel() * positions
    assert isinstance(total, int | torch.Tensor)
    return float(total)


class Side:
    """A worker process."""

    def __init__(self, side: str, name: str, threads: int, folder: Path | None) -> None:
        command = [sys.executable, "-m", "tests.benchmarks.networks", "--serve", side, "--networks", name]
        command += ["--threads", str(threads), *(["--published", str(folder)] if folder else [])]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.about = self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise MemoryError(f"did not fit into {MEMORY_BYTES >> 30} GiB (status {self._process.wait()})")
        return json.loads(line)

    def ask(self, order: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(order + "\n")
        self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.wait()


def matrix_rate(threads: int) -> float:
    """Floating-point operations a second of a matrix product."""
    import torch

    torch.set_num_threads(threads)
    a, b = torch.randn(2, 2048, 2048).unbind()
    taken = []
    for _ in range(7):
        begin = time.perf_counter()
        a @ b
        taken.append(time.perf_counter() - begin)
    return 2 * 2048**3 / statistics.median(taken)


def in_turns(
    sides: dict[str, Side], order: str, repeats: int, threads: int
) -> tuple[dict[str, list[float]], list[float]]:
    """Seconds of each side, and matrix rates between."""
    taken: dict[str, list[float]] = {name: [] for name in sides}
    for side in sides.values():
        side.ask(order)
    rates = []
    for turn in range(repeats):
        rates.append(matrix_rate(threads))
        for name, side in sides.items():
            # Our turns are short: several of them, so that the median is one of many.
            for _ in range(3 if name == "ours" else 1):
                taken[name].append(side.ask(order))
        print(f"  {order} {turn + 1}/{repeats}", {k: round(v[-1], 3) for k, v in taken.items()}, flush=True)
    return taken, rates


def measure(name: str, *, threads: int, repeats: int, folder: Path | None) -> dict[str, Any]:
    """One network."""
    wanted = SIDES if folder else SIDES[:1]
    row: dict[str, Any] = {"load_before": round(os.getloadavg()[0], 2)}
    sides = {side: Side(side, name, threads, folder) for side in wanted}
    row["direct_gflop"] = round(sides["ours"].about / 1e9, 1)
    taken, rates = in_turns(sides, "forward", repeats, threads)
    row["forward"] = {side: summary(times) for side, times in taken.items()}
    row["matrix_gflops"] = round(statistics.median(rates) / 1e9, 1)
    ours = statistics.median(taken["ours"])
    row["share_of_limit"] = round(sides["ours"].about / statistics.median(rates) / ours, 3)
    row["times_faster"] = {side: round(statistics.median(taken[side]) / ours, 2) for side in wanted[1:]}
    row["peak_memory_mb"] = {side: worker.ask("memory") for side, worker in sides.items()}

    row["edit"] = edit_costs(sides["ours"], repeats)
    for side in sides.values():
        side.close()
    # The harder of the two comparisons only: the other takes minutes a step.
    row["gradient"] = gradients(
        name,
        (wanted[0], wanted[-1]) if folder else wanted,
        threads=threads,
        repeats=max(2, repeats // 2),
        folder=folder,
    )
    return row


def edit_costs(ours: Side, repeats: int) -> dict[str, Any]:
    times: dict[str, list[float]] = {"all layers": [], "last third": [], "repeated": []}
    for _ in range(2 + repeats):
        for order, found in times.items():
            # Every edit starts from the same picture.
            ours.ask("settle")
            found.append(ours.ask(order))
    found = {order: summary(values[2:]) for order, values in times.items()}
    return {**found, "last third of all": round(found["last third"]["median_s"] / found["all layers"]["median_s"], 3)}


def gradients(name: str, wanted: tuple[str, ...], *, threads: int, repeats: int, folder: Path | None) -> dict[str, Any]:
    """One step to the gradient by w; each side alone in memory, since the published one keeps every activation."""
    found: dict[str, Any] = {}
    for side in wanted:
        worker = Side(side, name, threads, folder)
        try:
            taken, _ = in_turns({side: worker}, "gradient", repeats, threads)
            found[side] = {**summary(taken[side]), "peak_memory_mb": worker.ask("memory")}
        except MemoryError as error:
            found[side] = str(error)
        worker.close()
    middle = {side: value["median_s"] for side, value in found.items() if isinstance(value, dict)}
    if "ours" in middle:
        ratios = {side: round(value / middle["ours"], 2) for side, value in middle.items() if side != "ours"}
        found["times_faster"] = ratios
    return found


def summary(times: list[float]) -> dict[str, Any]:
    return {"median_s": round(statistics.median(times), 5), "best_s": round(min(times), 5), "runs": len(times)}


def machine(threads: int) -> dict[str, Any]:
    import numba
    import torch

    from tests.benchmarks.ops import machine as processor

    return {
        **processor(),
        "threads": threads,
        "scheduling": "real-time" if os.sched_getscheduler(0) in (os.SCHED_RR, os.SCHED_FIFO) else "ordinary",
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numba": numba.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", type=Path)
    parser.add_argument("--networks", nargs="+", default=list(NETWORKS))
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--serve", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        serve(options.serve, options.networks[0], options.threads, options.published)
        return
    report = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name in options.networks:
        print(name, flush=True)
        row = measure(name, threads=options.threads, repeats=options.repeats, folder=options.published)
        report[name] = {"machine": machine(options.threads), **row}
        RESULTS.write_text(json.dumps(report, indent=1) + "\n")
        shown = (
            "times_faster",
            "share_of_limit",
            "matrix_gflops",
            "direct_gflop",
            "gradient",
            "edit",
            "peak_memory_mb",
        )
        print(json.dumps({key: row[key] for key in shown}), flush=True)


if __name__ == "__main__":
    main()
