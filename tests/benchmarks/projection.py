"""How well and how soon photos are found, beside the published projector's algorithm on the same feature network.

    python -m tests.benchmarks.projection recovery [--net NAME] [--write NAME]
    python -m tests.benchmarks.projection unaligned --net NAME [--write NAME]
    python -m tests.benchmarks.projection photos PICTURE... --judge WHEEL --network FILE [--net NAME] [--write NAME]

``recovery``: pictures that a model made itself, from their pixels alone, in W. ``unaligned``: its pictures, shifted
and turned, with a search for their place and without. ``photos``: pictures that a model never saw, in W, W+ and
with tuning, judged by two that nothing here optimises: ST-LPIPS (see `tests.benchmarks.st_lpips`) and features of the
network in ``FILE``. Pictures are numbered by ``--first`` and ``--count``; results of the same name are put together.
Seconds are of the processor, one thread, so that other work on the machine does not count.

The published algorithm (StyleGAN2, appendix D; its code's schedule: 1000 steps, Adam at 0.1, up within 5 % and down
over the last 25 %, noise on w that fades until 75 %, noise maps held independent by 1e5) is implemented here from its
description; features are those of this program, for both.
"""

import argparse
import json
import math
import platform
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch

from explorer import ops
from explorer.checkpoints import open_checkpoint
from explorer.features import FeatureNetwork, bundled_features, feature_distance, load_features, unit_features
from explorer.generators.styles import broadcast
from explorer.project import find_bundled
from explorer.project.blobs import BlobStore
from explorer.projection import Loss, Photo, Plan, cached_bank_steps, make_target, perceptual_distance, project, psnr
from explorer.projection.noise import noise_penalty, normalised
from explorer.projection.photo import read_photo
from explorer.rendering import Renderer
from explorer.rendering.seeds import latent_of_seed
from explorer.rendering.synthesis import matrix_of
from explorer.rendering.tuning import noise_maps_of
from explorer.state import CheckpointRef, EditState, Transform
from tests.benchmarks.st_lpips import StLpips

Judges = dict[str, Callable[[torch.Tensor, torch.Tensor], float]]
"""By name: how far a picture ``[1, 3, H, W]`` of -1 to 1 is from another."""
RESULTS = Path(__file__).resolve().parent / "results" / "projection.json"
NETS = Path(__file__).resolve().parents[1] / "golden" / "nets"
BUNDLED = "toons64"
SEED = 6001
PUBLISHED_STEPS = 1000
STEPS = 300
MARK_EVERY = 10
Mark = dict[str, float]
Rows = dict[object, dict[str, float | None]]


def open_model(path):
    checkpoint, features = open_checkpoint(path), bundled_features()
    steps = cached_bank_steps(checkpoint.generator, model=checkpoint.info.sha256)
    began_s = time.process_time()
    while True:
        try:
            next(steps)
        except StopIteration as made:
            return checkpoint, features, made.value, time.process_time() - began_s


def own_picture(generator, seed: int, place: Transform | None = None) -> Photo:
    spec = generator.spec
    z = torch.from_numpy(latent_of_seed(seed, spec.z_dim)).float()[None]
    c = torch.eye(spec.c_dim)[seed % spec.c_dim][None] if spec.c_dim else None
    with torch.no_grad():
        s = generator.style(broadcast(generator.map(z, c), spec.num_ws))
        image = generator.synthesize(
            s, transform=matrix_of(place or Transform(), z.device) if spec.has_transform else None
        )
    pixels = (image[0] * 127.5 + 128).clamp(0, 255).byte().permute(1, 2, 0).numpy()
    return Photo(np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], axis=2), f"seed {seed}")


def shown(checkpoint, found) -> torch.Tensor:
    """The picture as a person gets it."""
    blobs = BlobStore()
    base = EditState(CheckpointRef(checkpoint.info.sha256, checkpoint.spec.family))
    pixels = Renderer(checkpoint, blobs=blobs).frame(found.state(base, blobs)).pixels
    return torch.from_numpy(pixels.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


def ours(checkpoint, features, bank, target, plan: Plan, judges: Judges | None = None) -> list[Mark]:
    """Marks along one search: seconds, decibels, distance."""
    kept, began_s = [], time.process_time()
    for step in project(checkpoint.generator, target, plan, bank, features):
        if not kept or step.step % MARK_EVERY == 0 or step.share >= 1:
            kept.append((step.stage, time.process_time() - began_s, step.found))
    return [
        {"stage": stage, "s": s, **numbers(shown(checkpoint, found), target, features, judges)}
        for stage, s, found in kept
    ]


def numbers(image, target, features, judges: Judges | None) -> Mark:
    judged = {name: float(judge(image.clamp(-1, 1), target.image)) for name, judge in (judges or {}).items()}
    return {"db": psnr(image, target), "distance": perceptual_distance(image, target, features), **judged}


def judges_of(wheel: Path, network: Path) -> Judges:
    """ST-LPIPS, and the distance of a network's unit features, at the picture's own size."""
    seen: FeatureNetwork = load_features(network)

    def by_features(image: torch.Tensor, wanted: torch.Tensor) -> float:
        with torch.no_grad():
            looks = [unit_features(seen(part)) for part in (image, wanted)]
            return float(feature_distance(*looks, heads=seen.heads))

    return {"st_lpips": StLpips(wheel), seen.name: by_features}


def published(checkpoint, features, target, judges: Judges) -> list[Mark]:
    """Marks along the published algorithm."""
    generator = checkpoint.generator
    marks, spent_s, mark_s = [], 0.0, time.process_time()
    for step, (image, _) in enumerate(published_steps(generator, features, target)):
        if step % (2 * MARK_EVERY) == 0 or step == PUBLISHED_STEPS - 1:
            spent_s += time.process_time() - mark_s
            marks.append({"s": spent_s, **numbers(image, target, features, judges)})
            mark_s = time.process_time()
    return marks


def published_steps(generator, features, target) -> Iterator[tuple[torch.Tensor, float]]:
    random = torch.Generator().manual_seed(0)
    spec = generator.spec
    # The published program knows no classes; samples of all of them are its fairest start.
    c = torch.eye(spec.c_dim)[torch.randint(spec.c_dim, (10_000,), generator=random)] if spec.c_dim else None
    with torch.no_grad():
        w = generator.map(torch.randn(10_000, spec.z_dim, generator=random), c)
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


def recovery(name: str, numbers_of: range, steps: int) -> Rows:
    """A row a picture: decibels, seconds, and those of the first guess."""
    checkpoint, features, bank, bank_s = open_model(path_of(name))
    rows = {}
    for number in numbers_of:
        target = make_target(own_picture(checkpoint.generator, SEED + number), checkpoint.spec)
        marks = ours(checkpoint, features, bank, target, Plan(steps=steps))
        guess = next(mark for mark in reversed(marks) if mark["stage"] == "first guess")
        rows[number] = {"db": marks[-1]["db"], "s": marks[-1]["s"], "guess db": guess["db"], "guess s": guess["s"]}
        print(name, number, rows[number], f"bank {bank_s:.1f} s", flush=True)
    return rows


def unaligned(name: str, numbers_of: range, steps: int) -> Rows:
    """A row a picture: decibels, pixels and degrees that its place is off, with a search for it and without."""
    checkpoint, features, bank, _ = open_model(path_of(name))
    generator, side = checkpoint.generator, checkpoint.spec.resolution[0]
    rows = {}
    for number in numbers_of:
        random = np.random.default_rng(number)
        x, y, angle = random.uniform(-0.2, 0.2), random.uniform(-0.2, 0.2), random.uniform(-180, 180)
        place = Transform(float(x), float(y), float(angle))
        target = make_target(own_picture(generator, SEED + number, place), checkpoint.spec)
        rows[number] = asdict(place)
        for words, moves in (("with", True), ("without", False)):
            began_s = time.process_time()
            search = project(generator, target, Plan(steps=steps, transform=moves), bank, features)
            (last,) = deque(search, maxlen=1)
            rows[number][f"s {words}"] = time.process_time() - began_s
            rows[number][f"db {words}"] = psnr(shown(checkpoint, last.found), target)
            found = last.found.transform
            off = math.hypot(found.translate_x - place.translate_x, found.translate_y - place.translate_y) * side
            rows[number][f"px {words}"] = off
            rows[number][f"degrees {words}"] = abs((found.rotate_deg - place.rotate_deg + 180) % 360 - 180)
        print(name, number, {key: round(value, 3) for key, value in rows[number].items()}, flush=True)
    return rows


PLANS = {
    "W": Plan(steps=STEPS),
    "W and noise": Plan(steps=STEPS, noise=True),
    "W+": Plan(space="w_plus", steps=STEPS),
    "W+ and tuning": Plan(space="w_plus", steps=2 * STEPS, tune=True),
}


def photos(name: str, paths: list[Path], judges: Judges) -> Rows:
    """A row a photo: for each way what it comes to, and how much sooner each is as good as the published algorithm."""
    checkpoint, features, bank, _ = open_model(path_of(name))
    rows = {}
    for path in paths:
        target = make_target(read_photo(path), checkpoint.spec)
        runs = {way: ours(checkpoint, features, bank, target, plan, judges) for way, plan in PLANS.items()}
        theirs = published(checkpoint, features, target, judges)
        guess = next(mark for mark in reversed(runs["W"]) if mark["stage"] == "first guess")
        equal_time = [mark for mark in theirs if mark["s"] <= runs["W"][-1]["s"]][-1]
        ends = {"first guess": guess, **{way: marks[-1] for way, marks in runs.items()}}
        ends |= {"published, at W's time": equal_time, "published, 1000 steps": theirs[-1]}
        row = {f"{way}: {key}": mark[key] for way, mark in ends.items() for key in ("s", "db", "distance", *judges)}
        for way, marks in runs.items():
            for key in ("distance", *judges):
                reached = [mark["s"] for mark in marks if mark[key] <= theirs[-1][key]]
                row[f"{way}: times sooner by {key}"] = theirs[-1]["s"] / reached[0] if reached else None
        rows[path.stem] = row
        print(path.name, {key: value if value is None else round(value, 3) for key, value in row.items()}, flush=True)
    return rows


def path_of(name: str) -> Path:
    golden = NETS / f"{name}.pkl"
    return Path(name) if Path(name).exists() else golden if golden.exists() else find_bundled(name).path


def put_together(rows: Rows) -> dict[str, object]:
    """Medians of all that is there, and how many pictures are over 30 dB or at their place."""
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    told: dict[str, object] = {"pictures": len(rows)}
    if "db" in names:
        told["over 30 dB"] = sum(row["db"] > 30 for row in rows.values())
    for words in ("with", "without"):
        if f"px {words}" in names:
            told[f"found {words}"] = sum(
                row[f"px {words}"] < 2 and row[f"degrees {words}"] < 2 for row in rows.values()
            )
    for name in names:
        values = [row[name] for row in rows.values() if row[name] is not None]
        told[name] = None if not values else round(float(np.median(values)), 4)
        if len(values) < len(rows):
            told[f"{name}, never in"] = len(rows) - len(values)
    return told


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("recovery", "unaligned", "photos"))
    parser.add_argument("pictures", nargs="*", type=Path)
    parser.add_argument("--net", default=BUNDLED, help="a golden net, a bundled model, or a file")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--judge", type=Path, help="the wheel of stlpips-pytorch")
    parser.add_argument("--network", type=Path, help="another judge: a feature network's file")
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--write")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    ops.use("auto")
    some = range(arguments.first, arguments.first + arguments.count)
    if arguments.what == "photos":
        rows = photos(arguments.net, arguments.pictures, judges_of(arguments.judge, arguments.network))
    else:
        rows = {"recovery": recovery, "unaligned": unaligned}[arguments.what](arguments.net, some, arguments.steps)
    if arguments.write:
        kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
        rows = {**kept.get(arguments.write, {}).get("rows", {}), **{str(key): row for key, row in rows.items()}}
        rows = {key: {n: v if v is None else round(v, 4) for n, v in row.items()} for key, row in rows.items()}
        machine = {"machine": platform.machine(), "python": platform.python_version(), "torch": version("torch")}
        kept[arguments.write] = {**machine, "median": put_together(rows), "rows": rows}
        RESULTS.write_text(json.dumps(kept, indent=1) + "\n")
        print(json.dumps(kept[arguments.write]["median"], indent=1))


if __name__ == "__main__":
    main()
