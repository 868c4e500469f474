"""How well and how soon photos are found, beside the published projector's algorithm on the same feature network.

    python -m tests.benchmarks.projection recovery [--write NAME]
    python -m tests.benchmarks.projection photos PICTURE... [--write NAME]

``recovery``: pictures that models made themselves, from their pixels alone, in W. ``photos``: pictures that the
bundled model never saw, in W, W+ and with tuning. Seconds are of the processor, one thread, so that other work on the
machine does not count. The published algorithm (StyleGAN2, appendix D; its code's schedule: 1000 steps, Adam at 0.1,
up within 5 % and down over the last 25 %, noise on w that fades until 75 %, noise maps held independent by 1e5) is
implemented here from its description; features are those of this program, for both.
"""

import argparse
import json
import math
import platform
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from explorer.checkpoints import open_checkpoint
from explorer.features import bundled_features
from explorer.generators.styles import broadcast
from explorer.project import find_bundled
from explorer.project.blobs import BlobStore
from explorer.projection import Loss, Photo, Plan, cached_bank_steps, make_target, perceptual_distance, project, psnr
from explorer.projection.noise import noise_penalty, normalised
from explorer.projection.photo import read_photo
from explorer.rendering import Renderer
from explorer.rendering.seeds import latent_of_seed
from explorer.rendering.tuning import noise_maps_of
from explorer.state import CheckpointRef, EditState

RESULTS = Path(__file__).resolve().parent / "results" / "projection.json"
NETS = Path(__file__).resolve().parents[1] / "golden" / "nets"
GOLDEN = ("sg2_64_rgb", "sg2_32_orig", "sg3t_32_cond4")
SEEDS = range(6001, 6021)
PUBLISHED_STEPS = 1000
STEPS = 300
MARK_EVERY = 10


def open_model(path):
    checkpoint, features = open_checkpoint(path), bundled_features()
    steps = cached_bank_steps(checkpoint.generator, features, model=checkpoint.info.sha256)
    began_s = time.process_time()
    while True:
        try:
            next(steps)
        except StopIteration as made:
            return checkpoint, features, made.value, time.process_time() - began_s


def own_picture(generator, seed: int) -> Photo:
    spec = generator.spec
    z = torch.from_numpy(latent_of_seed(seed, spec.z_dim)).float()[None]
    c = torch.eye(spec.c_dim)[seed % spec.c_dim][None] if spec.c_dim else None
    with torch.no_grad():
        image = generator.synthesize(generator.style(broadcast(generator.map(z, c), spec.num_ws)))
    pixels = (image[0] * 127.5 + 128).clamp(0, 255).byte().permute(1, 2, 0).numpy()
    return Photo(np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], axis=2), f"seed {seed}")


def shown(checkpoint, found) -> torch.Tensor:
    """The picture as a person gets it."""
    blobs = BlobStore()
    base = EditState(CheckpointRef(checkpoint.info.sha256, checkpoint.spec.family))
    pixels = Renderer(checkpoint, blobs=blobs).frame(found.state(base, blobs)).pixels
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


def ours(checkpoint, features, bank, target, plan: Plan) -> list[dict[str, float]]:
    """Marks along one search: seconds, decibels, distance."""
    kept, began_s = [], time.process_time()
    for step in project(checkpoint.generator, target, plan, bank, features):
        if not kept or step.step % MARK_EVERY == 0 or step.share >= 1:
            kept.append((step.stage, time.process_time() - began_s, step.found))
    return [{"stage": stage, "s": s, **numbers(shown(checkpoint, found), target, features)} for stage, s, found in kept]


def numbers(image, target, features) -> dict[str, float]:
    return {"db": psnr(image, target), "distance": perceptual_distance(image, target, features)}


def published(checkpoint, features, target) -> list[dict[str, float]]:
    """Marks along the published algorithm."""
    generator = checkpoint.generator
    marks, spent_s, mark_s = [], 0.0, time.process_time()
    for step, (image, _) in enumerate(published_steps(generator, features, target)):
        if step % (2 * MARK_EVERY) == 0 or step == PUBLISHED_STEPS - 1:
            spent_s += time.process_time() - mark_s
            marks.append({"s": spent_s, **numbers(image, target, features)})
            mark_s = time.process_time()
    return marks


def published_steps(generator, features, target) -> Iterator[tuple[torch.Tensor, float]]:
    random = torch.Generator().manual_seed(0)
    spec = generator.spec
    with torch.no_grad():
        w = generator.map(torch.randn(10_000, spec.z_dim, generator=random))
    mean = w.mean(dim=0, keepdim=True)
    deviation = float(((w - mean).square().sum() / len(w)).sqrt())
    maps = {name: torch.randn(kept.shape, generator=random) for name, kept in noise_maps_of(generator).items()}
    at = [mean.clone().requires_grad_(True), *(kept.requires_grad_(True) for kept in maps.values())]
    optimiser = torch.optim.Adam(at, betas=(0.9, 0.999))
    # Features alone, as published.
    loss = Loss(target, features, pixel_weight=0.0)
    for step in range(PUBLISHED_STEPS):
        t = step / PUBLISHED_STEPS
        ramp = 0.5 - 0.5 * math.cos(math.pi * min(1.0, (1 - t) / 0.25))
        optimiser.param_groups[0]["lr"] = 0.1 * ramp * min(1.0, t / 0.05)
        strength = deviation * 0.05 * max(0.0, 1 - t / 0.75) ** 2
        jittered = at[0] + torch.randn(at[0].shape, generator=random) * strength
        image = synthesis(generator, jittered, maps)
        total = loss(image).sum() + 1e5 * noise_penalty(maps.values())
        for value, slope in zip(at, torch.autograd.grad(total, at), strict=True):
            value.grad = slope
        optimiser.step()
        with torch.no_grad():
            for kept in maps.values():
                kept.copy_(normalised([kept]).view(kept.shape))
        yield image.detach(), float(total.detach())


def synthesis(generator, w, maps) -> torch.Tensor:
    class Synthesis(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.generator = generator

        def forward(self, s):
            return self.generator.synthesize(s)

    styles = generator.style(broadcast(w, generator.spec.num_ws))
    return torch.func.functional_call(
        Synthesis(), {f"generator.{name}": kept for name, kept in maps.items()}, (styles,)
    )


def recovery() -> dict[str, object]:
    results = {}
    for name, path in (("toons64", find_bundled("toons64").path), *((name, NETS / f"{name}.pkl") for name in GOLDEN)):
        checkpoint, features, bank, bank_s = open_model(path)
        decibels, seconds, guesses = [], [], []
        for seed in SEEDS:
            target = make_target(own_picture(checkpoint.generator, seed), checkpoint.spec)
            marks = ours(checkpoint, features, bank, target, Plan(steps=STEPS))
            decibels.append(round(marks[-1]["db"], 2))
            seconds.append(marks[-1]["s"])
            guesses.append(next(mark for mark in reversed(marks) if mark["stage"] == "first guess"))
        results[name] = {
            "over 30 dB": sum(value > 30 for value in decibels),
            "of": len(decibels),
            "db": decibels,
            "seconds": round(float(np.median(seconds)), 2),
            "first guess s": round(float(np.median([mark["s"] for mark in guesses])), 2),
            "first guess db": round(float(np.median([mark["db"] for mark in guesses])), 2),
            "bank s": round(bank_s, 1),
        }
        print(name, json.dumps(results[name]), flush=True)
    return results


def photos(paths: list[Path]) -> dict[str, object]:
    checkpoint, features, bank, _ = open_model(find_bundled("toons64").path)
    plans = {
        "W": Plan(steps=STEPS),
        "W+": Plan(space="w_plus", steps=STEPS),
        "W+ and tuning": Plan(space="w_plus", steps=2 * STEPS, tune=True),
    }
    rows: dict[str, list[dict[str, float]]] = {}
    sooner: list[float | None] = []
    for path in paths:
        target = make_target(read_photo(path), checkpoint.spec)
        runs = {name: ours(checkpoint, features, bank, target, plan) for name, plan in plans.items()}
        theirs = published(checkpoint, features, target)
        guess = next(mark for mark in reversed(runs["W"]) if mark["stage"] == "first guess")
        equal_time = [mark for mark in theirs if mark["s"] <= runs["W"][-1]["s"]][-1]
        rows.setdefault("first guess", []).append(guess)
        for name, marks in runs.items():
            rows.setdefault(name, []).append(marks[-1])
        rows.setdefault("published, at W's time", []).append(equal_time)
        rows.setdefault("published, 1000 steps", []).append(theirs[-1])
        reached = [mark["s"] for mark in runs["W"] if mark["distance"] <= theirs[-1]["distance"]]
        sooner.append(round(theirs[-1]["s"] / reached[0], 2) if reached else None)
        print(
            path.name,
            sooner[-1],
            {name: {k: round(v, 3) for k, v in r[-1].items() if k != "stage"} for name, r in rows.items()},
            flush=True,
        )
    table = {
        name: {key: round(float(np.median([mark[key] for mark in marks])), 4) for key in ("s", "db", "distance")}
        for name, marks in rows.items()
    }
    return {"photos": len(paths), "median": table, "times sooner at the published distance": sooner}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("recovery", "photos"))
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--write")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    found = recovery() if arguments.what == "recovery" else photos(arguments.pictures)
    print(json.dumps(found, indent=1))
    if arguments.write:
        kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        machine = {"machine": platform.machine(), "python": platform.python_version(), "torch": version("torch")}
        kept[arguments.write] = {**machine, **found}
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")


if __name__ == "__main__":
    main()
