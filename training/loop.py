"""One training step, and the loop around it."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from training.averaging import average_towards
from training.data import TrainingSet
from training.draws import Draws, Stream
from training.hinge import d_hinge, g_hinge
from training.loss import PhaseLoss, d_main, d_r1, g_main, g_path_length, generate
from training.parts import Parts
from training.relativistic import d_r2, d_relativistic, g_relativistic
from training.state import TrainingState

__all__ = ["train", "train_step"]

ONE_PART = Parts()


def train(
    state: TrainingState,
    pictures: TrainingSet,
    *,
    until_shown: int,
    stop: Callable[[], bool] = lambda: False,
    parts: Parts = ONE_PART,
) -> Iterator[dict[str, Tensor]]:
    """Train until ``until_shown`` pictures were shown or ``stop()`` says so; yields every step's report.

    ``state`` is whole between two steps: take a snapshot there.
    """
    while state.shown < until_shown and not stop():
        yield train_step(state, pictures, parts)


def train_step(state: TrainingState, pictures: TrainingSet, parts: Parts = ONE_PART) -> dict[str, Tensor]:
    """Advance ``state`` by one step: generator, discriminator, and their regularisation when it is due.

    Returns:
        What the phases report by name, one value for each sample of this process, see `training.loss`; and
        ``g_norm`` and ``d_norm``, the gradients' norms.
    """
    config = state.config
    state.set_rates()
    step = _Step(state, Draws(state, pictures), parts)
    report: dict[str, Tensor] = {}

    with _learning(state.generator, still=state.discriminator):
        report |= step.apply("g", step.generator_losses())
        if config.pl_weight > 0 and config.pl_interval > 0 and state.step % config.pl_interval == 0:
            report |= step.apply("g", step.path_length_losses())
    with _learning(state.discriminator, still=state.generator):
        report |= step.apply("d", step.discriminator_losses())
        # With an interval of 1 the penalty is part of the main loss.
        if config.r1_interval > 1 and state.step % config.r1_interval == 0:
            report |= step.apply("d", step.penalty_losses())

    state.step += 1
    state.shown += config.batch
    average_towards(state.average, state.generator, beta=config.ema_beta(state.shown))
    _adapt(state, report["scores_real"], parts)
    return report


@dataclass(slots=True)
class _Step:
    """The phases of one step; each gives one loss a part."""

    state: TrainingState
    draws: Draws
    parts: Parts
    reals: Tensor = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.reals = self.draws.next_reals()

    def apply(self, name: str, losses: Iterable[PhaseLoss]) -> dict[str, Tensor]:
        """One optimiser step down the mean gradient of the parts."""
        adam = self.state.generator_adam if name == "g" else self.state.discriminator_adam
        parameters = [p for group in adam.param_groups for p in group["params"]]
        adam.zero_grad(set_to_none=True)
        reports = []
        for phase in losses:
            (phase.loss / self.parts.chunks).backward()
            reports.append(phase.report)
        self.parts.average_gradients(parameters)
        gradients = [p.grad for p in parameters if p.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        for gradient in gradients:
            # One overflow would otherwise poison weights and both moments for good.
            torch.nan_to_num(gradient, nan=0.0, posinf=1e5, neginf=-1e5, out=gradient)
        adam.step()
        whole = {key: torch.cat([report[key].reshape(-1) for report in reports]) for key in reports[0]}
        return whole | {f"{name}_norm": norm.detach()}

    def generator_losses(self) -> Iterator[PhaseLoss]:
        """Main phase of the generator."""
        for rows in self._rows():
            with self._precision():
                phase = self._generator_loss(rows)
            yield phase

    def _generator_loss(self, rows: Tensor) -> PhaseLoss:
        config, draws = self.state.config, self.draws
        z, c, mixing, noise = draws.latents(Stream.G_MAIN, rows, batch=config.batch)
        fake, _ = generate(self.state.generator, z, c, noise=noise, mixing=mixing)
        fake = draws.veiled(fake, Stream.G_VEIL, rows)
        if config.loss != "relativistic":
            main = g_main if config.loss == "logistic" else g_hinge
            return main(self._judge(rows, Stream.G_AUGMENT), fake, c, sigma=self._sigma)
        real, real_c = draws.real(self.reals, rows)
        judge = self._judge(rows, Stream.G_AUGMENT, Stream.G_REAL_AUGMENT)
        return g_relativistic(judge, fake, c, real, real_c, sigma=self._sigma)

    def path_length_losses(self) -> Iterator[PhaseLoss]:
        """Regularisation of the generator."""
        state, config = self.state, self.state.config
        batch = max(config.batch // config.pl_batch_shrink, 1)
        for rows in self.parts.rows(batch):
            z, c, mixing, noise = self.draws.latents(Stream.G_PATH, rows, batch=batch)
            # In float32 whatever the precision: a gradient of gradients has no digits to lose.
            fake, w_plus = generate(state.generator, z, c, noise=noise, mixing=mixing)
            phase, state.pl_mean = g_path_length(
                fake,
                w_plus,
                state.pl_mean,
                noise_image=self.draws.normal(Stream.G_PATH_IMAGE, fake.shape, rows, batch=batch),
                weight=config.pl_weight,
                decay=config.pl_decay,
                gain=config.pl_interval,
                over_ranks=self.parts.mean,
            )
            yield phase

    def discriminator_losses(self) -> Iterator[PhaseLoss]:
        """Main phase of the discriminator; the running averages move here."""
        config, draws = self.state.config, self.draws
        with self.parts.averages(self.state.generator) as averages:
            for rows in self._rows():
                averages.begin_part()
                fake, c = self._fake(rows, update_emas=True)
                real, real_c = draws.real(self.reals, rows)
                judge = self._judge(rows, Stream.D_AUGMENT, Stream.REAL_AUGMENT)
                main = {"logistic": d_main, "relativistic": d_relativistic, "hinge": d_hinge}[config.loss]
                with self._precision():
                    phase = main(judge, fake, c, real, real_c, sigma=self._sigma)
                if config.r1_interval == 1:
                    for penalty in self._penalties(rows, gain=1.0, fake=fake, c=c):
                        phase = PhaseLoss(phase.loss + penalty.loss, penalty.report | phase.report)
                yield phase

    def penalty_losses(self) -> Iterator[PhaseLoss]:
        """Regularisation of the discriminator."""
        for rows in self._rows():
            fake, c = self._fake(rows) if self.state.config.loss == "relativistic" else (None, None)
            whole = list(self._penalties(rows, gain=self.state.config.r1_interval, fake=fake, c=c))
            report = {key: value for phase in whole for key, value in phase.report.items()}
            loss = torch.stack([phase.loss for phase in whole]).sum()
            yield PhaseLoss(loss, report)

    def _penalties(self, rows: Tensor, *, gain: float, fake: Tensor | None, c: Tensor | None) -> Iterator[PhaseLoss]:
        state = self.state
        settings = {
            "gamma": state.config.gamma(state.generator.spec.resolution, state.shown),
            "sigma": self._sigma,
            "gain": gain,
        }
        real, real_c = self.draws.real(self.reals, rows)
        phase = d_r1(self._judge(rows, Stream.R1_AUGMENT), real, real_c, **settings)
        # The scores that ADA watches are those of the main phase.
        yield PhaseLoss(phase.loss, {key: value for key, value in phase.report.items() if key != "scores_real"})
        if state.config.loss == "relativistic":
            assert fake is not None, "R2 has pictures"
            yield d_r2(self._judge(rows, Stream.R2_AUGMENT), fake, c, **settings)

    @torch.no_grad()
    def _fake(self, rows: Tensor, *, update_emas: bool = False) -> tuple[Tensor, Tensor | None]:
        z, c, mixing, noise = self.draws.latents(Stream.D_MAIN, rows, batch=self.state.config.batch)
        with self._precision():
            fake, _ = generate(self.state.generator, z, c, noise=noise, mixing=mixing, update_emas=update_emas)
        return self.draws.veiled(fake, Stream.D_VEIL, rows), c

    def _judge(self, rows: Tensor, *streams: Stream) -> Callable[[Tensor, Tensor | None], Tensor]:
        """The discriminator behind the augmentation, with a stream for each time it is asked."""
        order = iter(streams)

        def judge(images: Tensor, c: Tensor | None) -> Tensor:
            seen = self.draws.seen(images, next(order), rows)
            # As the weights lie, see `training.state.assemble`.
            return self.state.discriminator(seen.contiguous(memory_format=torch.channels_last), c)

        return judge

    def _rows(self) -> list[Tensor]:
        return self.parts.rows(self.state.config.batch, self.state.config.mbstd_group)

    @property
    def _sigma(self) -> float:
        return self.state.config.sigma(self.state.shown)

    def _precision(self) -> AbstractContextManager[object]:
        device = self.state.pl_mean.device.type
        return torch.autocast(device, dtype=torch.bfloat16, enabled=self.state.config.precision == "bfloat16")


def _adapt(state: TrainingState, scores_real: Tensor, parts: Parts) -> None:
    """Raise ADA's probability where the discriminator is too sure of real pictures, and lower it where it is not.

    Source: StyleGAN2-ADA (Karras et al. 2020), section 3.
    """
    config = state.config
    if config.augment != "ada":
        return
    signs = scores_real.sign().double()
    counted = torch.stack([signs.sum(), torch.tensor(float(len(signs)), dtype=torch.float64, device=signs.device)])
    state.ada_signs += parts.sum(counted).cpu()
    if state.step % config.ada_interval:
        return
    total, count = state.ada_signs.tolist()
    # Pictures by pictures: as far as this interval's share of `ada_kimg`.
    step = config.batch * config.ada_interval / (config.ada_kimg * 1000)
    direction = (total / count > config.ada_target) - (total / count < config.ada_target)
    state.augment_p = min(max(state.augment_p + direction * step, 0.0), 1.0)
    state.ada_mean_sign = total / count
    state.ada_signs = torch.zeros(2, dtype=torch.float64)


@torch.no_grad()
@contextmanager
def _learning(model: nn.Module, *, still: nn.Module) -> Iterator[None]:
    """Compute gradients for the weights of ``model`` and not for those of ``still``."""
    still.requires_grad_(False)
    try:
        yield
    finally:
        still.requires_grad_(True)
