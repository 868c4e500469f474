"""Principal directions of W, found from mapped samples.

Source: GANSpace (Härkönen et al. 2020), section 2: principal components of sampled w.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.generators.protocol import Generator

__all__ = ["Directions", "direction_steps", "find_directions"]

_SAMPLES = 4096
_CHUNK = 256
_SEED = 0


@dataclass(frozen=True, slots=True, eq=False)
class Directions:
    """An orthonormal basis of W, the widest direction first, and the spread along it and along the axes."""

    components: Tensor
    """Rows are directions, ``[w_dim, w_dim]``; the largest entry of each is positive."""
    deviations: Tensor
    """Standard deviation of mapped samples along each direction, ``[w_dim]``, falling."""
    axis_deviations: Tensor
    """Standard deviation of mapped samples along each coordinate of w, ``[w_dim]``."""
    samples: Tensor
    """The mapped samples themselves, ``[4096, w_dim]``."""

    def offset(self, basis: str, index: int) -> Tensor:
        """One standard deviation along a direction, ``[w_dim]``.

        Args:
            basis: ``pca`` or ``axis``.
            index: From 0.
        """
        if basis == "pca":
            return self.components[index] * self.deviations[index]
        offset = torch.zeros_like(self.axis_deviations)
        offset[index] = self.axis_deviations[index]
        return offset


def find_directions(generator: Generator, device: torch.device) -> Directions:
    """The directions of a model. The same model gives the same bits."""
    steps = direction_steps(generator, device)
    while True:
        try:
            next(steps)
        except StopIteration as done:
            result: Directions = done.value
            return result


def direction_steps(generator: Generator, device: torch.device) -> Iterator[float]:
    """`find_directions` in short steps, each yielding the share done, 0 to 1; the generator's value is the result."""
    random = torch.Generator().manual_seed(_SEED)
    spec = generator.spec
    samples = []
    for start in range(0, _SAMPLES, _CHUNK):
        z = torch.randn(_CHUNK, spec.z_dim, generator=random)
        c = torch.zeros(_CHUNK, spec.c_dim) if spec.c_dim else None
        # A text is no label that could be drawn; without one, the directions are those of the latent.
        if c is not None and not spec.text:
            c[torch.arange(_CHUNK), torch.randint(spec.c_dim, (_CHUNK,), generator=random)] = 1
        with torch.inference_mode():
            w = generator.map(z.to(device), None if c is None else c.to(device))
        samples.append(w.double().cpu())
        yield (start + _CHUNK) / _SAMPLES
    return _principal(torch.cat(samples))


def _principal(w: Tensor) -> Directions:
    centred = w - w.mean(dim=0, keepdim=True)
    covariance = centred.T @ centred / (len(w) - 1)
    variances, vectors = torch.linalg.eigh(covariance)
    # eigh gives columns, the narrowest first, of either sign.
    components, variances = vectors.T.flip(0), variances.flip(0).clamp(min=0)
    largest = components.gather(1, components.abs().argmax(dim=1, keepdim=True))
    components = components * largest.sign()
    axis = covariance.diagonal().clamp(min=0).sqrt()
    return Directions(components.float().contiguous(), variances.sqrt().float(), axis.float(), w.float())
