"""Stages z, mapping and blend: from a latent of the state to styles.

Each seed is mapped alone, in a batch of one: its bits do not depend on its company, and each is kept.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from explorer.errors import StateError
from explorer.generators.protocol import Generator
from explorer.project.blobs import BlobStore
from explorer.rendering.cache import Recent
from explorer.rendering.restriction import fits
from explorer.rendering.seeds import class_of_seed, corners, latent_of_seed
from explorer.rendering.texts import Texts
from explorer.state import Blend, ClassMix, Condition, GeneratorSpec, Latent, Prompt, SeedBlend, Stored

__all__ = ["LatentStage", "Styles"]


@dataclass(frozen=True, slots=True, eq=False)
class Styles:
    """Styles and the centre they are measured from."""

    w_plus: Tensor
    """``[1, num_ws, w_dim]``."""
    w_avg: Tensor
    """``[1, w_dim]``, or ``[1, num_ws, w_dim]`` where rows of different classes were mixed."""


class LatentStage:
    """Reads the condition and a latent; keeps the styles of recent seeds and of recent latents."""

    def __init__(self, generator: Generator, device: torch.device, texts: Texts) -> None:
        self._generator = generator
        self._texts = texts
        self._device = device
        self._seeds: Recent[tuple[Tensor, Tensor]] = Recent(512)
        self._latents: Recent[Styles] = Recent(64)

    def styles(self, latent: Latent, condition: Condition, blobs: BlobStore | None) -> Styles:
        """The styles of a latent.

        Raises:
            StateError: A stored latent is missing or has another size than the model's.
        """
        return self._latents.get((latent, condition), lambda: self._compute(latent, condition, blobs))

    def clear(self) -> None:
        """Forget everything."""
        self._seeds.clear()
        self._latents.clear()

    def _compute(self, latent: Latent, condition: Condition, blobs: BlobStore | None) -> Styles:
        spec = self._generator.spec
        if isinstance(latent, Blend):
            return self._blended(latent, condition, blobs)
        if isinstance(latent, Stored):
            return self._stored(latent, condition, blobs)
        parts = [(self._seed(seed, condition), weight) for seed, weight in corners(latent)]
        w, w_avg = _blend(parts) if parts else self._centre(condition)
        return Styles(w.unsqueeze(1).repeat(1, spec.num_ws, 1), w_avg)

    def _blended(self, latent: Blend, condition: Condition, blobs: BlobStore | None) -> Styles:
        styles = [(self.styles(part, condition, blobs), weight) for part, weight in latent.weights if weight != 0]
        if not all(math.isfinite(weight) for _, weight in styles):
            raise StateError(f"{latent} has a number that is not finite")
        if not styles:
            styles = [(self.styles(SeedBlend(()), condition, blobs), 1.0)]
        w_plus, w_avg = _blend([((part.w_plus, part.w_avg), weight) for part, weight in styles])
        return Styles(w_plus, w_avg)

    def _seed(self, seed: int, condition: Condition) -> tuple[Tensor, Tensor]:
        def compute() -> tuple[Tensor, Tensor]:
            z = torch.from_numpy(latent_of_seed(seed, self._generator.spec.z_dim))
            return self._map(z, self._label(condition, seed))

        return self._seeds.get((seed, condition), compute)

    def _map(self, z: Tensor, c: Tensor | None) -> tuple[Tensor, Tensor]:
        z = z.to(self._device, torch.float32).unsqueeze(0)
        c = None if c is None else c.to(self._device)
        return self._generator.map(z, c).float(), self._generator.w_avg(c).float().reshape(1, -1)

    def centre(self, condition: Condition) -> Tensor:
        """What a stored latent is truncated to, ``[1, w_dim]``."""
        return self._centre(condition)[1]

    def _centre(self, condition: Condition) -> tuple[Tensor, Tensor]:
        # Nobody drew a class for a latent that is no seed: then it is the centre of them all.
        c = self._label(condition, 0) if isinstance(condition, ClassMix | Prompt) else None
        w_avg = self._generator.w_avg(None if c is None else c.to(self._device)).float().reshape(1, -1)
        return w_avg, w_avg

    def _stored(self, latent: Stored, condition: Condition, blobs: BlobStore | None) -> Styles:
        spec = self._generator.spec
        if blobs is None or latent.blob not in blobs:
            raise StateError(f"the latent {latent.blob.sha256[:12]}... is not at hand: open the project that holds it")
        array = blobs.get(latent.blob)
        if not fits(latent, array.shape, spec):
            raise StateError(f"the stored {latent.space} has the shape {array.shape}, which is another model's")
        values = torch.tensor(array, dtype=torch.float32, device=self._device)
        if latent.space == "z":
            w, w_avg = self._map(values, self._label(condition, 0))
            return Styles(w.unsqueeze(1).repeat(1, spec.num_ws, 1), w_avg)
        _, w_avg = self._centre(condition)
        w_plus = values if latent.space == "w_plus" else values.expand(spec.num_ws, -1)
        return Styles(w_plus.unsqueeze(0).clone(), w_avg)

    def _label(self, condition: Condition, seed: int) -> Tensor | None:
        if isinstance(condition, Prompt) and self._generator.spec.text:
            return self._texts.label(condition)
        return label(condition, seed, self._generator.spec)


def label(condition: Condition, seed: int, spec: GeneratorSpec) -> Tensor | None:
    """The label ``[1, c_dim]``: the mix of classes, or the class that the seed draws; ``None`` without classes.

    A model of texts gets an empty one, all zeros; for a prompt see `Texts.label`.
    """
    if spec.c_dim == 0:
        return None
    c = torch.zeros(1, spec.c_dim)
    if spec.text:
        return c
    if isinstance(condition, ClassMix):
        for index, weight in condition.weights:
            c[0, index] += weight
    else:
        c[0, class_of_seed(seed, spec.z_dim, spec.c_dim)] = 1
    return c


def _blend(parts: list[tuple[tuple[Tensor, Tensor], float]]) -> tuple[Tensor, Tensor]:
    (w, w_avg), weight = parts[0]
    if len(parts) == 1 and weight == 1:
        return w, w_avg
    middle = _middle(parts)
    # Around the centre, so that weights that do not add up to 1 only change how far the blend lies from it.
    offset = torch.zeros_like(w)
    for (w, centre), weight in parts:
        offset = offset + (w - centre) * weight
    return middle + offset, middle


def _middle(parts: list[tuple[tuple[Tensor, Tensor], float]]) -> Tensor:
    """The centres' blend: seeds of different classes have different ones (StyleGAN-XL)."""
    (_, first), _ = parts[0]
    total = sum(weight for _, weight in parts)
    if abs(total) < 1e-6 or all(torch.equal(centre, first) for (_, centre), _ in parts):
        return first
    blended = torch.zeros_like(first)
    for (_, centre), weight in parts:
        blended = blended + centre * (weight / total)
    return blended
