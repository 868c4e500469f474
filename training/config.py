"""Everything that a training run depends on besides the pictures, as one frozen value."""

import dataclasses
import json
import math
from dataclasses import dataclass
from typing import Literal

from explorer.errors import ExplorerError
from training.augment import PIPES

__all__ = ["ConfigError", "Network", "Quick", "TrainingConfig", "ema_beta"]

Quick = Literal["kid", "fid", "pixels"]
Network = Literal["stylegan2", "stylegan3-t", "stylegan3-r"]


class ConfigError(ExplorerError):
    """Settings that no run can follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """Settings of one run. The same settings, pictures and machine give the same model, bit for bit on a CPU.

    Source of the defaults: StyleGAN2-ADA (Karras et al. 2020), appendix C, its automatic configuration.
    """

    seed: int = 0
    """Start of every random stream of the run."""
    network: Network = "stylegan2"
    """The generator's family."""
    discriminator: Literal["stylegan2", "projected"] = "stylegan2"
    """StyleGAN2's, or Projected GAN's: small heads on a frozen network, see ``--preset projected``."""
    projected_side: int = 224
    """Pixels that a projected discriminator enlarges smaller pictures to; 128, the least, costs a third of 224."""
    loss: Literal["logistic", "relativistic", "hinge"] = "logistic"
    """Non-saturating logistic (StyleGAN), relativistic pairs with R1 and R2 (R3GAN), or hinge (Projected GAN)."""
    z_dim: int = 512
    """Length of the latent z."""
    w_dim: int = 512
    """Length of a style w."""
    mapping_layers: int = 2
    """Fully connected layers from z to w."""
    channel_base: int = 16384
    """Channels of a layer times its resolution, before `channel_max`."""
    channel_max: int = 512
    """The most channels of any layer."""
    synthesis_layers: int = 14
    """Layers of a StyleGAN3 before the one that makes the picture."""
    margin: int = 10
    """Samples that a StyleGAN3 keeps around the picture on each side."""
    batch: int = 32
    """Pictures in a step, all ranks together."""
    accumulate: int = 1
    """Parts that each rank's share of a step is computed in, one after the other, to save memory."""
    kimg: float = 25000.0
    """Length of the run, in thousands of real pictures shown to the discriminator."""
    g_lr: float = 0.0025
    """Adam's step for the generator."""
    d_lr: float = 0.0025
    """Adam's step for the discriminator."""
    beta1: float = 0.0
    """Adam's decay of the mean gradient."""
    beta2: float = 0.99
    """Adam's decay of the mean squared gradient."""
    schedule_kimg: float = 0.0
    """Over so many thousand pictures the three settings below are reached, along a cosine; 0: never."""
    lr_final: float | None = None
    """Adam's step for both networks at the end of the schedule; ``None``: as at the start."""
    beta2_final: float | None = None
    """Adam's decay at the end of the schedule; ``None``: as at the start."""
    r1_gamma_final: float | None = None
    """Weight of the gradient penalty at the end of the schedule; ``None``: as at the start."""
    r1_gamma: float | None = None
    """Weight of the gradient penalty on real pictures; ``None``: 0.0002 * height * width / batch."""
    r1_interval: int = 16
    """The penalty is computed in every so many steps; with 1 it joins the main loss, 0 turns it off."""
    pl_weight: float = 2.0
    """Weight of path length regularisation."""
    pl_interval: int = 4
    """Path length is regularised in every so many steps; 0 turns it off."""
    pl_decay: float = 0.01
    """How fast the running mean of path lengths moves."""
    pl_batch_shrink: int = 2
    """Path length uses a batch this much smaller."""
    style_mixing: float = 0.9
    """Probability that a picture's styles come from two latents."""
    ema_kimg: float | None = None
    """Half-life of the averaged generator; ``None``: batch * 10 / 32."""
    ema_rampup: float | None = 0.05
    """The half-life is at most this share of the pictures shown so far; ``None``: no ramp."""
    magnitude_kimg: float = 20.0
    """Half-life of StyleGAN3's running magnitudes."""
    blur_sigma: float = 0.0
    """Blur of all that the discriminator sees at the beginning, in pixels (10 for StyleGAN3-R)."""
    blur_kimg: float | None = None
    """The blur fades over so many thousand pictures; ``None``: batch * 200 / 32."""
    mbstd_group: int = 4
    """Group of the discriminator's minibatch deviation."""
    freeze_d: int = 0
    """The discriminator's first so many layers, from the picture on, do not learn."""
    augment: Literal["none", "ada", "fixed", "diffaugment"] = "none"
    """What is done to every picture that the discriminator sees: nothing, the pipe with a probability that follows
    overfitting (ADA), the pipe with a fixed one, or DiffAugment."""
    augment_pipe: str = "bgc"
    """The pipe's groups: blit, geometry, colour, filter, noise, cutout, or the first so many: bg, bgc, ..., bgcfnc."""
    augment_p: float = 0.0
    """Probability of every step of the pipe: the first of ADA, or the fixed one."""
    ada_target: float = 0.6
    """ADA holds the mean sign of the discriminator's scores of real pictures here."""
    ada_interval: int = 4
    """ADA moves the probability in every so many steps."""
    ada_kimg: float = 500.0
    """In so many thousand pictures ADA can move the probability by 1."""
    instance_noise: float = 0.0
    """Deviation of the noise on every picture that the discriminator sees, real or not; pictures span -1 to 1.

    Drawings have perfectly flat areas, which no generator meets to the last digit: without noise the
    discriminator needs to look at nothing else. Source: Sonderby et al. 2017, section 3.2.
    """
    xflip: bool = False
    """Show mirrored pictures too."""
    holdout: int = 500
    """The last so many pictures are never trained on: metrics compare with them."""
    precision: Literal["float32", "bfloat16"] = "float32"
    """Number type of convolutions; losses, weights and optimisers stay in float32."""
    snapshot_kimg: float = 10.0
    """A snapshot and a sample grid are written this often."""
    keep_kimg: float = 0.0
    """Beside the newest two and the best, one snapshot in so many thousand pictures is kept; 0: none."""
    metric: Quick = "kid"
    """Which metric says which snapshot is the best: KID or FID of EfficientNet-lite0's features, or the kernel distance
    of pixels, which costs nothing."""
    metric_pictures: int = 500
    """Generated pictures that are compared with the held-out ones at every snapshot; 0: no metric."""
    log_kimg: float = 1.0
    """A line is written to the log this often."""

    def __post_init__(self) -> None:
        wrong = [
            f"{name} is {getattr(self, name)!r}, and has to be {wanted}"
            for name, wanted, fits in self._rules()
            if not fits
        ]
        if wrong:
            raise ConfigError("; ".join(wrong))

    def _rules(self) -> list[tuple[str, str, bool]]:
        at_least_one = (
            "z_dim", "w_dim", "mapping_layers", "channel_base", "channel_max", "batch", "pl_batch_shrink", "accumulate",
            "ada_interval",
        )  # fmt: skip
        not_negative = (
            "kimg", "r1_interval", "pl_weight", "pl_interval", "holdout", "seed", "instance_noise", "schedule_kimg",
            "blur_sigma", "freeze_d", "keep_kimg", "metric_pictures", "margin",
        )  # fmt: skip
        above_zero = ("g_lr", "d_lr", "snapshot_kimg", "log_kimg", "ada_kimg", "magnitude_kimg")
        shares = ("style_mixing", "pl_decay", "beta1", "beta2", "augment_p", "ada_target")
        return [
            *((name, "at least 1", getattr(self, name) >= 1) for name in at_least_one),
            *((name, "0 or more", getattr(self, name) >= 0) for name in not_negative),
            *((name, "above 0", getattr(self, name) > 0) for name in above_zero),
            *((name, "from 0 to 1", 0 <= getattr(self, name) <= 1) for name in shares),
            *(self._choice(name) for name in ("network", "discriminator", "loss", "augment", "precision", "metric")),
            ("augment_pipe", f"one of {', '.join(PIPES)}", self.augment_pipe in PIPES),
            ("synthesis_layers", "at least 4", self.synthesis_layers >= 4),
            ("mbstd_group", "a divisor of the batch", self.mbstd_group >= 1 and self.batch % self.mbstd_group == 0),
            ("accumulate", f"a divisor of the batch ({self.batch})", self.batch % max(self.accumulate, 1) == 0),
            (
                "r1_interval",
                "0 with a projected discriminator, which has no gradient penalty",
                self.discriminator != "projected" or self.r1_interval == 0,
            ),
            ("projected_side", "from 128 to 4096", 128 <= self.projected_side <= 4096),
            ("pl_weight", "0 for StyleGAN3, which has no such penalty", self.is_stylegan2 or self.pl_weight == 0),
            ("style_mixing", "0 for StyleGAN3, which mixes no styles", self.is_stylegan2 or self.style_mixing == 0),
        ]

    def _choice(self, name: str) -> tuple[str, str, bool]:
        choices = _CHOICES[name]
        return name, " or ".join(choices), getattr(self, name) in choices

    @property
    def is_stylegan2(self) -> bool:
        """Whether the generator is StyleGAN2's, with path lengths, mixing and noise."""
        return self.network == "stylegan2"

    def gamma(self, size: tuple[int, int], shown: int = 0) -> float:
        """The weight of R1 for pictures of ``size`` after ``shown`` pictures: `r1_gamma`, or the automatic one."""
        start = 0.0002 * size[0] * size[1] / self.batch if self.r1_gamma is None else self.r1_gamma
        return self._scheduled(start, self.r1_gamma_final, shown)

    def lr(self, start: float, shown: int) -> float:
        """A learning rate after ``shown`` pictures that began at ``start``."""
        return self._scheduled(start, self.lr_final, shown)

    def beta2_at(self, shown: int) -> float:
        """Adam's decay of the mean squared gradient after ``shown`` pictures."""
        return self._scheduled(self.beta2, self.beta2_final, shown)

    def _scheduled(self, start: float, end: float | None, shown: int) -> float:
        if end is None or self.schedule_kimg == 0:
            return start
        done = min(shown / (self.schedule_kimg * 1000), 1.0)
        return end + (start - end) * (1 + math.cos(math.pi * done)) / 2

    def sigma(self, shown: int) -> float:
        """Blur of what the discriminator sees after ``shown`` pictures, in pixels."""
        fade_kimg = self.batch * 200 / 32 if self.blur_kimg is None else self.blur_kimg
        return blur_sigma(shown, start=self.blur_sigma, fade_kimg=fade_kimg)

    @property
    def magnitude_beta(self) -> float:
        """Decay of StyleGAN3's running magnitudes for one step."""
        return float(0.5 ** (self.batch / (self.magnitude_kimg * 1000)))

    def ema_beta(self, shown: int) -> float:
        """Decay of the averaged generator for one step after ``shown`` pictures."""
        half_life_kimg = self.batch * 10 / 32 if self.ema_kimg is None else self.ema_kimg
        return ema_beta(shown, batch=self.batch, half_life_kimg=half_life_kimg, rampup=self.ema_rampup)

    def to_json(self) -> str:
        """One line of JSON that `from_json` reads back."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "TrainingConfig":
        """Read what `to_json` wrote.

        Raises:
            ConfigError: The text is not such a line, or a setting is unknown or out of range.
        """
        try:
            values = json.loads(text)
        except json.JSONDecodeError as error:
            raise ConfigError(f"the settings of the run are not JSON: {error}") from error
        if not isinstance(values, dict):
            raise ConfigError(f"the settings of the run are a {type(values).__name__}, and have to be a JSON object")
        known = {field.name for field in dataclasses.fields(cls)}
        if unknown := sorted(values.keys() - known):
            raise ConfigError(f"unknown settings {', '.join(unknown)}: this program knows {', '.join(sorted(known))}")
        # Runs from before there was a choice compared pixels, and go on so.
        values.setdefault("metric", "pixels")
        try:
            return cls(**values)
        except TypeError as error:
            raise ConfigError(f"a setting has the wrong type: {error}") from error


def ema_beta(shown: int, *, batch: int, half_life_kimg: float, rampup: float | None) -> float:
    """Decay of an average for one step: its half-life is at most ``rampup`` of the pictures that were shown."""
    half_life = half_life_kimg * 1000
    if rampup is not None:
        half_life = min(half_life, shown * rampup)
    return 0.5 ** (batch / max(half_life, 1e-8))


def blur_sigma(shown: int, *, start: float, fade_kimg: float) -> float:
    """Width of the blur in pixels: ``start`` at first, falling to 0 at ``fade_kimg`` thousand pictures."""
    return start * max(1 - shown / (fade_kimg * 1000), 0.0) if fade_kimg > 0 else 0.0


_CHOICES = {
    "network": ("stylegan2", "stylegan3-t", "stylegan3-r"),
    "discriminator": ("stylegan2", "projected"),
    "loss": ("logistic", "relativistic", "hinge"),
    "augment": ("none", "ada", "fixed", "diffaugment"),
    "precision": ("float32", "bfloat16"),
    "metric": ("kid", "fid", "pixels"),
}
