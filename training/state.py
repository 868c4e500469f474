"""Everything that one training step reads and changes."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from explorer.generators.stylegan2 import Generator
from explorer.generators.stylegan2_config import DiscriminatorConfig, GeneratorConfig
from explorer.generators.stylegan2_discriminator import Discriminator
from training.config import TrainingConfig
from training.data import Sampler, TrainingSet

__all__ = ["TrainingState", "new_state"]


@dataclass(slots=True)
class TrainingState:
    """Networks, optimisers and how far the run has come.

    All randomness of a step is a function of the run's seed and `step`, and the order of the
    pictures one of the seed and `position`: there is no other state of a random generator to keep.
    """

    config: TrainingConfig
    """Settings of the run."""
    generator: Generator
    """The generator that learns."""
    discriminator: Discriminator
    """The discriminator that learns."""
    average: Generator
    """Exponential moving average of the generator: the one that is shown and exported."""
    generator_adam: torch.optim.Adam
    """Optimiser of `generator`."""
    discriminator_adam: torch.optim.Adam
    """Optimiser of `discriminator`."""
    sampler: Sampler
    """Order of the real pictures."""
    pl_mean: Tensor
    """Running mean of path lengths, scalar."""
    step: int = 0
    """Steps done."""
    shown: int = 0
    """Real pictures shown to the discriminator's main phase so far."""

    def models(self) -> Iterator[tuple[str, nn.Module]]:
        """The networks by the names that snapshots use."""
        yield "g", self.generator
        yield "d", self.discriminator
        yield "g_ema", self.average

    def optimizers(self) -> Iterator[tuple[str, nn.Module, torch.optim.Adam]]:
        """Each optimiser with the network it moves."""
        yield "g", self.generator, self.generator_adam
        yield "d", self.discriminator, self.discriminator_adam


def new_state(config: TrainingConfig, pictures: TrainingSet, *, device: str | torch.device = "cpu") -> TrainingState:
    """The state before the first step: weights drawn from ``config.seed``.

    Args:
        config: Settings of the run.
        pictures: What is trained on: sets resolution, colour channels and classes.
        device: Where the networks live.
    """
    shape: dict[str, Any] = {
        "resolution": pictures.resolution,
        "img_channels": pictures.images.shape[1],
        "c_dim": pictures.c_dim,
        "channel_base": config.channel_base,
        "channel_max": config.channel_max,
    }
    styles = {"z_dim": config.z_dim, "w_dim": config.w_dim, "mapping_layers": config.mapping_layers}
    generator_config = GeneratorConfig.standard(**shape, **styles)
    discriminator_config = DiscriminatorConfig.standard(**shape, mbstd_group_size=config.mbstd_group)
    # First weights come from torch's global stream, which is put back as it was.
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(config.seed)
        generator, discriminator = Generator(generator_config), Discriminator(discriminator_config)
    average = copy.deepcopy(generator)
    return assemble(config, generator.to(device), discriminator.to(device), average.to(device), len(pictures.images))


def assemble(
    config: TrainingConfig, generator: Generator, discriminator: Discriminator, average: Generator, count: int
) -> TrainingState:
    """Put networks into a state with fresh optimisers, to train on ``count`` pictures."""
    device = next(generator.parameters()).device
    # Convolutions hand the layout on from weights to features, and run in it up to twice as fast.
    for model in (generator, discriminator, average):
        model.to(memory_format=torch.channels_last)
    return TrainingState(
        config=config,
        generator=generator,
        discriminator=discriminator,
        average=average.requires_grad_(False),
        generator_adam=_adam(generator, config.g_lr, config.pl_interval if config.pl_weight > 0 else 0, config),
        discriminator_adam=_adam(discriminator, config.d_lr, config.r1_interval, config),
        sampler=Sampler(count=count, seed=config.seed),
        pl_mean=torch.zeros((), device=device),
    )


def _adam(model: nn.Module, lr: float, interval: int, config: TrainingConfig) -> torch.optim.Adam:
    """Adam, corrected for a regularisation step in every ``interval`` steps (0: none).

    Source: StyleGAN2 (Karras et al. 2020), appendix B, lazy regularisation.
    """
    ratio = interval / (interval + 1) if interval > 0 else 1.0
    parameters = [p for p in model.parameters() if p.requires_grad]
    return torch.optim.Adam(parameters, lr=lr * ratio, betas=(config.beta1**ratio, config.beta2**ratio), eps=1e-8)
