"""``project``: find photos in the latent space of a model."""

import hashlib
import io
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
import numpy as np

from explorer.commands.picture import Source, open_picture_source
from explorer.errors import PhotoError
from explorer.project import BlobStore, Project, Recipe, save_picture, save_project
from explorer.project.atomic import write_atomically
from explorer.projection.plan import Plan, Space
from explorer.state import EditState, History, Point

if TYPE_CHECKING:
    import numpy.typing as npt
    from rich.progress import Progress as Bar

    from explorer.features import FeatureNetwork
    from explorer.projection import Bank, Found, Photo, Progress, Target

__all__ = ["project"]

_Tell = Callable[[float], None]
_SPACES: dict[str, Space] = {"w": "w", "w+": "w_plus", "style": "style"}


@click.command(short_help="Find photos in the latent space.")
@click.argument("checkpoint", metavar="CHECKPOINT_OR_PROJECT")
@click.argument("photos", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PHOTO_OR_FOLDER...")
@click.option("--space", type=click.Choice(list(_SPACES)), default="w", show_default=True, help="Where to look.")
@click.option("--time", "time_s", type=click.FloatRange(min=0, min_open=True), help="Seconds for each photo.")
@click.option("--steps", type=click.IntRange(1), help="Steps for each photo: the same on every machine; 300 without.")
@click.option("--seed", type=int, default=0, show_default=True, help="Of what is drawn on the way.")
@click.option("--mask", type=click.Path(path_type=Path), help="Picture: black is covered, white counts.")
@click.option(
    "--face/--no-face", default=None, help="Turn the largest face upright and cut it out as in FFHQ; asks the model."
)
@click.option("--noise", is_flag=True, help="Find noise maps, too (StyleGAN, StyleGAN2).")
@click.option("--transform", is_flag=True, help="Find shift and rotation, too (StyleGAN3).")
@click.option("--pti", "tune", is_flag=True, help="Tune the model around what was found.")
@click.option("--samples", type=click.IntRange(8), help="Of the model, to learn the first guess from; 4096 or fewer.")
@click.option("--features", type=click.Path(path_type=Path), help="A feature network of your own: VGG16 or LPIPS.")
@click.option(
    "--out", "folder", type=click.Path(path_type=Path), default=Path("out"), show_default=True, help="Folder."
)
def project(
    checkpoint: str,
    photos: tuple[Path, ...],
    space: str,
    time_s: float | None,
    steps: int | None,
    seed: int,
    mask: Path | None,
    face: bool | None,
    noise: bool,
    transform: bool,
    tune: bool,
    samples: int | None,
    features: Path | None,
    folder: Path,
) -> None:
    """Find photos in the latent space of a model.

    For each photo, writes the picture that was found (PNG with its recipe), the point (.npz), a project that the
    window opens (.latent) and a report (.json). A photo whose report is there already, for the same plan, is left
    out: an interrupted run goes on where it was.
    """
    if steps is not None and time_s is not None:
        raise click.UsageError("--steps and --time exclude each other: give one")
    plan = Plan(_SPACES[space], steps, time_s, noise, transform, tune, seed, samples)
    names = list(_photos(photos))
    work = _Work(open_picture_source(checkpoint, compiled=False), plan, mask, features, folder, face)
    folder.mkdir(parents=True, exist_ok=True)
    failed = 0
    with _bar() as bar:
        task = bar.add_task("Learning the model", total=1.0)
        work.learn(lambda share: bar.update(task, completed=share))
        for index, path in enumerate(names):
            bar.update(task, description=f"{path.name} ({index + 1} of {len(names)})", completed=0)
            try:
                words = work.find(path, lambda share: bar.update(task, completed=share))
            except PhotoError as error:
                # One that cannot be read must not take the others along.
                if len(names) == 1:
                    raise
                failed += 1
                click.echo(f"left out: {error}", err=True)
                continue
            click.echo(words)
    if failed:
        raise PhotoError(f"{failed} of {len(names)} photos could not be read; the others are in {folder}")


class _Work:
    """One model, one plan, many photos."""

    def __init__(
        self, opened: Source, plan: Plan, mask: Path | None, network: Path | None, folder: Path, face: bool | None
    ) -> None:
        from explorer.features import bundled_features, load_features
        from explorer.projection import read_mask, wants_faces

        self._renderer = opened.renderer
        self._base: EditState = opened.state
        self._plan = plan
        self._face = wants_faces(opened.renderer.checkpoint.info.to_json()) if face is None else face
        self._folder = folder
        self._mask: npt.NDArray[np.float32] | None = None if mask is None else read_mask(mask)
        self._features: FeatureNetwork = bundled_features() if network is None else load_features(network)
        self._bank: Bank | None = None
        # Photos that differ only by the end of their names.
        self._stems: dict[str, Path] = {}

    def learn(self, tell: _Tell) -> None:
        """Make the model's bank, or read it."""
        from explorer.projection import cached_bank_steps

        checkpoint = self._renderer.checkpoint
        steps = cached_bank_steps(checkpoint.generator, model=checkpoint.info.sha256, count=self._plan.samples)
        while True:
            try:
                tell(next(steps))
            except StopIteration as made:
                self._bank = made.value
                return

    def find(self, path: Path, tell: _Tell) -> str:
        """Find one photo and write everything; what to say about it."""
        from explorer.projection import make_target, read_photo, with_face

        settings = {
            **asdict(self._plan),
            "model": self._renderer.checkpoint.info.sha256,
            "features": self._features.name,
            "mask": None if self._mask is None else hashlib.sha256(self._mask.tobytes()).hexdigest(),
        }
        if self._face:
            settings["face"] = True
        stem = path.stem if self._stems.setdefault(path.stem, path) == path else path.name
        report = self._folder / f"{stem}.json"
        if _settings_in(report) == settings:
            return f"{report} is there already"
        photo, mask = read_photo(path), self._mask
        if self._face:
            photo, mask = with_face(photo, mask)
        for note in photo.notes:
            click.echo(f"{path.name}: {note}", err=True)
        target = make_target(photo, self._renderer.generator.spec, mask=mask)
        began_s = time.perf_counter()
        last = self._search(target, tell)
        seconds = time.perf_counter() - began_s
        return self._write(photo, stem, target, last, {"seconds": round(seconds, 3), "settings": settings})

    def _search(self, target: "Target", tell: _Tell) -> "Progress":
        from explorer.projection import project as search

        assert self._bank is not None
        generator = self._renderer.generator
        for last in search(generator, target, self._plan, self._bank, self._features):
            tell(last.share)
        return last

    def _write(self, photo: "Photo", stem: str, target: "Target", last: "Progress", facts: dict[str, object]) -> str:
        from explorer.projection.report import measured

        blobs = BlobStore()
        state = last.found.state(self._base, blobs)
        self._renderer.blobs = blobs
        pixels = self._renderer.frame(state).pixels
        numbers = measured(pixels, target, self._features)
        out = self._folder / stem

        def named(suffix: str) -> Path:
            return out.with_name(out.name + suffix)

        save_picture(pixels, named(".png"), Recipe(state, blobs))
        _write_arrays(named(".npz"), last.found)
        history = History.start(state, f"Project {photo.name}")
        save_project(Project(state, history, blobs, (Point(photo.name, state),)), named(".latent"))
        report = {"photo": photo.name, "notes": photo.notes, **numbers, "steps": last.step, **facts}
        # The report comes last: where it is, everything else is.
        _write_text(named(".json"), json.dumps(report, indent=1) + "\n")
        found = f"{numbers['psnr_db']:.1f} dB" if math.isfinite(numbers["psnr_db"]) else "exact"
        return f"{out.with_suffix('.png')} {found}, distance {numbers['distance']:.3f}, {facts['seconds']} s"


def _photos(paths: tuple[Path, ...]) -> Iterator[Path]:
    from explorer.projection.photo import SUFFIXES

    for path in paths:
        if not path.is_dir():
            yield path
            continue
        inside = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
        if not inside:
            raise PhotoError(f"{path} holds no photos: {', '.join(SUFFIXES)}")
        yield from inside


def _settings_in(report: Path) -> object:
    try:
        document = json.loads(report.read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return document.get("settings") if isinstance(document, dict) else None


def _write_arrays(path: Path, found: "Found") -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **found.arrays())
    write_atomically(path, buffer.getvalue())


def _write_text(path: Path, text: str) -> None:
    write_atomically(path, text.encode())


def _bar() -> "Bar":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn())
    return Progress(*columns, console=Console(stderr=True), transient=True)
