"""R3GAN's loss: each real picture against a generated one, and gradient penalties on both.

Source: The GAN is dead; long live the GAN! A Modern GAN Baseline (Huang et al. 2024), sections 2.1 and 2.2.
"""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from training.loss import PhaseLoss, blur, d_r1

__all__ = ["d_r2", "d_relativistic", "g_relativistic"]

Discriminator = Callable[..., Tensor]


def g_relativistic(
    discriminator: Discriminator,
    fake: Tensor,
    c: Tensor | None,
    real: Tensor,
    real_c: Tensor | None,
    *,
    sigma: float = 0.0,
    gain: float = 1.0,
) -> PhaseLoss:
    """Generator: ``softplus(-(D(fake) - D(real)))``, averaged over pairs.

    Args:
        discriminator: Logits ``[N, 1]`` of pictures and labels. Its weights may be frozen.
        fake: Pictures with their graph, from `training.loss.generate`.
        c: Their labels.
        real: As many pictures of the data set, -1 to 1.
        real_c: Their labels.
        sigma: Blur of all pictures.
        gain: Factor on the loss.
    """
    fakes, reals = discriminator(blur(fake, sigma), c), discriminator(blur(real, sigma), real_c)
    loss = F.softplus(reals - fakes)
    report = {"scores_fake": fakes.detach(), "g_loss": loss.detach()}
    return PhaseLoss(loss.mean() * gain, report)


def d_relativistic(
    discriminator: Discriminator,
    fake: Tensor,
    fake_c: Tensor | None,
    real: Tensor,
    real_c: Tensor | None,
    *,
    sigma: float = 0.0,
    gain: float = 1.0,
) -> PhaseLoss:
    """Discriminator: ``softplus(-(D(real) - D(fake)))``, averaged over pairs. See `g_relativistic`."""
    fakes, reals = discriminator(blur(fake, sigma), fake_c), discriminator(blur(real, sigma), real_c)
    loss = F.softplus(fakes - reals)
    report = {"scores_fake": fakes.detach(), "scores_real": reals.detach(), "d_loss": loss.detach()}
    return PhaseLoss(loss.mean() * gain, report)


def d_r2(
    discriminator: Discriminator,
    fake: Tensor,
    fake_c: Tensor | None,
    *,
    gamma: float,
    sigma: float = 0.0,
    gain: float = 1.0,
) -> PhaseLoss:
    """Discriminator, R2 phase: R1's penalty on generated pictures. See `training.loss.d_r1`."""
    phase = d_r1(discriminator, fake, fake_c, gamma=gamma, sigma=sigma, gain=gain)
    return PhaseLoss(phase.loss, {"r2_penalty": phase.report["r1_penalty"]})
