"""Banks on the disk: made once for a model, read in an instant from then on. A damaged one is made anew."""

import hashlib
from collections.abc import Generator as Steps
from dataclasses import fields
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from explorer.generators.protocol import Generator
from explorer.project.atomic import write_atomically
from explorer.projection.bank import Bank, bank_steps
from explorer.projection.coordinates import Coordinates

__all__ = ["bank_path", "cache_folder", "cached_bank_steps", "has_bank", "load_bank", "save_bank"]

# Counts up whenever what is kept means something else.
_VERSION = 2
_SUFFIX = ".bank"
_MOST_KEPT = 12


def cache_folder() -> Path:
    """The platform's place for banks."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("latent-explorer", appauthor=False)) / "projection"


def cached_bank_steps(
    generator: Generator,
    *,
    model: str,
    label: Tensor | None = None,
    count: int | None = None,
    within_s: float | None = None,
    folder: Path | None = None,
) -> Steps[float, None, Bank]:
    """The bank of a model, from the disk or made now and kept: yields the share done and returns the bank.

    Args:
        generator: The model.
        model: The hash of its file.
        label: ``[1, c_dim]``: of all samples; each draws a class of its own when ``None``.
        count: How many samples.
        within_s: As of `bank_steps`; a bank that was cut short is kept all the same.
        folder: Where banks are kept.
    """
    folder = cache_folder() if folder is None else folder
    path = bank_path(folder, model, label=label, count=count)
    device = generator.w_avg().device
    bank = load_bank(path, device)
    if bank is None:
        bank = yield from bank_steps(generator, label=label, count=count, within_s=within_s)
        save_bank(bank, path)
    yield 1.0
    return bank


def has_bank(model: str, *, label: Tensor | None = None, count: int | None = None, folder: Path | None = None) -> bool:
    """Whether a bank is on the disk; see `cached_bank_steps`."""
    return bank_path(cache_folder() if folder is None else folder, model, label=label, count=count).exists()


def load_bank(path: Path, device: torch.device) -> Bank | None:
    """A bank from the disk; ``None`` where there is none that can be used."""
    try:
        tensors = safetensors.torch.load(path.read_bytes())
    except (OSError, safetensors.SafetensorError):
        return None
    names = [field.name for field in fields(Bank) if field.name != "coordinates"]
    if set(tensors) != {*names, "mean", "basis"}:
        return None
    kept = {name: tensor.float().to(device) for name, tensor in tensors.items()}
    if not all(bool(torch.isfinite(tensor).all()) for tensor in kept.values()):
        return None
    return Bank(Coordinates(kept.pop("mean"), kept.pop("basis")), **kept)


def save_bank(bank: Bank, path: Path) -> None:
    """Keep a bank; where that cannot be done, it is made anew the next time."""
    tensors = {field.name: getattr(bank, field.name) for field in fields(Bank) if field.name != "coordinates"}
    tensors |= {"mean": bank.coordinates.mean, "basis": bank.coordinates.basis}
    # Looks are the bulk, and half precision tells them apart well enough.
    tensors["looks"] = tensors["looks"].half()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        packed = {name: tensor.cpu().contiguous() for name, tensor in tensors.items()}
        write_atomically(path, safetensors.torch.save(packed))
        kept = sorted(path.parent.glob(f"*{_SUFFIX}"), key=lambda file: file.stat().st_mtime, reverse=True)
        for old in kept[_MOST_KEPT:]:
            old.unlink(missing_ok=True)
    except OSError:
        return


def bank_path(folder: Path, model: str, *, label: Tensor | None = None, count: int | None = None) -> Path:
    """Where the bank of a model is kept."""
    parts = [str(_VERSION), model, str(count)]
    parts.append("" if label is None else ",".join(f"{value:.6g}" for value in label.flatten().tolist()))
    return folder / f"{hashlib.sha256('|'.join(parts).encode()).hexdigest()[:32]}{_SUFFIX}"
