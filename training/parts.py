"""One step in parts: over ranks, and one part after the other within a rank.

Parts are whole groups of the discriminator's minibatch deviation, and everything random is drawn for the whole batch
before a part takes its rows. So a step is the same step in any number of parts, up to rounding and these: StyleGAN3
normalises styles over the pictures that it sees at once, as published, and path lengths within a rank that accumulates
are compared with the mean of the parts before.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn

from training.config import ConfigError, TrainingConfig

__all__ = ["Parts"]

_AVERAGED = ("w_avg", "magnitude_ema")


@dataclass(frozen=True, slots=True)
class Parts:
    """How a step is divided."""

    rank: int = 0
    """This process."""
    ranks: int = 1
    """All processes."""
    chunks: int = 1
    """Parts of each rank's share."""

    def check(self, config: TrainingConfig) -> None:
        """Refuse settings that cannot be divided.

        Raises:
            ConfigError: A part would not hold whole groups, or nothing at all.
        """
        parts = self.ranks * self.chunks
        if config.batch % (parts * config.mbstd_group):
            raise ConfigError(
                f"a batch of {config.batch} cannot be divided into {parts} parts ({self.ranks} ranks, {self.chunks} in "
                f"turn) of whole groups of {config.mbstd_group}: choose a multiple of {parts * config.mbstd_group}"
            )
        if config.pl_weight > 0 and (config.batch // config.pl_batch_shrink) % parts:
            raise ConfigError(
                f"path lengths of {config.batch // config.pl_batch_shrink} pictures cannot be divided into {parts} "
                f"parts: set pl_batch_shrink to 1, or choose another batch"
            )

    def rows(self, batch: int, group: int = 1) -> list[Tensor]:
        """This rank's pictures of a batch, int64, one tensor a part.

        Picture i shares a group with every (batch / group)-th: a part takes the same places of each.
        """
        table = torch.arange(batch).view(group, -1)
        mine = table.tensor_split(self.ranks, dim=1)[self.rank]
        return [part.flatten() for part in mine.tensor_split(self.chunks, dim=1)]

    def sum(self, value: Tensor) -> Tensor:
        """Over all ranks, without a gradient."""
        if self.ranks > 1:
            value = value.clone()
            dist.all_reduce(value)
        return value

    def mean(self, value: Tensor) -> Tensor:
        """Over all ranks, with its gradient."""
        return _Mean.apply(value, self.ranks) if self.ranks > 1 else value

    def average_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Replace every gradient by its mean over the ranks."""
        if self.ranks == 1:
            return
        found = [p for p in parameters if p.grad is not None]
        if not found:
            return
        flat = torch.cat([p.grad.reshape(-1) for p in found if p.grad is not None])
        dist.all_reduce(flat)
        for p, part in zip(found, (flat / self.ranks).split([p.numel() for p in found]), strict=True):
            p.grad = part.view(p.shape)

    @contextmanager
    def averages(self, model: nn.Module) -> Iterator["_Averages"]:
        """Let each part move the running averages of ``model`` from where they were; the mean of all is kept."""
        averages = _Averages([b for name, b in model.named_buffers() if name.endswith(_AVERAGED)])
        yield averages
        if self.ranks * self.chunks > 1:
            averages.finish(self)


class _Averages:
    def __init__(self, buffers: list[Tensor]) -> None:
        self._buffers = buffers
        self._before = [buffer.clone() for buffer in buffers]
        self._sums = [torch.zeros_like(buffer) for buffer in buffers]
        self._parts = 0

    def begin_part(self) -> None:
        """Put the averages back to where the step began, and remember where the part before brought them."""
        if self._parts > 0:
            self._add()
            for buffer, before in zip(self._buffers, self._before, strict=True):
                buffer.copy_(before)
        self._parts += 1

    def _add(self) -> None:
        for total, buffer in zip(self._sums, self._buffers, strict=True):
            total.add_(buffer)

    def finish(self, parts: Parts) -> None:
        self._add()
        for buffer, total in zip(self._buffers, self._sums, strict=True):
            buffer.copy_(parts.sum(total) / (self._parts * parts.ranks))


class _Mean(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, value: Tensor, ranks: int) -> Tensor:
        ctx.ranks = ranks
        mean = value.clone()
        dist.all_reduce(mean)
        return mean / ranks

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None]:
        gradient = gradient.clone()
        dist.all_reduce(gradient)
        return gradient / ctx.ranks, None
