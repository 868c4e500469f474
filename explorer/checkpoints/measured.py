"""The centre of W, for files that do not hold one."""

from typing import Protocol

import torch
from torch import Tensor

from explorer.state import GeneratorSpec

__all__ = ["CENTRE_NOTE", "measure_centre"]

SAMPLES = 10_000
CHUNK = 1_000
CENTRE_NOTE = f"The file holds no centre of W: it was measured from {SAMPLES:,} latents."


class _Mapped(Protocol):
    spec: GeneratorSpec

    def map(self, z: Tensor, c: Tensor | None = None) -> Tensor: ...

    def w_avg(self, c: Tensor | None = None) -> Tensor: ...


def measure_centre(generator: _Mapped) -> None:
    """Set the centre of W of an unconditional generator to the mean of mapped latents, the same ones every time."""
    stream = torch.Generator().manual_seed(0)
    total = torch.zeros(generator.spec.w_dim, dtype=torch.float64)
    with torch.no_grad():
        for _ in range(SAMPLES // CHUNK):
            z = torch.randn([CHUNK, generator.spec.z_dim], generator=stream)
            total += generator.map(z).double().sum(dim=0)
        # w_avg gives a view of the network's own buffer.
        generator.w_avg().copy_((total / SAMPLES)[None])
