"""Losses of the StyleGAN2 and StyleGAN3 family, one function a phase.

Each returns a `PhaseLoss`: a scalar to differentiate, and what is worth logging. Nothing is changed on
the way: running averages are returned, or moved by `generate` when it is asked to.

Sources: StyleGAN2 (Karras et al. 2020), sections 3.1 and 3.2; R1: Mescheder et al. 2018; the saturating
trick: Goodfellow et al. 2014; blurred pictures at the start: StyleGAN3 (Karras et al. 2021), appendix.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import floor

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.generators.protocol import Generator
from explorer.generators.styles import broadcast
from explorer.ops import filter2d
from explorer.state import Noise
from training.config import blur_sigma

__all__ = ["Mixing", "PhaseLoss", "blur", "blur_sigma", "d_main", "d_r1", "g_main", "g_path_length", "generate"]

CONST_NOISE = Noise("const")


@dataclass(frozen=True, slots=True)
class PhaseLoss:
    """What one phase asks for."""

    loss: Tensor
    """Scalar; call ``backward`` on it."""
    report: dict[str, Tensor]
    """Detached values by name, one for each sample: logits, penalties, losses before the gain."""


@dataclass(frozen=True, slots=True)
class Mixing:
    """Style mixing: rows of ``w_plus`` from ``cutoff`` on come from a second latent."""

    z: Tensor
    """``[N, z_dim]``."""
    cutoff: int
    """From 1 to ``num_ws``; ``num_ws`` mixes nothing."""


def generate(
    generator: Generator,
    z: Tensor,
    c: Tensor | None,
    *,
    noise: Noise = CONST_NOISE,
    mixing: Mixing | None = None,
    update_emas: bool = False,
) -> tuple[Tensor, Tensor]:
    """Pictures ``[N, C, H, W]`` for latents, and the styles ``[N, num_ws, w_dim]`` they were made from.

    Args:
        generator: The model.
        z: Latents, ``[N, z_dim]``.
        c: Labels, ``[N, c_dim]``, or ``None``.
        noise: Which noise maps.
        mixing: Second latents, or ``None``.
        update_emas: Also move the generator's running averages: the centre of W, StyleGAN3's magnitudes.
    """
    w_plus = broadcast(generator.map(z, c, update_emas=update_emas), generator.spec.num_ws)
    if mixing is not None and mixing.cutoff < generator.spec.num_ws:
        second = broadcast(generator.map(mixing.z, c), generator.spec.num_ws)
        w_plus = torch.cat([w_plus[:, : mixing.cutoff], second[:, mixing.cutoff :]], dim=1)
    return synthesize(generator, w_plus, noise=noise, update_emas=update_emas), w_plus


def synthesize(generator: Generator, w_plus: Tensor, *, noise: Noise, update_emas: bool = False) -> Tensor:
    """Pictures ``[N, C, H, W]`` of styles ``[N, num_ws, w_dim]``."""
    s = generator.style(w_plus)
    # StyleGAN3 alone keeps averages in its synthesis.
    if update_emas and generator.spec.family == "stylegan3":
        return generator.synthesize(s, noise=noise, update_emas=True)
    return generator.synthesize(s, noise=noise)


def g_main(
    discriminator: Callable[..., Tensor], fake: Tensor, c: Tensor | None, *, sigma: float = 0.0, gain: float = 1.0
) -> PhaseLoss:
    """Generator, main phase: ``softplus(-D(fake))``, averaged.

    Args:
        discriminator: Logits ``[N, 1]`` of pictures and labels. Its weights may be frozen.
        fake: Pictures with their graph, from `generate`.
        c: Their labels.
        sigma: Blur of the pictures, see `blur_sigma`.
        gain: Factor on the loss.
    """
    logits = discriminator(blur(fake, sigma), c)
    loss = F.softplus(-logits)
    return PhaseLoss(loss.mean() * gain, _detached(scores_fake=logits, g_loss=loss))


def g_path_length(
    image: Tensor,
    w_plus: Tensor,
    pl_mean: Tensor,
    *,
    noise_image: Tensor,
    weight: float = 2.0,
    decay: float = 0.01,
    gain: float = 1.0,
    over_ranks: Callable[[Tensor], Tensor] = lambda mean: mean,
) -> tuple[PhaseLoss, Tensor]:
    """Generator, path length phase: a step in W should change every picture by the same amount.

    Args:
        image: ``[N, C, H, W]``, made from `w_plus` with its graph.
        w_plus: ``[N, num_ws, w_dim]``, requiring gradients.
        pl_mean: Running mean of the lengths, scalar.
        noise_image: Standard normal, like ``image``: the random direction in picture space.
        weight: Factor on the penalty.
        decay: How far `pl_mean` moves towards this batch.
        gain: Factor on the loss.
        over_ranks: Takes this process's mean length to that of all, with its gradient.

    Returns:
        The loss and the new `pl_mean`.

    Source: StyleGAN2, equation 4 and appendix B.
    """
    height, width = image.shape[2:]
    direction = (image * noise_image).sum() / (height * width) ** 0.5
    (gradient,) = torch.autograd.grad(direction, w_plus, create_graph=True)
    lengths = gradient.square().sum(dim=2).mean(dim=1).sqrt()
    mean = pl_mean.lerp(over_ranks(lengths.mean()), decay)
    penalty = (lengths - mean).square()
    phase = PhaseLoss(penalty.mean() * (weight * gain), _detached(pl_penalty=penalty, g_reg=penalty * weight))
    return phase, mean.detach()


def d_main(
    discriminator: Callable[..., Tensor],
    fake: Tensor,
    fake_c: Tensor | None,
    real: Tensor,
    real_c: Tensor | None,
    *,
    sigma: float = 0.0,
    gain: float = 1.0,
) -> PhaseLoss:
    """Discriminator, main phase: ``softplus(D(fake)) + softplus(-D(real))``, each averaged.

    Args:
        discriminator: Logits ``[N, 1]`` of pictures and labels.
        fake: Detached pictures of the generator.
        fake_c: Their labels.
        real: Pictures of the data set, -1 to 1.
        real_c: Their labels.
        sigma: Blur of all pictures, see `blur_sigma`.
        gain: Factor on the loss.
    """
    fake_logits = discriminator(blur(fake, sigma), fake_c)
    # Apart from the fakes: the minibatch deviation must see one kind of picture at a time.
    real_logits = discriminator(blur(real, sigma), real_c)
    fake_loss, real_loss = F.softplus(fake_logits), F.softplus(-real_logits)
    report = _detached(scores_fake=fake_logits, scores_real=real_logits, d_loss=fake_loss + real_loss)
    return PhaseLoss((fake_loss.mean() + real_loss.mean()) * gain, report)


def d_r1(
    discriminator: Callable[..., Tensor],
    real: Tensor,
    real_c: Tensor | None,
    *,
    gamma: float,
    sigma: float = 0.0,
    gain: float = 1.0,
) -> PhaseLoss:
    """Discriminator, R1 phase: ``gamma / 2 * |dD(real) / d real|²``, averaged over the batch.

    Args:
        discriminator: Logits ``[N, 1]`` of pictures and labels.
        real: Pictures of the data set, -1 to 1.
        real_c: Their labels.
        gamma: Weight of the penalty.
        sigma: Blur of the pictures; the gradient is taken with respect to the unblurred ones.
        gain: Factor on the loss: the interval, when the phase runs in every so many steps only.
    """
    real = real.detach().requires_grad_()
    logits = discriminator(blur(real, sigma), real_c)
    (gradient,) = torch.autograd.grad(logits.sum(), real, create_graph=True)
    penalty = gradient.square().sum(dim=[1, 2, 3])
    loss = penalty * (gamma / 2)
    report = _detached(scores_real=logits, r1_penalty=penalty, d_reg=loss)
    return PhaseLoss(loss.mean() * gain, report)


def blur(image: Tensor, sigma: float) -> Tensor:
    """Gaussian blur over three sigma with zeros around, ``[N, C, H, W]`` to the same."""
    radius = floor(sigma * 3)
    if radius == 0:
        return image
    taps = (torch.arange(-radius, radius + 1, device=image.device) / sigma).square().neg().exp2()
    return filter2d(image, taps / taps.sum())


def _detached(**values: Tensor) -> dict[str, Tensor]:
    return {name: value.detach() for name, value in values.items()}
