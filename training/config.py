"""Everything that a training run depends on besides the pictures, as one frozen value."""

import dataclasses
import json
from dataclasses import dataclass
from typing import Literal

from explorer.errors import ExplorerError

__all__ = ["ConfigError", "TrainingConfig"]


class ConfigError(ExplorerError):
    """Settings that no run can follow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """Settings of one run. The same settings, pictures and machine give the same model, bit for bit on a CPU.

    Source of the defaults: StyleGAN2-ADA (Karras et al. 2020), appendix C, its automatic configuration.
    """

    seed: int = 0
    """Start of every random stream of the run."""
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
    batch: int = 32
    """Pictures in a step."""
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
    r1_gamma: float | None = None
    """Weight of the gradient penalty on real pictures; ``None``: 0.0002 * resolution² / batch."""
    r1_interval: int = 16
    """The penalty is computed in every so many steps; 0 turns it off."""
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
    mbstd_group: int = 4
    """Group of the discriminator's minibatch deviation."""
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
        at_least_one = ("z_dim", "w_dim", "mapping_layers", "channel_base", "channel_max", "batch", "pl_batch_shrink")
        not_negative = ("kimg", "r1_interval", "pl_weight", "pl_interval", "holdout", "seed", "instance_noise")
        above_zero = ("g_lr", "d_lr", "snapshot_kimg", "log_kimg")
        shares = ("style_mixing", "pl_decay", "beta1", "beta2")
        return [
            *((name, "at least 1", getattr(self, name) >= 1) for name in at_least_one),
            *((name, "0 or more", getattr(self, name) >= 0) for name in not_negative),
            *((name, "above 0", getattr(self, name) > 0) for name in above_zero),
            *((name, "from 0 to 1", 0 <= getattr(self, name) <= 1) for name in shares),
            ("precision", "float32 or bfloat16", self.precision in ("float32", "bfloat16")),
            ("mbstd_group", "a divisor of the batch", self.mbstd_group >= 1 and self.batch % self.mbstd_group == 0),
        ]

    def gamma(self, resolution: int) -> float:
        """The weight of R1 for pictures of ``resolution`` pixels: `r1_gamma`, or the automatic one."""
        return 0.0002 * resolution**2 / self.batch if self.r1_gamma is None else self.r1_gamma

    def ema_beta(self, shown: int) -> float:
        """Decay of the averaged generator for one step after ``shown`` pictures."""
        half_life = (self.batch * 10 / 32 if self.ema_kimg is None else self.ema_kimg) * 1000
        if self.ema_rampup is not None:
            half_life = min(half_life, shown * self.ema_rampup)
        return 0.5 ** (self.batch / max(half_life, 1e-8))

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
        try:
            return cls(**values)
        except TypeError as error:
            raise ConfigError(f"a setting has the wrong type: {error}") from error
