"""What a model's own samples look like: where to begin the search for a photo.

A bank holds mapped samples and what they look like. From it, a kernel regression learns the way back, from looks to w:
on toons64 its first guess is at 25 dB where the nearest sample is at 21. It is made once for a model, and kept.

Source: kernel ridge regression, as in Rasmussen and Williams 2006, section 2.2.
"""

from collections.abc import Callable
from collections.abc import Generator as Steps
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as NotYet
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from explorer.features.network import FeatureNetwork
from explorer.generators.protocol import Generator
from explorer.generators.styles import broadcast
from explorer.projection.coordinates import Coordinates
from explorer.projection.target import Target
from explorer.state import GeneratorSpec

__all__ = ["Bank", "bank_steps", "sample_count"]

_SEED = 0
_CHUNK = 8
# Enough for the regression where a sample costs some milliseconds; for larger pictures as many as a minute gives.
_MOST, _FEWEST = 4096, 128
_PIXELS_IN_ALL = 4096 * 64 * 64
_THUMB = 16
_LOOK_SIDE = 128
# The third and the fourth scale, averaged to 4 x 4 and 2 x 2 places.
_PLACES = {2: 4, 3: 2}
_SCALES = 4
_GAMMA, _RIDGE = 0.3, 0.01
# So far from the middle lies no sample of many.
_FARTHEST = 4.0
_WAIT_S = 0.02


@dataclass(frozen=True, slots=True, eq=False)
class Bank:
    """Samples of a model, and the way from looks to w."""

    coordinates: Coordinates
    """Of the samples."""
    v: Tensor
    """The samples, ``[n, d]``."""
    looks: Tensor
    """What each looks like, ``[n, f]``; the first ``C * 16 * 16`` are the picture itself, small."""
    scale: Tensor
    """What looks are shifted and divided by, ``[2, f]``."""
    width: Tensor
    """Of the kernel, ``[]``."""
    weights: Tensor
    """Of the regression, ``[n, d]``."""

    def guesses(self, target: Target, features: FeatureNetwork, count: int) -> Tensor:
        """Where to begin, the likeliest first, ``[count, d]``: what the regression says, then the nearest samples.

        Under a mask only what is not covered is compared, and nothing else is known: nearest samples alone.
        """
        if target.mask is not None:
            return self.v[self._nearest_uncovered(target)[:count]]
        nearest = self.v[self._distances(target.image, features)[0].argsort()[: count - 1]]
        return torch.cat([self.learned(target.image, features), nearest])

    def learned(self, images: Tensor, features: FeatureNetwork) -> Tensor:
        """What the regression says of pictures, ``[N, C, H, W]`` to ``[N, d]``."""
        kernel = torch.exp(-_GAMMA * self._distances(images, features).square() / self.width)
        return (kernel @ self.weights).clamp(-_FARTHEST, _FARTHEST)

    def _distances(self, images: Tensor, features: FeatureNetwork) -> Tensor:
        looks = (look(images, features) - self.scale[0]) / self.scale[1]
        return torch.cdist(looks, (self.looks - self.scale[0]) / self.scale[1])

    def _nearest_uncovered(self, target: Target) -> Tensor:
        assert target.mask is not None
        channels = target.image.shape[1]
        mask = functional.adaptive_avg_pool2d(target.mask, _THUMB)
        wanted = functional.adaptive_avg_pool2d(target.image * target.mask, _THUMB) / mask.clamp_min(1e-6)
        thumbs = self.looks[:, : channels * _THUMB * _THUMB].view(-1, channels, _THUMB, _THUMB)
        return ((thumbs - wanted).square() * mask).sum(dim=(1, 2, 3)).argsort()


def look(images: Tensor, features: FeatureNetwork) -> Tensor:
    """What pictures look like in a few hundred numbers, ``[N, f]``."""
    share = _LOOK_SIDE / max(images.shape[2:])
    seen = images if share >= 1 else functional.interpolate(images, scale_factor=share, mode="area")
    scales = features(seen, scales=min(_SCALES, len(features.strides)))
    pooled = [functional.adaptive_avg_pool2d(scales[i], size) for i, size in _PLACES.items() if i < len(scales)]
    return torch.cat([part.flatten(1) for part in (functional.adaptive_avg_pool2d(images, _THUMB), *pooled)], dim=1)


def sample_count(spec: GeneratorSpec) -> int:
    """How many samples a bank of a model has."""
    height, width = spec.resolution
    return max(_FEWEST, min(_MOST, _PIXELS_IN_ALL // (height * width)))


def bank_steps(
    generator: Generator, features: FeatureNetwork, *, label: Tensor | None = None, count: int | None = None
) -> Steps[float, None, Bank]:
    """Make a bank, a little at a time: yields the share done, 0 to 1, and returns the bank.

    Args:
        generator: The model.
        features: The network that looks at the samples.
        label: ``[1, c_dim]``: of all samples; each draws a class of its own when ``None``.
        count: How many samples; `sample_count` when ``None``.
    """
    spec = generator.spec
    count = sample_count(spec) if count is None else count
    random = torch.Generator().manual_seed(_SEED)
    device = generator.w_avg().device
    samples, looks = [], []
    for start in range(0, count, _CHUNK):
        size = min(_CHUNK, count - start)
        z = torch.randn(size, spec.z_dim, generator=random).to(device)
        c = _labels(spec, size, label, random)
        with torch.no_grad():
            w = generator.map(z, None if c is None else c.to(device)).float()
            images = generator.synthesize(generator.style(broadcast(w, spec.num_ws))).float()
            samples.append(w)
            looks.append(look(images, features))
        yield (start + size) / count * 0.95
    return (yield from _aside(lambda: _learned(torch.cat(samples), torch.cat(looks))))


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


def _learned(samples: Tensor, looks: Tensor) -> Bank:
    # As they are kept on the disk, so that a bank that was read gives the same bits as a new one.
    looks = looks.half().float()
    with torch.no_grad():
        coordinates = Coordinates.of(samples)
        v = coordinates.v(samples)
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
