"""What a run will cost, measured in a few seconds before it begins."""

import dataclasses
import datetime
import gc
import sys
import time
from dataclasses import dataclass

import torch

from training.config import TrainingConfig
from training.data import TrainingSet
from training.loop import train_step
from training.parts import Parts
from training.state import TrainingState, new_state

__all__ = ["Cost", "fitting", "probe"]


@dataclass(frozen=True, slots=True)
class Cost:
    """What was measured."""

    s_per_kimg: float
    """Seconds for a thousand pictures, regularisation and augmentation at their usual share."""
    memory_bytes: int
    """Peak of the process (processor) or of its tensors (GPU)."""
    parameters: int
    """Weights of both networks that learn."""
    kimg: float
    """Length of the run."""

    @property
    def total_s(self) -> float:
        """Of the whole run."""
        return self.s_per_kimg * self.kimg

    def __str__(self) -> str:
        end = datetime.datetime.now() + datetime.timedelta(seconds=min(self.total_s, 3e9))
        return (
            f"{self.memory_bytes / 2**20:,.0f} MiB, {self.s_per_kimg:.1f} s per kimg, {self.parameters:,} weights; "
            f"{self.kimg:g} kimg take {_spoken(self.total_s)}, until about {end:%Y-%m-%d %H:%M}"
        )


def probe(
    config: TrainingConfig, pictures: TrainingSet, *, device: str | torch.device = "cpu", seconds: float = 10.0
) -> Cost:
    """Train a throw-away model for a few steps.

    Args:
        config: Settings of the run.
        pictures: What is trained on; nothing of it changes.
        device: Where.
        seconds: About as long as this.

    Raises:
        RuntimeError: Memory ran out, as torch says it.
    """
    state = new_state(config, pictures, device=device)
    on_gpu = torch.device(device).type == "cuda"
    if on_gpu:
        torch.cuda.reset_peak_memory_stats()
    parts = Parts(chunks=config.accumulate)
    if config.augment == "ada":
        state.augment_p = 0.5
    # The first step has every regularisation, and what torch sets up once.
    _timed(state, pictures, parts, step=0)
    full = _timed(state, pictures, parts, step=0)
    plain = []
    until = time.perf_counter() + seconds - 2 * full
    while len(plain) < 2 or time.perf_counter() < until:
        plain.append(_timed(state, pictures, parts, step=1))
    rates = [1 / n for n in (config.pl_interval if config.pl_weight > 0 else 0, config.r1_interval) if n > 1]
    # What regularisation adds to a step, as often as it comes.
    usual = min(plain) + max(full - min(plain), 0.0) * (sum(rates) / max(len(rates), 1))
    memory = torch.cuda.max_memory_allocated() if on_gpu else _peak_memory()
    weights = sum(p.numel() for model in (state.generator, state.discriminator) for p in model.parameters())
    return Cost(usual * 1000 / config.batch, memory, weights, config.kimg)


def fitting(config: TrainingConfig, pictures: TrainingSet, *, device: str | torch.device) -> tuple[TrainingConfig, str]:
    """The settings with as many parts in turn as the memory asks for, and what was found."""
    while True:
        try:
            probe(config, pictures, device=device, seconds=0.0)
        except (MemoryError, RuntimeError) as error:
            memory = isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in str(error)
            larger = config.accumulate * 2
            if not memory or config.batch % (larger * config.mbstd_group):
                raise
            config = dataclasses.replace(config, accumulate=larger)
            gc.collect()
            continue
        return config, f"accumulate = {config.accumulate}: the batch of {config.batch} fits so, a trial step showed"


def _timed(state: TrainingState, pictures: TrainingSet, parts: Parts, *, step: int) -> float:
    state.step = step
    began = time.perf_counter()
    train_step(state, pictures, parts)
    if state.pl_mean.is_cuda:
        torch.cuda.synchronize()
    return time.perf_counter() - began


def _peak_memory() -> int:
    if sys.platform == "win32":
        return 0
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _spoken(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} seconds"
