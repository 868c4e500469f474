"""Projected GAN's losses: the hinge, over every part of a picture that the discriminator judges.

Source: Projected GANs Converge Faster (Sauer et al. 2021), equation 2; the hinge: Geometric GAN (Lim and Ye 2017).
"""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor

from training.loss import PhaseLoss, blur

__all__ = ["d_hinge", "g_hinge"]

Discriminator = Callable[..., Tensor]


def g_hinge(
    discriminator: Discriminator, fake: Tensor, c: Tensor | None, *, sigma: float = 0.0, gain: float = 1.0
) -> PhaseLoss:
    """Generator: ``-D(fake)``, averaged over pictures and parts.

    Args:
        discriminator: Logits ``[N, parts]`` of pictures and labels. Its weights may be frozen.
        fake: Pictures with their graph, from `training.loss.generate`.
        c: Their labels.
        sigma: Blur of the pictures, see `training.loss.blur_sigma`.
        gain: Factor on the loss.
    """
    logits = discriminator(blur(fake, sigma), c)
    loss = -logits.mean(dim=1)
    return PhaseLoss(loss.mean() * gain, {"scores_fake": -loss.detach(), "g_loss": loss.detach()})


def d_hinge(
    discriminator: Discriminator,
    fake: Tensor,
    fake_c: Tensor | None,
    real: Tensor,
    real_c: Tensor | None,
    *,
    sigma: float = 0.0,
    gain: float = 1.0,
) -> PhaseLoss:
    """Discriminator: ``relu(1 + D(fake)) + relu(1 - D(real))``, averaged over pictures and parts. See `g_hinge`."""
    # Apart, so that each batch norm sees one kind of picture at a time.
    fakes, reals = discriminator(blur(fake, sigma), fake_c), discriminator(blur(real, sigma), real_c)
    loss = F.relu(1 + fakes).mean(dim=1) + F.relu(1 - reals).mean(dim=1)
    report = {"scores_fake": fakes.detach().mean(dim=1), "scores_real": reals.detach().mean(dim=1)}
    return PhaseLoss(loss.mean() * gain, {**report, "d_loss": loss.detach()})
