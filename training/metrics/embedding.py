"""What a feature network sees of pictures, and what it saw of a data set, kept on disk."""

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import platformdirs
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from explorer.features import FeatureNetwork, bundled_features, load_features

__all__ = ["Embedder", "Features", "cached_features", "embed_all", "open_embedder"]

_BATCH = 32


@dataclass(frozen=True, slots=True)
class Features:
    """Of pictures in their order."""

    embedded: Tensor
    """float32 ``[N, d]``."""
    logits: Tensor | None
    """float32 ``[N, classes]``; ``None`` where the network has no classes."""


@dataclass(frozen=True, slots=True)
class Embedder:
    """A network, and the size that it was trained at, to which every picture is brought."""

    network: FeatureNetwork
    size: int | None
    """Of a side; ``None`` where the network does that itself."""
    digest: str
    """Of its weights."""
    device: torch.device

    @property
    def name(self) -> str:
        """Part of every metric's name."""
        return self.network.name

    @property
    def slug(self) -> str:
        """The same for keys of JSON: ``efficientnet_lite0``."""
        return "_".join(part for part in "".join(c if c.isalnum() else " " for c in self.name.lower()).split())

    def __call__(self, images: Tensor) -> Features:
        """Features of uint8 ``[N, C, H, W]``."""
        return _joined([self._batch(batch) for batch in images.split(_BATCH)])

    @torch.inference_mode()
    def _batch(self, images: Tensor) -> Features:
        x = images.to(self.device, torch.float32) / 127.5 - 1
        if self.size is not None and tuple(x.shape[2:]) != (self.size, self.size):
            size = (self.size, self.size)
            # Antialiased: a picture with other frequencies would be another picture.
            x = F.interpolate(x, size=size, mode="bicubic", align_corners=False, antialias=True).clamp(-1, 1)
        embedded = self.network.embed(x)
        head = getattr(self.network, "classify", None)
        return Features(embedded.cpu(), None if head is None else head(embedded).cpu())


def _joined(parts: list[Features]) -> Features:
    logits = [part.logits for part in parts if part.logits is not None]
    return Features(torch.cat([part.embedded for part in parts]), torch.cat(logits) if logits else None)


def open_embedder(path: Path | None = None, *, device: str | torch.device = "cpu") -> Embedder:
    """The bundled EfficientNet-lite0, or a person's own network by file.

    Raises:
        CheckpointError: The file is none of the networks that are known.
    """
    network = bundled_features(device=device) if path is None else load_features(path, device=device)
    assert isinstance(network, nn.Module), "feature networks are modules"
    digest = hashlib.sha256()
    for tensor in network.state_dict().values():
        digest.update(tensor.cpu().contiguous().numpy().tobytes())
    size = getattr(network, "trained_size", 224)
    return Embedder(network, size, digest.hexdigest(), torch.device(device))


def cached_features(
    embedder: Embedder,
    images: Tensor,
    *,
    folder: Path | None = None,
    tell: Callable[[int], None] = lambda count: None,
) -> Features:
    """Features of real pictures, computed once for the same pictures and network.

    Args:
        embedder: The network.
        images: uint8 ``[N, C, H, W]``.
        folder: Where they are kept; the user's cache without it. One that cannot be written is done without.
        tell: Called with the number of pictures done.
    """
    key = hashlib.sha256(f"{embedder.digest} {embedder.size} {tuple(images.shape)}".encode())
    key.update(images.contiguous().numpy().tobytes())
    folder = folder or Path(platformdirs.user_cache_dir("latent-explorer", appauthor=False)) / "metrics"
    path = folder / f"{key.hexdigest()[:32]}.npz"
    if (found := _stored(path, len(images))) is not None:
        tell(len(images))
        return found
    features = _joined(list(_told(embedder, images, tell)))
    _store(path, features)
    return features


def _told(embedder: Embedder, images: Tensor, tell: Callable[[int], None]) -> Iterator[Features]:
    done = 0
    for batch in images.split(_BATCH):
        yield embedder(batch)
        done += len(batch)
        tell(done)


def _stored(path: Path, count: int) -> Features | None:
    try:
        with np.load(path, allow_pickle=False) as stored:
            embedded, logits = (torch.from_numpy(stored[name]) for name in ("embedded", "logits"))
    except (OSError, ValueError, KeyError, EOFError):
        return None
    return Features(embedded, logits if logits.shape[1] else None) if len(embedded) == count else None


def _store(path: Path, features: Features) -> None:
    logits = features.logits if features.logits is not None else torch.zeros(len(features.embedded), 0)
    unfinished = path.with_name(f"{path.name}.{os.getpid()}.part.npz")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez(unfinished, embedded=features.embedded.numpy(), logits=logits.numpy())
        unfinished.replace(path)
    except OSError:
        # It is only slower without.
        if unfinished.exists():
            unfinished.unlink()


def embed_all(embedder: Embedder, batches: Iterable[Tensor], tell: Callable[[int], None]) -> Features:
    """Features of pictures that come in parts, as they come."""
    parts, done = [], 0
    for images in batches:
        parts.append(embedder(images))
        done += len(images)
        tell(done)
    return _joined(parts)
