"""Opening a checkpoint of any kind that is known: the one way from a file to networks."""

import dataclasses
import hashlib
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from explorer.checkpoints.families import DISCRIMINATORS, GENERATORS, TEXT_ENCODERS, build, describe
from explorer.checkpoints.file_bytes import damage_reported, read_whole
from explorer.checkpoints.identity import model_in
from explorer.checkpoints.info import CheckpointInfo
from explorer.checkpoints.mobile_import import read_mobile
from explorer.checkpoints.published import read_published
from explorer.checkpoints.safetensors_format import decode, is_own, read_header
from explorer.checkpoints.shards import read_shards
from explorer.checkpoints.snapshot import Snapshot
from explorer.checkpoints.sniff import sniff
from explorer.checkpoints.tensorflow_pickle import is_tensorflow_pickle, read_tensorflow_pickle
from explorer.checkpoints.weights import read_plain_safetensors, read_weights
from explorer.errors import CheckpointError, KernelUnavailable
from explorer.generators.protocol import Generator
from explorer.state import GeneratorSpec
from explorer.text import ClipText

__all__ = ["Checkpoint", "TrainingExtras", "open_checkpoint", "read_training_extras"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """An open model."""

    generator: Generator
    """Ready for use, in evaluation mode."""
    discriminator: nn.Module | None
    """``discriminator(image, c)`` gives logits ``[N, 1]``; ``None`` when the file has none of a known kind."""
    spec: GeneratorSpec
    """The generator's."""
    info: CheckpointInfo
    """About the file."""
    text_encoder: ClipText | None = None
    """The text encoder that a model of texts carries; ``None`` when the file has none."""

    def to_json(self) -> dict[str, object]:
        """`info` and `spec` as JSON data, and what the discriminator is, where there is one."""
        judge = None
        if self.discriminator is not None:
            count = sum(tensor.numel() for tensor in self.discriminator.state_dict().values())
            judge = {"family": describe(self.discriminator, DISCRIMINATORS)["family"], "numbers": count}
        return {**self.info.to_json(), "spec": dataclasses.asdict(self.spec), "discriminator": judge}


class _Read(NamedTuple):
    """What a reader gives."""

    generator: Any
    discriminator: nn.Module | None
    facts: dict[str, Any]
    text_encoder: ClipText | None = None


@dataclass(frozen=True, slots=True)
class TrainingExtras:
    """What a trainer saved beside the networks."""

    tensors: Mapping[str, Tensor]
    """By the names that they were saved under, types unchanged."""
    metadata: Mapping[str, Any]
    """JSON data."""


def open_checkpoint(
    path: str | os.PathLike[str], *, device: str | torch.device = "cpu", keep_discriminator: bool = True
) -> Checkpoint:
    """Open a model. What the file is follows from its content; nothing in it is ever executed.

    Args:
        path: A published snapshot, a state dict of the published programs', rosinality's or lucidrains', a safetensors
            file of ours, MobileStyleGAN as an OpenVINO model, or a folder that holds one of these.
        device: Where the networks go.
        keep_discriminator: Without it, its memory is given back before anything goes to the device; `info` still
            tells of it.

    Raises:
        CheckpointError: The file is not there, not a model, damaged, hostile, or of a family not supported yet.
        KernelUnavailable: This machine does not have ``device``.
    """
    path = Path(path)
    if os.path.isdir(path):
        path = model_in(path) or path
    target = _device(device)
    kind = sniff(path)
    with damage_reported():
        data = read_whole(path)
        with ThreadPoolExecutor(1) as pool:
            # Hashing runs beside the reading, which mostly waits for Python.
            digest = pool.submit(lambda: hashlib.sha256(data).hexdigest())
            read = _READERS[kind](data, path)
            if not keep_discriminator:
                read = read._replace(discriminator=None)
            generator, discriminator = read.generator, read.discriminator
            networks = [network for network in (generator, discriminator, read.text_encoder) if network is not None]
            for network in networks:
                _own_tensors(network, data)
                network.to(target).eval()
            size = {"sha256": digest.result(), "size_bytes": len(data)}
            info = CheckpointInfo(path=path, **{**size, **read.facts})
    spec = dataclasses.replace(generator.spec, class_names=_class_names(info, generator.spec))
    generator.spec = spec  # The names belong to the model, whoever holds only the generator wants them too.
    return Checkpoint(generator, discriminator, spec, info, read.text_encoder)


def read_training_extras(path: str | os.PathLike[str]) -> TrainingExtras:
    """What `save_checkpoint` was given as ``extra`` and ``extra_metadata``; empty when there was none.

    Raises:
        CheckpointError: The file is not one of ours, or is damaged.
    """
    path = Path(path)
    if sniff(path) != "safetensors":
        raise CheckpointError("this file is a published snapshot, without what a training run needs to go on")
    data = read_whole(path)
    header = read_header(data)
    tensors = {name: tensor.clone() for name, tensor in decode(data, header, "extra.", half_to_float=False).items()}
    return TrainingExtras(tensors, _mapping(header.metadata.get("extra")))


def _device(device: str | torch.device) -> torch.device:
    try:
        target = torch.device(device)
    except RuntimeError as error:
        raise KernelUnavailable(f"{str(device)[:40]!r} is no device: use 'cpu' or 'cuda'") from error
    if target.type == "cuda" and not torch.cuda.is_available():
        raise KernelUnavailable("this machine has no CUDA device that PyTorch can use: open the checkpoint on 'cpu'")
    return target


def _read_pickle(data: memoryview, path: Path) -> _Read:
    if is_tensorflow_pickle(data):
        old = read_tensorflow_pickle(data)
        return _Read(old.generator, old.discriminator, _snapshot_facts(old))
    snapshot = read_published(data)
    facts = {
        "format": "published pickle",
        "family": snapshot.generator.spec.family,
        "entries": snapshot.entries,
        "used": snapshot.used,
        "notes": snapshot.notes,
        "training_set": snapshot.training_set,
    }
    return _Read(snapshot.generator, snapshot.discriminator, facts, snapshot.text_encoder)


def _read_safetensors(data: memoryview, path: Path) -> _Read:
    if not is_own(data):
        snapshot = read_plain_safetensors(data, path)
        return _Read(snapshot.generator, None, _snapshot_facts(snapshot))
    header = read_header(data)
    tensors = decode(data, header, "generator.", half_to_float=True)
    generator = build(header.metadata.get("generator"), GENERATORS, tensors, what="generator")
    discriminator = None
    if header.metadata.get("discriminator") is not None:
        tensors = decode(data, header, "discriminator.", half_to_float=True)
        discriminator = build(header.metadata["discriminator"], DISCRIMINATORS, tensors, what="discriminator")
    text_encoder = None
    if header.metadata.get("text_encoder") is not None:
        tensors = decode(data, header, "text_encoder.", half_to_float=True)
        text_encoder = build(header.metadata["text_encoder"], TEXT_ENCODERS, tensors, what="text encoder")
    held = {"generator": generator, "discriminator": discriminator, "text_encoder": text_encoder}
    facts = {
        "format": "latent-explorer safetensors",
        "family": generator.spec.family,
        "entries": tuple(name for name, network in held.items() if network is not None),
        "used": "generator",
        **_card_facts(_mapping(header.metadata.get("card"))),
    }
    return _Read(generator, discriminator, facts, text_encoder)


def _read_torch(data: memoryview, path: Path) -> _Read:
    snapshot = read_weights(data, path)
    return _Read(snapshot.generator, snapshot.discriminator, _snapshot_facts(snapshot))


def _read_openvino(data: memoryview, path: Path) -> _Read:
    # A graph is nothing without the numbers beside it: both count for its identity.
    files = read_mobile(path)
    facts = {**_snapshot_facts(files.snapshot), "sha256": files.sha256, "size_bytes": files.size_bytes}
    return _Read(files.snapshot.generator, None, facts)


def _read_shards(data: memoryview, path: Path) -> _Read:
    files = read_shards(data, path)
    facts = {**_snapshot_facts(files.snapshot), "sha256": files.sha256, "size_bytes": files.size_bytes}
    return _Read(files.snapshot.generator, None, facts)


def _snapshot_facts(snapshot: Snapshot) -> dict[str, Any]:
    return {
        "format": snapshot.format,
        "family": snapshot.generator.spec.family,
        "entries": snapshot.entries,
        "used": snapshot.used,
        "notes": snapshot.notes,
        "training_set": snapshot.training_set,
        "default_psi": snapshot.default_psi,
        "default_cutoff": snapshot.default_cutoff,
    }


_READERS = {
    "openvino": _read_openvino,
    "pickle": _read_pickle,
    "safetensors": _read_safetensors,
    "shards": _read_shards,
    "torch": _read_torch,
}


def _card_facts(card: Mapping[str, Any]) -> dict[str, Any]:
    """What a card says in the entries that the application knows."""
    names, kimg = card.get("class_names"), card.get("kimg")
    listed = isinstance(names, list) and all(isinstance(name, str) for name in names)
    return {
        "card": card,
        "kimg": float(kimg) if type(kimg) in (int, float) else None,
        "licence": card["licence"] if isinstance(card.get("licence"), str) else None,
        "data": card["data"] if isinstance(card.get("data"), str) else None,
        "metrics": _mapping(card.get("metrics")),
        "class_names": tuple(names) if listed else (),
    }


def _class_names(info: CheckpointInfo, spec: GeneratorSpec) -> tuple[str, ...]:
    """Names fit only when there is one for each class."""
    return info.class_names if len(info.class_names) == spec.c_dim else spec.class_names


def _own_tensors(network: nn.Module, data: memoryview) -> None:
    """Copy every tensor that is a view of the file, so that the file's bytes can go and values are aligned."""
    start = np.frombuffer(data, dtype=np.uint8).ctypes.data

    def inside(tensor: Tensor | None) -> bool:
        return tensor is not None and start <= tensor.data_ptr() < start + len(data)

    for module in network.modules():
        for parameter in module.parameters(recurse=False):
            if inside(parameter):
                parameter.data = parameter.data.clone(memory_format=torch.contiguous_format)
        for name, buffer in module.named_buffers(recurse=False):
            if inside(buffer):
                setattr(module, name, buffer.clone(memory_format=torch.contiguous_format))


def _mapping(value: object) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
