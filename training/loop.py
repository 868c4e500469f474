"""One training step, and the loop around it."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor, nn

from explorer.state import Noise
from training.data import TrainingSet, to_unit
from training.loss import Mixing, PhaseLoss, d_main, d_r1, g_main, g_path_length, generate
from training.state import TrainingState

__all__ = ["train", "train_step"]

_SEEDS = 2**63


def train(
    state: TrainingState, pictures: TrainingSet, *, until_shown: int, stop: Callable[[], bool] = lambda: False
) -> Iterator[dict[str, Tensor]]:
    """Train until ``until_shown`` pictures were shown or ``stop()`` says so; yields every step's report.

    ``state`` is whole between two steps: take a snapshot there.
    """
    while state.shown < until_shown and not stop():
        yield train_step(state, pictures)


def train_step(state: TrainingState, pictures: TrainingSet) -> dict[str, Tensor]:
    """Advance ``state`` by one step: generator, discriminator, and their regularisation when it is due.

    Returns:
        What the phases report by name, one value for each sample, see `training.loss`.
    """
    config, report = state.config, {}
    draws = _Draws(state, pictures)
    regularise_g = config.pl_weight > 0 and config.pl_interval > 0 and state.step % config.pl_interval == 0
    regularise_d = config.r1_interval > 0 and state.step % config.r1_interval == 0

    with _learning(state.generator, still=state.discriminator):
        report |= _apply(state.generator_adam, _generator_phase(state, draws))
        if regularise_g:
            phase, state.pl_mean = _path_length_phase(state, draws)
            report |= _apply(state.generator_adam, phase)

    with _learning(state.discriminator, still=state.generator):
        real, real_c = draws.real()
        real = draws.veiled(_Stream.REAL_VEIL, real)
        report |= _apply(state.discriminator_adam, _discriminator_phase(state, draws, real, real_c))
        if regularise_d:
            gamma = config.gamma(pictures.resolution)
            phase = d_r1(state.discriminator, real, real_c, gamma=gamma, gain=config.r1_interval)
            report |= _apply(state.discriminator_adam, phase)

    state.step += 1
    state.shown += config.batch
    _average(state.average, state.generator, beta=config.ema_beta(state.shown))
    return report


def _generator_phase(state: TrainingState, draws: "_Draws") -> PhaseLoss:
    z, c, mixing, noise = draws.latents(_Stream.G_MAIN, state.config.batch)
    with _precision(state):
        fake, _ = generate(state.generator, z, c, noise=noise, mixing=mixing)
        return g_main(state.discriminator, draws.veiled(_Stream.G_VEIL, fake), c)


def _path_length_phase(state: TrainingState, draws: "_Draws") -> tuple[PhaseLoss, Tensor]:
    config = state.config
    batch = max(config.batch // config.pl_batch_shrink, 1)
    z, c, mixing, noise = draws.latents(_Stream.G_PATH, batch)
    # In float32 whatever the precision: a gradient of gradients has no digits to lose.
    fake, w_plus = generate(state.generator, z, c, noise=noise, mixing=mixing)
    return g_path_length(
        fake,
        w_plus,
        state.pl_mean,
        noise_image=draws.normal(_Stream.G_PATH_IMAGE, fake.shape),
        weight=config.pl_weight,
        decay=config.pl_decay,
        gain=config.pl_interval,
    )


def _discriminator_phase(state: TrainingState, draws: "_Draws", real: Tensor, real_c: Tensor | None) -> PhaseLoss:
    z, c, mixing, noise = draws.latents(_Stream.D_MAIN, state.config.batch)
    with _precision(state):
        with torch.no_grad():
            fake, _ = generate(state.generator, z, c, noise=noise, mixing=mixing, update_emas=True)
        return d_main(state.discriminator, draws.veiled(_Stream.D_VEIL, fake), c, real, real_c)


def _apply(adam: torch.optim.Adam, phase: PhaseLoss) -> dict[str, Tensor]:
    """One optimiser step down the gradient of a phase."""
    adam.zero_grad(set_to_none=True)
    phase.loss.backward()
    for group in adam.param_groups:
        for parameter in group["params"]:
            # One overflow would otherwise poison weights and both moments for good.
            if parameter.grad is not None:
                torch.nan_to_num(parameter.grad, nan=0.0, posinf=1e5, neginf=-1e5, out=parameter.grad)
    adam.step()
    return phase.report


@torch.no_grad()
def _average(average: nn.Module, model: nn.Module, *, beta: float) -> None:
    """Move the averaged weights towards ``model``; buffers (centre of W, noise maps) are copied."""
    targets = [p.detach() for p in model.parameters()]
    torch._foreach_lerp_(list(average.parameters()), targets, 1 - beta)
    for ours, theirs in zip(average.buffers(), model.buffers(), strict=True):
        ours.copy_(theirs)


@contextmanager
def _learning(model: nn.Module, *, still: nn.Module) -> Iterator[None]:
    """Compute gradients for the weights of ``model`` and not for those of ``still``."""
    still.requires_grad_(False)
    try:
        yield
    finally:
        still.requires_grad_(True)


def _precision(state: TrainingState) -> AbstractContextManager[object]:
    device = state.pl_mean.device.type
    return torch.autocast(device, dtype=torch.bfloat16, enabled=state.config.precision == "bfloat16")


class _Stream(IntEnum):
    """Independent random streams within one step."""

    G_MAIN = 0
    G_PATH = 1
    G_PATH_IMAGE = 2
    D_MAIN = 3
    REAL = 4
    G_VEIL = 5
    D_VEIL = 6
    REAL_VEIL = 7


@dataclass(frozen=True, slots=True)
class _Draws:
    """All that is random in one step: a function of the run's seed, the step and the stream."""

    state: TrainingState
    pictures: TrainingSet

    def latents(self, stream: _Stream, batch: int) -> tuple[Tensor, Tensor | None, Mixing | None, Noise]:
        """Latents, labels, a style mixing or none, and noise, for ``batch`` generated pictures."""
        config, num_ws = self.state.config, self.state.generator.spec.num_ws
        rng = self._rng(stream)
        z, second = (torch.randn(batch, config.z_dim, generator=rng).to(self._device) for _ in range(2))
        mix, cutoff, label_rows, noise_seed = (
            torch.rand((), generator=rng).item(),
            int(torch.randint(1, num_ws, (), generator=rng)) if num_ws > 1 else 1,
            torch.randint(len(self.pictures.images), (batch,), generator=rng),
            int(torch.randint(2**31 - 1, (), generator=rng)),
        )
        mixing = Mixing(second, cutoff) if mix < config.style_mixing else None
        return z, self._labels(label_rows), mixing, Noise("random", seed=noise_seed)

    def normal(self, stream: _Stream, shape: torch.Size) -> Tensor:
        """Standard normal numbers."""
        return torch.randn(shape, generator=self._rng(stream)).to(self._device)

    def veiled(self, stream: _Stream, images: Tensor) -> Tensor:
        """Pictures under the noise that the discriminator sees them through."""
        strength = self.state.config.instance_noise
        return images + self.normal(stream, images.shape) * strength if strength > 0 else images

    def real(self) -> tuple[Tensor, Tensor | None]:
        """The next real pictures, -1 to 1, and their labels. Moves the sampler."""
        batch = self.state.config.batch
        rows = self.state.sampler.draw(batch)
        images = to_unit(self.pictures.images[rows])
        if self.state.config.xflip:
            mirrored = torch.rand(batch, generator=self._rng(_Stream.REAL)) < 0.5
            images = torch.where(mirrored[:, None, None, None], images.flip(3), images)
        return images.to(self._device), self._labels(rows)

    def _labels(self, rows: Tensor) -> Tensor | None:
        return None if self.pictures.labels is None else self.pictures.labels[rows].to(self._device)

    def _rng(self, stream: _Stream) -> torch.Generator:
        number = (self.state.config.seed * 0x9E3779B97F4A7C15 + self.state.step * len(_Stream) + stream) % _SEEDS
        return torch.Generator().manual_seed(number)

    @property
    def _device(self) -> torch.device:
        return self.state.pl_mean.device
