"""Generated pictures and paths between them, of fixed random numbers."""

import math
from collections.abc import Iterator
from typing import Literal

import torch
from torch import Tensor

from explorer.features import FeatureNetwork, feature_distance, unit_features
from explorer.generators.protocol import Generator
from explorer.generators.styles import broadcast, truncate
from explorer.state import Noise
from training.grid import to_uint8

__all__ = ["generated", "path_length", "path_lengths"]

Space = Literal["w", "z"]
_LARGEST = 256


def generated(
    generator: Generator, *, count: int, labels: Tensor | None = None, psi: float = 1.0, seed: int = 0, batch: int = 16
) -> Iterator[Tensor]:
    """``count`` random pictures as uint8 ``[N, C, H, W]``, a few at a time, with noise of their own.

    Args:
        generator: The model.
        count: How many.
        labels: One-hot ``[M, c_dim]``, to draw from: fakes then have the classes of a data set.
        psi: Truncation; 1 as published.
        seed: Of everything random.
        batch: Pictures at a time.
    """
    random = torch.Generator().manual_seed(seed)
    for start in range(0, count, batch):
        number = min(batch, count - start)
        z, c = _draw(generator, number, labels, random)
        with torch.inference_mode():
            w_plus = truncate(broadcast(generator.map(z, c), generator.spec.num_ws), generator.w_avg(c), psi=psi)
            noise = Noise("random", seed=start) if generator.spec.has_noise else Noise()
            image = generator.synthesize(generator.style(w_plus), noise=noise)
        yield to_uint8(image.float().cpu())


def _draw(
    generator: Generator, number: int, labels: Tensor | None, random: torch.Generator
) -> tuple[Tensor, Tensor | None]:
    spec, device = generator.spec, generator.w_avg().device
    z = torch.randn(number, spec.z_dim, generator=random).to(device)
    if not spec.c_dim:
        return z, None
    if labels is not None:
        rows = labels[torch.randint(len(labels), (number,), generator=random)]
    else:
        rows = torch.eye(spec.c_dim)[torch.randint(spec.c_dim, (number,), generator=random)]
    return z, rows.to(device)


def path_lengths(
    generator: Generator,
    network: FeatureNetwork,
    *,
    count: int,
    labels: Tensor | None = None,
    space: Space = "w",
    ends: bool = True,
    epsilon: float = 1e-4,
    seed: int = 0,
    batch: int = 4,
) -> Iterator[Tensor]:
    """Perceptual length of a short piece of a random path, a unit of it, ``[N]`` a few at a time.

    Source: StyleGAN (Karras et al. 2019), section 4.1, with the later choice of end points and without a crop
    (StyleGAN2, appendix C): ``distance(G(t), G(t + epsilon)) / epsilon²``.

    Args:
        generator: The model.
        network: What the distance of two pictures is measured with.
        count: Pieces; 50,000 as published.
        labels: As in `generated`.
        space: Straight lines in ``w``, or great circles in ``z``.
        ends: Pieces at the beginning of the path, or anywhere on it.
        epsilon: Length of a piece.
        seed: Of everything random.
        batch: Pieces at a time.
    """
    random = torch.Generator().manual_seed(seed)
    for start in range(0, count, batch):
        number = min(batch, count - start)
        z0, c = _draw(generator, number, labels, random)
        z1 = torch.randn(z0.shape, generator=random).to(z0)
        t = torch.zeros(number, 1) if ends else torch.rand(number, 1, generator=random)
        with torch.inference_mode():
            yield _pieces(generator, network, (z0, z1), c, t.to(z0), space, epsilon, Noise("const"))


def _pieces(
    generator: Generator,
    network: FeatureNetwork,
    ends: tuple[Tensor, Tensor],
    c: Tensor | None,
    t: Tensor,
    space: Space,
    epsilon: float,
    noise: Noise,
) -> Tensor:
    features = []
    for at in (t, t + epsilon):
        straight = space == "w"
        w = torch.lerp(*(generator.map(z, c) for z in ends), at) if straight else generator.map(slerp(*ends, at), c)
        image = generator.synthesize(generator.style(broadcast(w, generator.spec.num_ws)), noise=noise).float()
        if (factor := max(image.shape[2:]) // _LARGEST) > 1:
            image = torch.nn.functional.avg_pool2d(image, factor)
        features.append(unit_features(network(image)))
    return feature_distance(*features, heads=network.heads).cpu().double() / epsilon**2


def slerp(a: Tensor, b: Tensor, t: Tensor) -> Tensor:
    """On the great circle from ``a`` to ``b``, both ``[N, d]`` and brought to length 1, at ``t`` ``[N, 1]``."""
    a, b = (x / x.norm(dim=1, keepdim=True) for x in (a, b))
    angle = t * (a * b).sum(dim=1, keepdim=True).clamp(-1, 1).acos()
    aside = b - (a * b).sum(dim=1, keepdim=True) * a
    aside = aside / aside.norm(dim=1, keepdim=True)
    point = a * angle.cos() + aside * angle.sin()
    return point / point.norm(dim=1, keepdim=True)


def path_length(lengths: Tensor) -> float:
    """The mean without the shortest and the longest 1 %, as published."""
    ordered = lengths.sort().values
    low = math.floor(0.01 * (len(ordered) - 1))
    high = math.ceil(0.99 * (len(ordered) - 1))
    inside = (lengths >= ordered[low]) & (lengths <= ordered[high])
    return float(lengths[inside].mean())
