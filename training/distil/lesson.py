"""A StyleGAN3 that learns to draw what a StyleGAN2 draws.

The student takes the teacher's mapping network as it is, so both share one W: a seed and a slider mean the same in
either. Only its synthesis learns, from pairs of a style and the teacher's picture, which is far quicker than a game
against a discriminator; ``python -m training --resume-from OUT.safetensors`` goes on with one.

Source: MobileStyleGAN (Belousov 2021), section 4, teaches a generator pixels and features of another one's pictures.
"""

import copy
import dataclasses
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from explorer.checkpoints import CheckpointParts, open_checkpoint, read_training_extras, save_checkpoint
from explorer.features.network import FeatureNetwork, feature_distance, unit_features
from explorer.generators import stylegan2, stylegan3
from explorer.generators.styles import broadcast, truncate
from explorer.state import Noise
from training.averaging import average_towards
from training.config import ConfigError, ema_beta

__all__ = ["SHAPE", "Lesson", "Pupil", "distance", "new_pupil", "open_pupil", "save_pupil", "teach"]

SHAPE = ("variant", "synthesis_layers", "margin", "channel_base", "channel_max")
"""Of a lesson: what makes the student what it is, and cannot change later."""

_RAMPUP = 0.05
_SCALES = 4
"""Of the feature network's: those that a small picture still fills."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """What the student is, and how it learns."""

    variant: str = "t"
    """``t`` or ``r``, see `stylegan3.GeneratorConfig`."""
    synthesis_layers: int = 14
    """Before the one that makes the picture."""
    margin: int = 10
    """Samples kept around the picture on each side."""
    channel_base: int = 16384
    """Channels of a layer times its resolution, before `channel_max`."""
    channel_max: int = 512
    """The most channels of any layer."""
    batch: int = 16
    """Pictures in a step."""
    kimg: float = 100.0
    """Length, in thousands of pictures."""
    lr: float = 0.004
    """Adam's step at first; it falls to a twentieth along a cosine."""
    pixel_weight: float = 4.0
    """Of the mean absolute difference of pixels, beside the distance of features at 1."""
    psi: float = 0.5
    """The least truncation of a style; it is drawn anew for each picture, up to 1."""
    ema_kimg: float = 2.0
    """Half-life of the averaged student, in thousands of pictures."""
    seed: int = 0
    """Of the first weights and of all latents."""

    def __post_init__(self) -> None:
        wrong = [
            ("variant", "t or r", self.variant in ("t", "r")),
            ("synthesis_layers", "at least 4", self.synthesis_layers >= 4),
            ("margin", "0 or more", self.margin >= 0),
            ("channel_base", "at least 1", self.channel_base >= 1),
            ("channel_max", "at least 1", self.channel_max >= 1),
            ("batch", "at least 1", self.batch >= 1),
            ("kimg", "0 or more", self.kimg >= 0),
            ("lr", "above 0", self.lr > 0),
            ("pixel_weight", "0 or more", self.pixel_weight >= 0),
            ("psi", "from 0 to 1", 0 <= self.psi <= 1),
            ("ema_kimg", "0 or more", self.ema_kimg >= 0),
        ]
        for name, rule, kept in wrong:
            if not kept:
                raise ConfigError(f"{name} is {getattr(self, name)!r}, and has to be {rule}")


@dataclass(slots=True)
class Pupil:
    """A student on its way."""

    lesson: Lesson
    learning: stylegan3.Generator
    average: stylegan3.Generator
    adam: torch.optim.Adam
    teacher: str
    """SHA-256 of the teacher's file; empty where nobody knows."""
    shown: int = 0


def new_pupil(teacher: stylegan2.Generator, lesson: Lesson, *, sha256: str = "") -> Pupil:
    """A StyleGAN3 with random synthesis and the teacher's mapping.

    Args:
        teacher: Of which it keeps the mapping.
        lesson: What it is to be.
        sha256: Of the teacher's file.

    Raises:
        ConfigError: No StyleGAN3 has the teacher's kind of mapping, or of picture.
    """
    given = teacher.config
    height, width = teacher.spec.resolution
    options = stylegan3.GeneratorConfig.standard(
        resolution=max(height, width),
        crop=None if height == width else (height, width),
        variant=lesson.variant,
        img_channels=teacher.spec.img_channels,
        z_dim=given.z_dim,
        c_dim=given.c_dim,
        w_dim=given.w_dim,
        mapping_layers=given.mapping_layers,
        num_layers=lesson.synthesis_layers,
        margin_size=lesson.margin,
        channel_base=lesson.channel_base,
        channel_max=lesson.channel_max,
        magnitude_ema_beta=0.5 ** (lesson.batch / 20_000),
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(lesson.seed)
        learning = stylegan3.Generator(options)
    try:
        learning.mapping.load_state_dict(teacher.mapping.state_dict())
    except RuntimeError as error:
        raise ConfigError(f"the teacher's mapping network is not one that StyleGAN3 has: {error}") from error
    average = copy.deepcopy(learning)
    return Pupil(lesson, learning, average, _adam(learning, lesson), sha256)


def _adam(learning: stylegan3.Generator, lesson: Lesson) -> torch.optim.Adam:
    learning.train().requires_grad_(False)
    learning.synthesis.requires_grad_(True)
    return torch.optim.Adam(learning.synthesis.parameters(), lr=lesson.lr, betas=(0.0, 0.99), eps=1e-8)


def distance(images: Tensor, wanted: Tensor, features: FeatureNetwork, *, pixel_weight: float) -> Tensor:
    """How far pictures ``[N, C, H, W]`` are from the teacher's, scalar: features, and pixels at three sizes."""
    with torch.no_grad():
        seen = unit_features(features(wanted, scales=_SCALES))
    total = feature_distance(unit_features(features(images, scales=_SCALES)), seen, heads=features.heads[:_SCALES])
    pixels = torch.zeros(())
    for _ in range(3):
        pixels = pixels + (images - wanted).abs().mean() / 3
        images, wanted = (functional.avg_pool2d(part, 2, ceil_mode=True) for part in (images, wanted))
    return total.mean() + pixel_weight * pixels


def teach(
    pupil: Pupil, teacher: stylegan2.Generator, features: FeatureNetwork, *, stop: Callable[[], bool] = lambda: False
) -> Iterator[float]:
    """Steps until the lesson's end or ``stop()``; yields each one's loss. ``pupil`` is whole between two steps."""
    lesson, total = pupil.lesson, int(pupil.lesson.kimg * 1000)
    while pupil.shown < total and not stop():
        # Latents follow from the seed and the place, so a stopped lesson goes on as if it had not stopped.
        random = torch.Generator().manual_seed(lesson.seed * 1_000_003 + pupil.shown)
        with torch.no_grad():
            w_plus, wanted = _example(teacher, lesson, random)
        for group in pupil.adam.param_groups:
            group["lr"] = lesson.lr * (0.525 + 0.475 * math.cos(math.pi * pupil.shown / total))
        row = w_plus[:, :1].expand(-1, pupil.learning.spec.num_ws, -1)
        images = pupil.learning.synthesize(pupil.learning.style(row), noise=Noise("none"), update_emas=True)
        loss = distance(images, wanted, features, pixel_weight=lesson.pixel_weight)
        pupil.adam.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        pupil.adam.step()
        pupil.shown += lesson.batch
        beta = ema_beta(pupil.shown, batch=lesson.batch, half_life_kimg=lesson.ema_kimg, rampup=_RAMPUP)
        average_towards(pupil.average, pupil.learning, beta=beta)
        yield float(loss.detach())


def _example(teacher: stylegan2.Generator, lesson: Lesson, random: torch.Generator) -> tuple[Tensor, Tensor]:
    spec = teacher.spec
    z = torch.randn(lesson.batch, spec.z_dim, generator=random)
    classes = torch.randint(spec.c_dim, (lesson.batch,), generator=random) if spec.c_dim else None
    c = None if classes is None else functional.one_hot(classes, spec.c_dim).float()
    psi = lesson.psi + (1 - lesson.psi) * torch.rand(lesson.batch, 1, 1, generator=random)
    whole = broadcast(teacher.map(z, c), spec.num_ws)
    w_plus = truncate(whole, teacher.w_avg(c), psi=0.0) * (1 - psi) + whole * psi
    return w_plus, teacher.synthesize(teacher.style(w_plus), noise=Noise("none")).clamp(-1, 1)


def save_pupil(pupil: Pupil, path: Path, *, card: dict[str, object]) -> None:
    """Write the averaged student as a model, with all that `open_pupil` needs; whole or not at all."""
    extra = {f"learning.{name}": value for name, value in pupil.learning.state_dict().items()}
    for i, p in enumerate(pupil.learning.synthesis.parameters()):
        extra |= {f"adam.{key}.{i}": value for key, value in pupil.adam.state.get(p, {}).items()}
    metadata = {"lesson": dataclasses.asdict(pupil.lesson), "shown": pupil.shown, "teacher": pupil.teacher}
    save_checkpoint(CheckpointParts(pupil.average), path, card=card, extra=extra, extra_metadata=metadata)


def open_pupil(path: Path) -> Pupil:
    """Read what `save_pupil` wrote.

    Raises:
        ConfigError: The file is another kind of model, or its lesson is not whole.
        CheckpointError: It cannot be read.
    """
    average, extras = open_checkpoint(path).generator, read_training_extras(path)
    if not isinstance(average, stylegan3.Generator) or "lesson" not in extras.metadata:
        raise ConfigError(f"{path.name} is no student of training.distil: name another file to write")
    try:
        lesson = Lesson(**extras.metadata["lesson"])
        learned = {k.removeprefix("learning."): v for k, v in extras.tensors.items() if k.startswith("learning.")}
        learning = stylegan3.Generator.from_tensors(average.config, learned)
        pupil = Pupil(lesson, learning, average, _adam(learning, lesson), str(extras.metadata.get("teacher", "")))
        pupil.shown = int(extras.metadata["shown"])
        # Nothing has been learned yet where the first step had not ended.
        for i, p in enumerate(learning.synthesis.parameters()) if pupil.shown else ():
            keys = ("step", "exp_avg", "exp_avg_sq")
            pupil.adam.state[p] = {key: extras.tensors[f"adam.{key}.{i}"].clone() for key in keys}
    except (KeyError, TypeError, ValueError, RuntimeError) as error:
        raise ConfigError(f"the lesson in {path.name} is not whole ({error}): name another file to write") from error
    return pupil
