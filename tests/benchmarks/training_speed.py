"""Seconds for a thousand pictures, against the published StyleGAN2-ADA code on the same processor.

    git clone https://github.com/NVlabs/stylegan2-ada-pytorch /somewhere/else
    python -m tests.benchmarks.training_speed --published /somewhere/else [--repeats 3] [--threads 2] [--augment]

Both train the same networks at 64 x 64 with the same losses (R1 every 16 steps, path lengths every 4, style mixing,
averaging), each in a process of its own, and take turns step by step, so that what else the machine does meets both:
read the ratios. With ``--augment`` both show everything through the pipe bgc with a probability of 0.3, ours by ADA's
own code. The published loop is driven by phases, as its own training loop does it; nothing of it is in this repository.
Its resampling cannot be differentiated twice by this version of torch: its own operation is put together anew here.
Results go to ``results/training_speed.json``, a run with and one without ``--augment`` side by side.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import types
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).resolve().parent / "results" / "training_speed.json"
BATCH, SIZE, Z_DIM, CHANNEL_BASE, CHANNEL_MAX = 16, 64, 256, 4096, 128
# How often each kind of step comes among 16.
SHARES = {"plain": 12, "path length": 3, "both": 1}
NAMES = ("published", "ours", "ours bfloat16")
AUGMENT_P = 0.3
FIRST_STEP = {"both": 0, "plain": 1, "path length": 4}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--published", type=Path, required=True)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--augment", action="store_true")
    parser.add_argument("--only", nargs="*", choices=NAMES[1:], default=NAMES[1:])
    parser.add_argument("--worker", choices=NAMES)
    options = parser.parse_args()
    if options.worker:
        published = options.worker == "published"
        _serve(_published(options.published, options.augment) if published else _ours(options.worker, options.augment))
        return
    names = ("published", *options.only)
    workers = {name: _start(name, options) for name in names}
    times: dict[str, dict[str, list[float]]] = {name: {kind: [] for kind in SHARES} for name in names}
    for repeat in range(options.repeats + 1):
        for kind in SHARES:
            for name, worker in workers.items():
                seconds = _ask(worker, kind)
                # The first of each is a warm-up.
                if repeat:
                    times[name][kind].append(seconds)
    for worker in workers.values():
        worker.stdin.close()
        worker.wait()
    _write(times, options)


def _start(name: str, options: argparse.Namespace) -> Any:
    own = str(options.published if name == "published" else ROOT)
    environment = {**os.environ, "PYTHONPATH": own, "OMP_NUM_THREADS": str(options.threads)}
    command = [sys.executable, str(Path(__file__).resolve()), "--worker", name, "--published", str(options.published)]
    command += ["--augment"] if options.augment else []
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, cwd=own)


def _ask(worker: Any, kind: str) -> float:
    worker.stdin.write(kind + "\n")
    worker.stdin.flush()
    return float(worker.stdout.readline())


def _serve(step: Any) -> None:
    answer = os.fdopen(os.dup(1), "w")
    # What the libraries print is no answer.
    os.dup2(2, 1)
    for line in sys.stdin:
        began = time.perf_counter()
        step(line.strip())
        answer.write(f"{time.perf_counter() - began}\n")
        answer.flush()


def _ours(name: str, augmented: bool) -> Any:
    from explorer.process import TRAINER_SPIN, prepare_process

    # As ``python -m training`` does.
    prepare_process(spin=TRAINER_SPIN)
    import torch

    from explorer.ops import use, warm_up
    from training.config import TrainingConfig
    from training.data import TrainingSet
    from training.loop import train_step
    from training.state import new_state

    warm_up()
    use("auto")
    pictures = torch.randint(0, 256, (64, 3, SIZE, SIZE), dtype=torch.uint8)
    config = TrainingConfig(
        batch=BATCH, z_dim=Z_DIM, w_dim=Z_DIM, channel_base=CHANNEL_BASE, channel_max=CHANNEL_MAX, r1_gamma=0.05,
        precision="bfloat16" if "bfloat16" in name else "float32",
        augment="fixed" if augmented else "none", augment_p=AUGMENT_P if augmented else 0.0,
    )  # fmt: skip
    data = TrainingSet("noise", pictures, None, ())
    state = new_state(config, data)

    def step(kind: str) -> None:
        state.step = FIRST_STEP[kind]
        train_step(state, data)

    return step


def _published(folder: Path, augmented: bool) -> Any:
    sys.path[:] = [str(folder), *(entry for entry in sys.path if Path(entry or ".").resolve() != ROOT)]
    # It downloads with it, which nothing here asks for.
    sys.modules.setdefault("requests", types.ModuleType("requests"))
    import torch

    from training.loss import StyleGAN2Loss  # type: ignore[import-not-found]
    from training.networks import Discriminator, Generator  # type: ignore[import-not-found]

    pipe = _published_pipe() if augmented else None
    widths = {"channel_base": CHANNEL_BASE, "channel_max": CHANNEL_MAX}
    common = {"c_dim": 0, "img_resolution": SIZE, "img_channels": 3}
    g = Generator(
        z_dim=Z_DIM, w_dim=Z_DIM, mapping_kwargs={"num_layers": 2}, synthesis_kwargs=widths, **common
    ).requires_grad_(False)
    d = Discriminator(epilogue_kwargs={"mbstd_group_size": 4}, **widths, **common).requires_grad_(False)
    import copy

    average = copy.deepcopy(g).eval()
    loss = StyleGAN2Loss(
        device=torch.device("cpu"), G_mapping=g.mapping, G_synthesis=g.synthesis, D=d, augment_pipe=pipe,
        r1_gamma=0.05, pl_weight=2,
    )  # fmt: skip
    adam = {
        name: torch.optim.Adam(net.parameters(), lr=0.0025, betas=(0.0, 0.99), eps=1e-8)
        for name, net in (("G", g), ("D", d))
    }
    phases = {
        "plain": (("Gmain", 1), ("Dmain", 1)),
        "path length": (("Gmain", 1), ("Greg", 4), ("Dmain", 1)),
        "both": (("Gmain", 1), ("Greg", 4), ("Dmain", 1), ("Dreg", 16)),
    }
    empty = torch.zeros(BATCH, 0)

    def step(kind: str) -> None:
        real = torch.rand(BATCH, 3, SIZE, SIZE) * 2 - 1
        for phase, gain in phases[kind]:
            net = g if phase[0] == "G" else d
            adam[phase[0]].zero_grad(set_to_none=True)
            net.requires_grad_(True)
            loss.accumulate_gradients(
                phase=phase,
                real_img=real,
                real_c=empty,
                gen_z=torch.randn(BATCH, Z_DIM),
                gen_c=empty,
                sync=True,
                gain=gain,
            )
            net.requires_grad_(False)
            for p in net.parameters():
                if p.grad is not None:
                    torch.nan_to_num(p.grad, nan=0, posinf=1e5, neginf=-1e5, out=p.grad)
            adam[phase[0]].step()
        with torch.no_grad():
            for mean, p in zip(average.parameters(), g.parameters(), strict=True):
                mean.copy_(p.lerp(mean, 0.999))

    return step


def _published_pipe() -> Any:
    import torch
    from torch_utils.ops import grid_sample_gradfix  # type: ignore[import-not-found]

    from training.augment import AugmentPipe  # type: ignore[import-not-found]

    class Sample(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, picture: Any, grid: Any) -> Any:
            ctx.save_for_backward(grid)
            ctx.shape = picture.shape
            return torch.nn.functional.grid_sample(picture, grid, align_corners=False)

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return Spread.apply(gradient, ctx.saved_tensors[0], ctx.shape), None

    class Spread(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, gradient: Any, grid: Any, shape: Any) -> Any:
            ctx.save_for_backward(grid)
            nothing = gradient.new_empty(1).expand(shape)
            back = torch.ops.aten.grid_sampler_2d_backward
            return back(gradient, nothing, grid, 0, 0, False, [True, False])[0]

        @staticmethod
        def backward(ctx: Any, gradient: Any) -> Any:
            return Sample.apply(gradient, ctx.saved_tensors[0]), None, None

    grid_sample_gradfix.grid_sample = Sample.apply
    names = (
        "xflip", "rotate90", "xint", "scale", "rotate", "aniso", "xfrac", "brightness", "contrast", "lumaflip", "hue",
        "saturation",
    )  # fmt: skip
    pipe = AugmentPipe(**dict.fromkeys(names, 1))
    pipe.p.copy_(torch.tensor(AUGMENT_P))
    return pipe


def _write(times: dict[str, dict[str, list[float]]], options: argparse.Namespace) -> None:
    from tests.benchmarks.machine import about_machine

    def per_kimg(name: str, pick: Any) -> float:
        steps = sum(SHARES[kind] * pick(found) for kind, found in times[name].items()) / sum(SHARES.values())
        return float(steps * 1000 / BATCH)

    rows = {
        name: {
            "s_per_kimg_median": round(per_kimg(name, statistics.median), 2),
            "s_per_kimg_best": round(per_kimg(name, min), 2),
            "s_per_step": {kind: sorted(round(value, 4) for value in found) for kind, found in by_kind.items()},
        }
        for name, by_kind in times.items()
    }
    ratios = {
        name: {
            key: round(rows["published"][key] / rows[name][key], 2)  # type: ignore[operator]
            for key in ("s_per_kimg_median", "s_per_kimg_best")
        }
        for name in rows
        if name != "published"
    }
    result = {
        "what": f"StyleGAN2 at {SIZE} x {SIZE}, batch {BATCH}, channel_base {CHANNEL_BASE}, channel_max {CHANNEL_MAX}",
        "machine": about_machine(),
        **(json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}),
    }
    result["pipe bgc at p 0.3" if options.augment else "no augmentation"] = {
        "threads": options.threads,
        "repeats": options.repeats,
        "results": rows,
        "times_as_fast_as_published": ratios,
    }
    RESULTS.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(ratios, indent=2))


if __name__ == "__main__":
    main()
