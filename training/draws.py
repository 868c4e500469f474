"""All that is random in one step: a function of the run's seed, the step and the purpose."""

from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from explorer.generators.noise import PartNoise
from explorer.state import Noise
from training.augment import PIPES, AugmentDraws, augment, diff_augment
from training.data import TrainingSet, to_unit
from training.loss import Mixing
from training.state import TrainingState

__all__ = ["Draws", "Stream"]

_SEEDS = 2**63


class Stream(IntEnum):
    """Independent random streams within one step."""

    G_MAIN = 0
    G_PATH = 1
    G_PATH_IMAGE = 2
    D_MAIN = 3
    REAL = 4
    G_VEIL = 5
    D_VEIL = 6
    REAL_VEIL = 7
    G_AUGMENT = 8
    D_AUGMENT = 9
    REAL_AUGMENT = 10
    R1_AUGMENT = 11
    R2_AUGMENT = 12
    G_REAL_AUGMENT = 13


@dataclass(frozen=True, slots=True)
class Draws:
    """The random numbers of one step. Each is drawn for the whole batch; ``rows`` int64 ``[M]`` says which are used."""

    state: TrainingState
    pictures: TrainingSet

    def latents(
        self, stream: Stream, rows: Tensor, *, batch: int
    ) -> tuple[Tensor, Tensor | None, Mixing | None, Noise]:
        """Latents, labels, a style mixing or none, and noise, for some of ``batch`` generated pictures."""
        config, num_ws = self.state.config, self.state.generator.spec.num_ws
        rng = self._rng(stream)
        z, second = (torch.randn(batch, config.z_dim, generator=rng)[rows].to(self._device) for _ in range(2))
        mix, cutoff, label_rows, noise_seed = (
            torch.rand((), generator=rng).item(),
            int(torch.randint(1, num_ws, (), generator=rng)) if num_ws > 1 else 1,
            torch.randint(len(self.pictures.images), (batch,), generator=rng),
            int(torch.randint(2**31 - 1, (), generator=rng)),
        )
        mixing = Mixing(second, cutoff) if mix < config.style_mixing else None
        noise = PartNoise("random", seed=noise_seed, rows=tuple(rows.tolist()), whole=batch)
        return z, self._labels(label_rows[rows]), mixing, noise

    def normal(self, stream: Stream, shape: torch.Size, rows: Tensor, *, batch: int) -> Tensor:
        """Standard normal numbers ``[M, ...]`` like ``shape``."""
        return torch.randn((batch, *shape[1:]), generator=self._rng(stream))[rows].to(self._device)

    def seen(self, images: Tensor, stream: Stream, rows: Tensor) -> Tensor:
        """Pictures as the discriminator is shown them: augmented, if the run does so."""
        config = self.state.config
        if config.augment == "none" or (config.augment != "diffaugment" and self.state.augment_p <= 0):
            return images
        groups = PIPES[config.augment_pipe]
        noisy = "noise" in groups and config.augment != "diffaugment"
        shape = (config.batch, *images.shape[1:])
        draws = AugmentDraws.draw(shape, self._rng(stream), with_pictures=noisy).rows(rows, self._device)
        if config.augment == "diffaugment":
            return diff_augment(images, draws)
        return augment(images, draws, p=self.state.augment_p, groups=groups)

    def veiled(self, images: Tensor, stream: Stream, rows: Tensor) -> Tensor:
        """Pictures under the noise that the discriminator sees them through."""
        strength = self.state.config.instance_noise
        if strength <= 0:
            return images
        return images + self.normal(stream, images.shape, rows, batch=self.state.config.batch) * strength

    def next_reals(self) -> Tensor:
        """Which pictures come next, int64 ``[batch]``. Moves the sampler."""
        return self.state.sampler.draw(self.state.config.batch)

    def real(self, indices: Tensor, rows: Tensor) -> tuple[Tensor, Tensor | None]:
        """Real pictures, -1 to 1, and their labels: ``rows`` of the batch ``indices``."""
        images = to_unit(self.pictures.images[indices[rows]])
        if self.state.config.xflip:
            mirrored = torch.rand(len(indices), generator=self._rng(Stream.REAL))[rows] < 0.5
            images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
        images = self.veiled(images.to(self._device), Stream.REAL_VEIL, rows)
        return images, self._labels(indices[rows])

    def _labels(self, rows: Tensor) -> Tensor | None:
        return None if self.pictures.labels is None else self.pictures.labels[rows].to(self._device)

    def _rng(self, stream: Stream) -> torch.Generator:
        number = (self.state.config.seed * 0x9E3779B97F4A7C15 + self.state.step * len(Stream) + stream) % _SEEDS
        return torch.Generator().manual_seed(number)

    @property
    def _device(self) -> torch.device:
        return self.state.pl_mean.device
