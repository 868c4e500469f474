"""Everything that one training step reads and changes."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from explorer.checkpoints import Checkpoint
from explorer.generators import stylegan3
from training.config import TrainingConfig
from training.data import Sampler, TrainingSet
from training.networks import Judge, Model, Shape, Transfer, build_networks, transfer

__all__ = ["TrainingState", "assemble", "new_state", "start_from"]


@dataclass(slots=True)
class TrainingState:
    """Networks, optimisers and how far the run has come.

    All randomness of a step is a function of the run's seed and `step`, and the order of the
    pictures one of the seed and `position`: there is no other state of a random generator to keep.
    """

    config: TrainingConfig
    """Settings of the run."""
    generator: Model
    """The generator that learns."""
    discriminator: Judge
    """The discriminator that learns."""
    average: Model
    """Exponential moving average of the generator: the one that is shown and exported."""
    generator_adam: torch.optim.Adam
    """Optimiser of `generator`."""
    discriminator_adam: torch.optim.Adam
    """Optimiser of `discriminator`."""
    sampler: Sampler
    """Order of the real pictures."""
    pl_mean: Tensor
    """Running mean of path lengths, scalar."""
    augment_p: float = 0.0
    """Probability of every augmentation."""
    ada_signs: Tensor = field(default_factory=lambda: torch.zeros(2, dtype=torch.float64))
    """Sum and number of the signs of real pictures' scores since `augment_p` last moved."""
    ada_mean_sign: float = 0.0
    """The mean sign when `augment_p` last moved."""
    step: int = 0
    """Steps done."""
    shown: int = 0
    """Real pictures shown to the discriminator's main phase so far."""
    best: float | None = None
    """Best metric so far; lower is better."""
    best_shown: int = 0
    """Pictures shown when it was measured."""

    def models(self) -> Iterator[tuple[str, nn.Module]]:
        """The networks by the names that snapshots use."""
        yield "g", self.generator
        yield "d", self.discriminator
        yield "g_ema", self.average

    def optimizers(self) -> Iterator[tuple[str, nn.Module, torch.optim.Adam]]:
        """Each optimiser with the network it moves."""
        yield "g", self.generator, self.generator_adam
        yield "d", self.discriminator, self.discriminator_adam

    def set_rates(self) -> None:
        """Give both optimisers this step's learning rate and decays.

        Both are corrected for a regularisation step in every so many.

        Source: StyleGAN2 (Karras et al. 2020), appendix B, lazy regularisation.
        """
        config = self.config
        plan = (
            (self.generator_adam, config.g_lr, config.pl_interval if config.pl_weight > 0 else 0),
            (self.discriminator_adam, config.d_lr, config.r1_interval if config.r1_interval > 1 else 0),
        )
        for adam, start, interval in plan:
            ratio = interval / (interval + 1) if interval > 0 else 1.0
            for group in adam.param_groups:
                group["lr"] = config.lr(start, self.shown) * ratio
                group["betas"] = (config.beta1**ratio, config.beta2_at(self.shown) ** ratio)


def new_state(
    config: TrainingConfig,
    pictures: TrainingSet,
    *,
    device: str | torch.device = "cpu",
    source: Checkpoint | None = None,
) -> TrainingState:
    """The state before the first step: weights drawn from ``config.seed``, or a model's.

    Args:
        config: Settings of the run.
        pictures: What is trained on: sets size, colour channels and classes.
        device: Where the networks live.
        source: A model to start from; see `start_from` for its weights.
    """
    shape = Shape(pictures.size, pictures.images.shape[1], pictures.c_dim)
    generator, discriminator = build_networks(config, shape, source=source)
    average = copy.deepcopy(generator)
    return assemble(config, generator.to(device), discriminator.to(device), average.to(device), len(pictures.images))


def start_from(state: TrainingState, source: Checkpoint, learning: dict[str, Tensor]) -> dict[str, Transfer]:
    """Put a model's weights into a new run, as far as names and shapes agree.

    Args:
        state: Before its first step.
        source: The model.
        learning: Tensors of its learning generator where it is a snapshot of a run; the averaged one serves without.

    Returns:
        What was taken, by network.
    """
    averaged = source.generator.state_dict()
    found = {"g_ema": transfer(state.average, averaged), "g": transfer(state.generator, learning or averaged)}
    if isinstance(source.discriminator, type(state.discriminator)):
        found["d"] = transfer(state.discriminator, source.discriminator.state_dict())
    return found


def assemble(
    config: TrainingConfig, generator: Model, discriminator: Judge, average: Model, count: int
) -> TrainingState:
    """Put networks into a state with fresh optimisers, to train on ``count`` pictures."""
    device = next(generator.parameters()).device
    # Convolutions hand the layout on from weights to features, and run in it up to twice as fast. A StyleGAN3 spends
    # most of its time between filters, whose compiled loops go over planes.
    for model in (generator, discriminator, average):
        if not isinstance(model, stylegan3.Generator):
            model.to(memory_format=torch.channels_last)
    state = TrainingState(
        config=config,
        generator=generator,
        discriminator=discriminator,
        average=average.requires_grad_(False),
        generator_adam=_adam(generator, config.g_lr),
        discriminator_adam=_adam(discriminator, config.d_lr),
        sampler=Sampler(count=count, seed=config.seed),
        pl_mean=torch.zeros((), device=device),
        augment_p=config.augment_p if config.augment in ("ada", "fixed") else 0.0,
    )
    state.set_rates()
    return state


def _adam(model: nn.Module, lr: float) -> torch.optim.Adam:
    parameters = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.Adam(parameters, lr=lr, eps=1e-8)
