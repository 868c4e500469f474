"""Published PyTorch snapshots: a pickled dictionary of G, D and G_ema, read as data."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

from explorer.checkpoints import (
    published_fastgan,
    published_projected,
    published_r3gan,
    published_stylegan2,
    published_stylegan3,
    published_stylegan_t,
    published_stylegan_t_discriminator,
    published_stylegan_xl,
    published_text_encoder,
)
from explorer.checkpoints.allowed import SNAPSHOT_CONSTRUCTORS
from explorer.checkpoints.file_bytes import damage_reported
from explorer.checkpoints.inert import InertObject
from explorer.checkpoints.modules import is_module, module_class, plain, read_module
from explorer.checkpoints.pickle_machine import Budget, PickleMachine
from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError
from explorer.text import ClipText

__all__ = ["PublishedSnapshot", "read_published"]

_READERS = (
    published_stylegan_xl,
    published_stylegan_t,
    published_stylegan3,
    published_stylegan2,
    published_r3gan,
    published_fastgan,
)
_CRITICS = (published_stylegan2, published_r3gan, published_stylegan_t_discriminator)

ENTRIES = ("G", "D", "G_ema", "augment_pipe")


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishedSnapshot:
    """What a snapshot holds."""

    generator: nn.Module
    """From ``G_ema``, else ``G``. Its tensors may still be views of the file's bytes."""
    discriminator: nn.Module | None
    """When there is one of a known kind. Likewise."""
    text_encoder: ClipText | None
    """That a StyleGAN-T generator carries, when it can be read. Likewise."""
    entries: tuple[str, ...]
    """Which of `ENTRIES` are there."""
    used: str
    """The generator's entry."""
    notes: tuple[str, ...]
    """What the user should know."""
    training_set: Mapping[str, object]
    """The data set's options, as JSON data."""


def read_published(data: memoryview) -> PublishedSnapshot:
    """Read a snapshot from its bytes, which must be writable since tensors become views of them.

    Raises:
        CheckpointError: It is damaged, hostile, not a snapshot, or of a family that is not supported.
    """
    top = PickleMachine(data, SNAPSHOT_CONSTRUCTORS, Budget(len(data))).run()
    snapshot = _as_snapshot(top)
    entries = tuple(name for name in ENTRIES if snapshot.get(name) is not None)
    used = next((name for name in ("G_ema", "G") if name in entries), None)
    if used is None:
        held = ", ".join(str(key)[:40] for key in list(snapshot)[:8]) or "nothing"
        raise CheckpointError(f"this pickle holds no generator: G_ema or G is wanted, and it holds {held}")
    if not is_module(snapshot[used]):
        raise CheckpointError(
            f"this pickle's {used} is no generator but {_named(snapshot[used])}: it is damaged or hostile"
        )
    record = read_module(snapshot[used], size=len(data))
    generator = _generator(record)
    discriminator, notes = _discriminator(snapshot.get("D"), size=len(data), classes=generator.spec.c_dim)
    text_encoder, more = published_text_encoder.read_text_encoder(record)
    fresh = generator.spec.family == "fastgan" and generator.spec.has_noise
    drawn = (published_fastgan.NOISE_NOTE,) if fresh else ()
    training_set = plain(snapshot.get("training_set_kwargs"))
    return PublishedSnapshot(
        generator=generator,
        discriminator=discriminator,
        text_encoder=text_encoder,
        entries=entries,
        used=used,
        notes=(*notes, *more, *drawn),
        training_set=training_set if isinstance(training_set, dict) else {},
    )


def _as_snapshot(top: object) -> Mapping[object, object]:
    """The dictionary of networks, whichever way the file holds it."""
    if isinstance(top, dict):
        return top
    if is_module(top):
        return {"G_ema": top}
    first = top[0] if isinstance(top, tuple | list) and top else top
    if isinstance(first, InertObject) and first.symbol.name == "Network":
        raise CheckpointError(
            f"this pickle holds {_named(first)} of the TensorFlow era in an unusual way: it is damaged or hostile"
        )
    raise CheckpointError(f"this pickle is no snapshot but {_named(top)}: open a StyleGAN2 or StyleGAN3 snapshot")


def _generator(record: ModuleRecord) -> nn.Module:
    for reader in _READERS:
        if reader.is_generator(record):
            return reader.read_generator(record)
    raise CheckpointError(
        f"this snapshot's generator is a network of class {record.class_name!r}, which is not supported: open a "
        "snapshot of StyleGAN2, StyleGAN2-ADA, StyleGAN3, StyleGAN-XL, StyleGAN-T, R3GAN or Projected GAN"
    )


def _discriminator(value: object, *, size: int, classes: int) -> tuple[nn.Module | None, tuple[str, ...]]:
    """The discriminator, or why there is none: a picture can be made without it."""
    if value is None:
        return None, ()
    if not is_module(value):
        return None, (f"The discriminator is {_named(value)}, which is not known: only the generator was read.",)
    try:
        with damage_reported():
            return _known_discriminator(read_module(value, size=size), classes=classes)
    except CheckpointError as error:
        return None, (f"The discriminator could not be read: {error}.",)


def _known_discriminator(record: ModuleRecord, *, classes: int) -> tuple[nn.Module | None, tuple[str, ...]]:
    if published_projected.is_discriminator(record):
        return published_projected.read_discriminator(record, classes=classes), ()
    for reader in _CRITICS:
        if reader.is_discriminator(record):
            return reader.read_discriminator(record), ()
    name = record.class_name
    return None, (f"The discriminator is of class {name!r}, which is not known: only the generator was read.",)


def _named(value: object) -> str:
    """What a value is, in a few words."""
    if isinstance(value, InertObject):
        return f"an object of class {module_class(value)!r}"
    return {dict: "a dictionary", list: "a list", tuple: "a tuple", str: "text"}.get(type(value), type(value).__name__)
