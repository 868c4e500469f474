"""Watchdogs: what goes wrong in a run, said in words with advice, once each time it begins."""

import math
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from torch import Tensor

from training.config import TrainingConfig
from training.metrics.pixels import pixel_features

__all__ = ["Alarm", "Watch", "diversity"]

_NOT_NUMBERS = 3
"""So many logged lines in a row with values that are no numbers end the run."""
_COLLAPSED = 0.35
"""Generated pictures vary less than this share of what they did at their best, or of what real ones do."""
_SATURATED = 0.85
_SURE = 0.95
"""Mean sign of real scores above which the discriminator has won."""
_PATIENCE = 3
"""So many logged lines in a row before a judgement."""
_ROOM = 3
"""Snapshots that have to fit on the disk."""


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something to tell."""

    kind: str
    """``nan``, ``collapse``, ``ada``, ``discriminator`` or ``disk``."""
    text: str
    """What is wrong, and what to do."""
    fatal: bool = False
    """Whether going on is of no use."""


@dataclass(slots=True)
class Watch:
    """Looks at what is logged and speaks when something begins to go wrong."""

    config: TrainingConfig
    real_diversity: float
    """Of as many real pictures as the sample grid has."""
    streaks: dict[str, int] = field(default_factory=dict)
    best_diversity: float = 0.0

    def step(self, values: Mapping[str, float]) -> Iterator[Alarm]:
        """Judge the averages of one logged line."""
        losses = [name for name in ("g_loss", "d_loss", "g_norm", "d_norm") if not _is_number(values.get(name, 0.0))]
        if self._lasts("nan", bool(losses), 1):
            yield Alarm("nan", f"{', '.join(losses)} are no numbers: halve g_lr and d_lr, or use float32")
        if self.streaks["nan"] == _NOT_NUMBERS:
            yield Alarm("nan", "no numbers for too long: the run ends, and its last snapshot is whole", fatal=True)
        yield from self._overfitting(values)

    def _overfitting(self, values: Mapping[str, float]) -> Iterator[Alarm]:
        p = values.get("augment_p", 0.0)
        if self._lasts("ada", self.config.augment == "ada" and p > _SATURATED, _PATIENCE):
            yield Alarm(
                "ada",
                f"augmentation has risen to p = {p:.2f} and can do little more: the data set is too small for this "
                f"model; add pictures, start from a trained model (--resume-from), or stop at the best snapshot",
            )
        sign, fake = values.get("sign_real", 0.0), values.get("sign_fake", 0.0)
        if self._lasts("discriminator", sign > _SURE and fake < -_SURE, _PATIENCE):
            yield Alarm(
                "discriminator",
                f"the discriminator tells real from generated nearly always (signs {sign:.2f} and {fake:.2f}): raise "
                f"r1_gamma by 2 to 4, use --augment ada, or lower d_lr",
            )

    def pictures(self, images: Tensor) -> Iterator[Alarm]:
        """Judge generated pictures of the fixed latents, uint8 ``[N, C, H, W]``."""
        now = diversity(images)
        rose, self.best_diversity = now > self.best_diversity, max(self.best_diversity, now)
        # A generator that has not learned to vary yet has not collapsed.
        learned = self.best_diversity > _COLLAPSED * self.real_diversity
        gone = not rose and learned and now < _COLLAPSED * self.best_diversity
        if self._lasts("collapse", gone, 1):
            yield Alarm(
                "collapse",
                f"generated pictures vary {now / self.best_diversity:.0%} as much as they did: this is mode collapse; "
                f"go back to the best snapshot with a higher r1_gamma, a lower g_lr or --augment ada",
            )

    def disk(self, folder: Path, snapshot_bytes: int) -> Iterator[Alarm]:
        """Judge the room left beside the snapshots."""
        free = shutil.disk_usage(folder).free
        if self._lasts("disk", free < _ROOM * snapshot_bytes, 1):
            yield Alarm(
                "disk",
                f"{free >> 20} MiB are free, and a snapshot takes {snapshot_bytes >> 20}: make room, or the next ones "
                f"cannot be saved",
            )

    def _lasts(self, kind: str, now: bool, patience: int) -> bool:
        """Whether something has just lasted ``patience`` times in a row."""
        self.streaks[kind] = self.streaks.get(kind, 0) + 1 if now else 0
        return self.streaks[kind] == patience


def diversity(images: Tensor) -> float:
    """How much pictures differ from one another: the root mean square deviation of their pixels at 16 x 16."""
    features = pixel_features(images)
    return float(features.std(dim=0, correction=0).square().mean().sqrt())


def _is_number(value: float) -> bool:
    return math.isfinite(value)
