"""What a model's own samples look like: where to begin the search for a photo.

A bank holds mapped samples and what they look like, very small. From it, a kernel regression learns the way back, from
looks to w: on toons64 its first guess is at 26 dB where the nearest sample is at 21. It is made once for a model, and
kept. A bank of a second serves well already; see docs/projection.md.

Source: kernel ridge regression, as in Rasmussen and Williams 2006, section 2.2.
"""

import time
from collections.abc import Callable
from collections.abc import Generator as Steps
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.generators.protocol import Generator
from explorer.generators.styles import broadcast
from explorer.projection.coordinates import Coordinates
from explorer.projection.explained import THUMB, Explained, look, shrunk
from explorer.projection.target import Target
from explorer.state import GeneratorSpec

__all__ = ["QUICK_S", "Bank", "bank_steps", "quick_count", "sample_count"]

_SEED = 0
_CHUNK = 8
# On toons64, 256 pictures give a first guess at 22.5 dB, 1024 at 24.8 and 4096 at 26; on drawn faces all are alike.
_MOST, _FEWEST = 1024, 128
_QUICK, _QUICKEST = 192, 16
_SIDE = 64
_MAPPED, _MAPPED_CHUNK = 4096, 512
_GAMMA, _RIDGE = 0.3, 0.01
# So far from the middle lies no sample of many.
_FARTHEST = 4.0
_WAIT_S = 0.02

QUICK_S = 0.7
"""How long pictures are made for a bank that a person waits for."""


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """Samples of a model, and the way from looks to w."""

    coordinates: Coordinates
    """Of the samples."""
    v: Tensor
    """The samples, ``[n, d]``."""
    looks: Tensor
    """What each looks like, ``[n, C * 16 * 16]``."""
    scale: Tensor
    """What looks are shifted and divided by, ``[2, f]``."""
    width: Tensor
    """Of the kernel, ``[]``."""
    weights: Tensor
    """Of the regression, ``[n, d]``."""

    def guesses(self, target: Target, count: int) -> Tensor:
        """Where to begin, the likeliest first, ``[count, d]``: what the regression says, then the nearest samples.

        Under a mask the likeliest stands for what is covered, and nearest is what is near where nothing covers.
        """
        channels = target.image.shape[1]
        image, counts = shrunk(target, THUMB)
        image = image / counts.clamp_min(1e-6)
        seen = look(image)
        if target.mask is not None:
            seen = Explained(self.looks, channels).filled(image, counts)
        wanted = counts.expand(-1, channels, -1, -1).flatten(1)
        distances = ((self.looks - look(image)).square() * wanted).sum(dim=1)
        return torch.cat([self.learned(seen), self.v[distances.argsort(stable=True)[: count - 1]]])

    def learned(self, looks: Tensor) -> Tensor:
        """What the regression says of what pictures look like, ``[N, f]`` to ``[N, d]``."""
        distances = torch.cdist((looks - self.scale[0]) / self.scale[1], (self.looks - self.scale[0]) / self.scale[1])
        kernel = torch.exp(-_GAMMA * distances.square() / self.width)
        return (kernel @ self.weights).clamp(-_FARTHEST, _FARTHEST)


def sample_count(spec: GeneratorSpec) -> int:
    """How many samples a bank of a model has."""
    return _scaled(spec, _MOST, _FEWEST)


def quick_count(spec: GeneratorSpec) -> int:
    """How many samples a bank has at most that is made while a person waits; see `QUICK_S`."""
    return _scaled(spec, _QUICK, _QUICKEST)


def _scaled(spec: GeneratorSpec, most: int, fewest: int) -> int:
    height, width = spec.resolution
    return max(fewest, min(most, most * _SIDE * _SIDE // (height * width)))


def bank_steps(
    generator: Generator,
    *,
    label: Tensor | None = None,
    count: int | None = None,
    within_s: float | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Steps[float, None, Bank]:
    """Make a bank, a little at a time: yields the share done, 0 to 1, and returns the bank.

    Args:
        generator: The model.
        label: ``[1, c_dim]``: of all samples; each draws a class of its own when ``None``.
        count: How many samples have a picture; `sample_count` when ``None``.
        within_s: After so many seconds no more pictures are made, but for the fewest that a bank can do with.
        clock: In seconds; matters only with ``within_s``.
    """
    count = sample_count(generator.spec) if count is None else count
    mapped = yield from _mapped(generator, label)
    looks: list[Tensor] = []
    began_s = clock()
    for w in torch.split(mapped[:count], _CHUNK):
        if within_s is not None and len(looks) * _CHUNK >= _QUICKEST and clock() - began_s > within_s:
            break
        with torch.no_grad():
            looks.append(look(generator.synthesize(generator.style(broadcast(w, generator.spec.num_ws))).float()))
        yield len(looks) * _CHUNK / (count + _CHUNK) * 0.95
    return (yield from _aside(lambda: _learned(mapped, torch.cat(looks))))


def _mapped(generator: Generator, label: Tensor | None) -> Steps[float, None, Tensor]:
    """Many samples of W, which cost little, and tell how it is spread; the first of them get pictures."""
    spec = generator.spec
    random = torch.Generator().manual_seed(_SEED)
    device = generator.w_avg().device
    samples = []
    for _ in range(0, _MAPPED, _MAPPED_CHUNK):
        z = torch.randn(_MAPPED_CHUNK, spec.z_dim, generator=random).to(device)
        c = _labels(spec, _MAPPED_CHUNK, label, random)
        with torch.no_grad():
            samples.append(generator.map(z, None if c is None else c.to(device)).float())
        yield 0.0
    return torch.cat(samples)


def _labels(spec: GeneratorSpec, size: int, label: Tensor | None, random: torch.Generator) -> Tensor | None:
    if spec.c_dim == 0:
        return None
    if label is not None:
        return label.expand(size, -1)
    c = torch.zeros(size, spec.c_dim)
    # A text is no label that could be drawn.
    if not spec.text:
        c[torch.arange(size), torch.randint(spec.c_dim, (size,), generator=random)] = 1
    return c


def _learned(mapped: Tensor, looks: Tensor) -> Bank:
    # As they are kept on the disk, so that a bank that was read gives the same bits as a new one.
    looks = looks.half().float()
    with torch.no_grad():
        coordinates = Coordinates.of(mapped)
        v = coordinates.v(mapped[: len(looks)])
        scale = torch.stack([looks.mean(dim=0), looks.std(dim=0) + 1e-3])
        shifted = (looks - scale[0]) / scale[1]
        squares = torch.cdist(shifted, shifted).square()
        width = squares.flatten()[:: max(1, squares.numel() // 65536)].median().clamp_min(1e-6)
        kernel = torch.exp(-_GAMMA * squares / width).double()
        kernel.diagonal().add_(_RIDGE)
        weights = torch.linalg.solve(kernel, v.double()).float()
    return Bank(coordinates, v, looks, scale, width, weights)


def _aside(work: Callable[[], Bank]) -> Steps[float, None, Bank]:
    """Do what takes seconds in a thread, so that whoever runs the steps can look after something else."""
    with ThreadPoolExecutor(1) as pool:
        result: Future[Bank] = pool.submit(work)
        while True:
            try:
                return result.result(_WAIT_S)
            except NotYet:
                yield 0.97
