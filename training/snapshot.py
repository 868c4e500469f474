"""Snapshots: everything that a run needs to go on, in a file that opens as a model too.

The averaged generator and the discriminator are saved as any checkpoint is, so `explorer.open_checkpoint`
reads a snapshot; beside them stand the learning generator, both optimisers' moments and three counters.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from explorer.checkpoints import CheckpointParts, TrainingExtras, open_checkpoint, read_training_extras, save_checkpoint
from explorer.errors import CheckpointError
from explorer.generators.stylegan2 import Generator
from explorer.generators.stylegan2_discriminator import Discriminator
from training.config import TrainingConfig
from training.state import TrainingState, assemble

__all__ = ["load_snapshot", "newest_snapshot", "save_snapshot", "snapshot_config", "snapshot_path"]

_MOMENTS = ("exp_avg", "exp_avg_sq", "step")
_NAME = re.compile(r"snapshot-(\d+)\.safetensors")


def snapshot_path(run: Path, shown: int) -> Path:
    """Where the snapshot after ``shown`` pictures lies in a run's folder."""
    return run / f"snapshot-{shown:010d}.safetensors"


def newest_snapshot(run: Path) -> Path | None:
    """The snapshot of ``run`` that came furthest, or ``None``. A file under this name is always whole."""
    found = [(int(match[1]), path) for path in run.glob("snapshot-*") if (match := _NAME.fullmatch(path.name))]
    return max(found)[1] if found else None


def save_snapshot(state: TrainingState, path: Path, *, card: Mapping[str, object]) -> None:
    """Write ``state`` as one file, which appears whole or not at all.

    Args:
        state: Between two steps.
        path: From `snapshot_path`.
        card: About the model, see `explorer.checkpoints.save_checkpoint`.

    Raises:
        CheckpointError: The file cannot be written.
    """
    tensors = {f"g.{name}": tensor for name, tensor in state.generator.state_dict().items()}
    tensors["pl_mean"] = state.pl_mean
    for prefix, model, adam in state.optimizers():
        for name, moments in _by_name(model, adam).items():
            tensors |= {f"adam.{prefix}.{moment}.{name}": moments[moment] for moment in _MOMENTS}
    metadata = {
        "config": state.config.to_json(),
        "step": state.step,
        "shown": state.shown,
        "pictures": state.sampler.count,
        "position": state.sampler.position,
    }
    parts = CheckpointParts(state.average, state.discriminator)
    save_checkpoint(parts, path, card=card, extra=tensors, extra_metadata=metadata)


def load_snapshot(
    path: Path, *, config: TrainingConfig | None = None, device: str | torch.device = "cpu"
) -> TrainingState:
    """The state that `save_snapshot` wrote; going on from it equals never having stopped.

    Args:
        path: A snapshot of this program.
        config: Settings to go on with; those of the snapshot when ``None``.
        device: Where the networks live.

    Raises:
        CheckpointError: The file is not a snapshot of a training run, or is damaged.
    """
    checkpoint = open_checkpoint(path, device=device)
    extras = read_training_extras(path)
    average, discriminator = checkpoint.generator, checkpoint.discriminator
    if not isinstance(average, Generator) or not isinstance(discriminator, Discriminator) or not extras.metadata:
        raise CheckpointError(f"{path.name} is a model without the state of a training run: start a new run instead")
    try:
        return _restore(average, discriminator, extras, config)
    except (KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(f"{path.name} is damaged: its training state lacks or misfits {error}") from error


def snapshot_config(path: Path) -> TrainingConfig:
    """The settings that a snapshot was trained with.

    Raises:
        CheckpointError: The file is not a snapshot of a training run.
    """
    metadata = read_training_extras(path).metadata
    if not isinstance(metadata.get("config"), str):
        raise CheckpointError(f"{path.name} is a model without the settings of a training run: start a new run instead")
    return TrainingConfig.from_json(metadata["config"])


def _restore(
    average: Generator, discriminator: Discriminator, extras: TrainingExtras, config: TrainingConfig | None
) -> TrainingState:
    metadata, tensors = extras.metadata, extras.tensors
    device = average.w_avg().device
    generator = Generator.from_tensors(average.config, _under(tensors, "g."))
    config = TrainingConfig.from_json(metadata["config"]) if config is None else config
    for model in (generator, discriminator):
        model.requires_grad_(True).train()
    state = assemble(config, generator.to(device), discriminator, average, int(metadata["pictures"]))
    for prefix, model, adam in state.optimizers():
        _restore_moments(model, adam, _under(tensors, f"adam.{prefix}."))
    state.pl_mean = tensors["pl_mean"].to(device)
    state.step, state.shown = int(metadata["step"]), int(metadata["shown"])
    state.sampler.position = int(metadata["position"])
    return state


def _by_name(model: nn.Module, adam: torch.optim.Adam) -> dict[str, dict[str, Any]]:
    """Each parameter's moments; zeros for those that have not been moved yet."""
    return {name: adam.state.get(p) or _untouched(p) for name, p in model.named_parameters()}


def _untouched(parameter: Tensor) -> dict[str, Tensor]:
    zeros = torch.zeros_like(parameter, requires_grad=False)
    return {"exp_avg": zeros, "exp_avg_sq": zeros, "step": torch.zeros(())}


def _restore_moments(model: nn.Module, adam: torch.optim.Adam, tensors: Mapping[str, Tensor]) -> None:
    for name, parameter in model.named_parameters():
        step = tensors[f"step.{name}"]
        if step == 0:
            continue
        moments = {key: torch.empty_like(parameter, requires_grad=False) for key in _MOMENTS[:2]}
        for key, moment in moments.items():
            moment.copy_(tensors[f"{key}.{name}"])
        adam.state[parameter] = {"step": step.clone(), **moments}


def _under(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
