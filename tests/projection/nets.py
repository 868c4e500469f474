"""Small banks and photos of small models, for tests of projections."""

from functools import cache

import numpy as np
import torch

from explorer.features import bundled_features
from explorer.generators.protocol import Generator
from explorer.generators.styles import broadcast
from explorer.projection import Bank, Found, Photo, Plan, Progress, Target, bank_steps, project
from explorer.rendering.synthesis import matrix_of
from explorer.state import Transform
from tests.models import golden

COUNT = 64


def finished(steps):
    """What a generator of steps returns."""
    while True:
        try:
            next(steps)
        except StopIteration as done:
            return done.value


@cache
def bank(name: str) -> Bank:
    return finished(bank_steps(golden(name).generator, count=COUNT))


def picture(generator: Generator, seed: int, transform: Transform | None = None) -> torch.Tensor:
    z = torch.randn(1, generator.spec.z_dim, generator=torch.Generator().manual_seed(seed))
    c = torch.eye(generator.spec.c_dim)[:1] if generator.spec.c_dim else None
    with torch.no_grad():
        s = generator.style(broadcast(generator.map(z, c), generator.spec.num_ws))
        return generator.synthesize(s, transform=matrix_of(transform or Transform(), torch.device("cpu")))


def photo_of(image: torch.Tensor) -> Photo:
    pixels = (image[0] * 127.5 + 128).clamp(0, 255).byte().permute(1, 2, 0).numpy()
    pixels = np.repeat(pixels, 3, axis=2) if pixels.shape[2] == 1 else pixels
    return Photo(np.concatenate([pixels, np.full_like(pixels[..., :1], 255)], axis=2), "photo")


def run(name: str, target: Target, plan: Plan) -> list[Progress]:
    return list(project(golden(name).generator, target, plan, bank(name), bundled_features()))


def drawn(generator: Generator, found: Found) -> torch.Tensor:
    with torch.no_grad():
        s = generator.style(found.w_plus[None])
        return generator.synthesize(s, transform=matrix_of(found.transform, torch.device("cpu")))
