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
from explorer.generators import stylegan2, stylegan3
from training.config import TrainingConfig
from training.networks import Judge, Model
from training.state import TrainingState, assemble

__all__ = [
    "load_snapshot",
    "newest_snapshot",
    "read_shown",
    "save_snapshot",
    "snapshot_config",
    "snapshot_path",
    "snapshots",
]

_MOMENTS = ("exp_avg", "exp_avg_sq", "step")
_NUMBERS = ("augment_p", "ada_mean_sign", "best", "best_shown")
_NAME = re.compile(r"snapshot-(\d+)\.safetensors")


def snapshot_path(run: Path, shown: int) -> Path:
    """Where the snapshot after ``shown`` pictures lies in a run's folder."""
    return run / f"snapshot-{shown:010d}.safetensors"


def newest_snapshot(run: Path) -> Path | None:
    """The snapshot of ``run`` that came furthest, or ``None``. A file under this name is always whole."""
    found = snapshots(run)
    return found[-1] if found else None


def snapshots(run: Path) -> list[Path]:
    """All snapshots of ``run``, the one that came furthest last."""
    return sorted((path for path in run.glob("snapshot-*") if _NAME.fullmatch(path.name)), key=read_shown)


def read_shown(path: Path) -> int:
    """Pictures shown before a snapshot, from its name."""
    match = _NAME.fullmatch(path.name)
    assert match is not None, "from `snapshots`"
    return int(match[1])


def save_snapshot(state: TrainingState, path: Path, *, card: Mapping[str, object]) -> None:
    """Write ``state`` as one file, which appears whole or not at all.

    Args:
        state: Between two steps.
        path: From `snapshot_path`.
        card: About the model, see `explorer.checkpoints.save_checkpoint`.

    Raises:
        CheckpointError: The file cannot be written, or the weights are not finite.
    """
    broken = [name for name, p in state.generator.named_parameters() if not bool(torch.isfinite(p).all())]
    if broken:
        raise CheckpointError(f"the weights {broken[0]} are not numbers any more: the last snapshot was left as it is")
    tensors = {f"g.{name}": tensor for name, tensor in state.generator.state_dict().items()}
    tensors |= {"pl_mean": state.pl_mean, "ada_signs": state.ada_signs}
    for prefix, model, adam in state.optimizers():
        for name, moments in _by_name(model, adam).items():
            tensors |= {f"adam.{prefix}.{moment}.{name}": moments[moment] for moment in _MOMENTS}
    metadata = {
        "config": state.config.to_json(),
        "step": state.step,
        "shown": state.shown,
        "pictures": state.sampler.count,
        "position": state.sampler.position,
        **{name: getattr(state, name) for name in _NUMBERS},
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
    trainable = isinstance(average, stylegan2.Generator | stylegan3.Generator)
    if not trainable or not isinstance(discriminator, Judge) or not extras.metadata:
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
    average: Model, discriminator: Judge, extras: TrainingExtras, config: TrainingConfig | None
) -> TrainingState:
    metadata, tensors = extras.metadata, extras.tensors
    device = average.w_avg().device
    generator = type(average).from_tensors(average.config, _under(tensors, "g."))
    config = TrainingConfig.from_json(metadata["config"]) if config is None else config
    for model in (generator, discriminator):
        model.requires_grad_(True).train()
    state = assemble(config, generator.to(device), discriminator, average, int(metadata["pictures"]))
    for prefix, model, adam in state.optimizers():
        _restore_moments(model, adam, _under(tensors, f"adam.{prefix}."))
    state.pl_mean = tensors["pl_mean"].to(device)
    state.step, state.shown = int(metadata["step"]), int(metadata["shown"])
    state.sampler.position = int(metadata["position"])
    # Snapshots from before there was any augmentation lack these.
    state.ada_signs = tensors.get("ada_signs", state.ada_signs).clone()
    for name in _NUMBERS:
        setattr(state, name, metadata.get(name, getattr(state, name)))
    if config.augment in ("none", "fixed", "diffaugment"):
        state.augment_p = config.augment_p if config.augment == "fixed" else 0.0
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
