"""What a projection changes in a model: offsets of styles, noise maps, and weights by low rank.

Each is kept as one flat array: the parts of all layers, one after the other, in the order of the generator.

Source: StyleGAN2 (Karras et al. 2020), appendix D, optimises noise maps; pivotal tuning (Roich et al. 2021) tunes the
weights. Changes of low rank (Hu et al. 2021) take a tenth of the room that the weights themselves would.
"""

import copy
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from explorer.errors import StateError
from explorer.generators.protocol import Generator
from explorer.project.blobs import BlobStore
from explorer.rendering.cache import Recent
from explorer.state import BlobRef, EditState, LayerSpec, Tuning

__all__ = ["Tunings", "changed_weights", "noise_maps_of", "split_noise", "split_styles", "weight_sizes"]

_NOISE = "noise_const"
_MAPPING = "mapping"
_CONVOLUTION = 4
_LARGEST_RANK = 256


def noise_maps_of(generator: nn.Module) -> dict[str, Tensor]:
    """The noise maps stored with a model, ``[H, W]`` each, by the names of their buffers."""
    return {name: buffer for name, buffer in generator.named_buffers() if name.rpartition(".")[2] == _NOISE}


def split_noise(generator: nn.Module, flat: Tensor) -> dict[str, Tensor]:
    """Noise maps out of one array ``[n]``, by the names of their buffers. Differentiable.

    Raises:
        StateError: The array is of another model.
    """
    maps = noise_maps_of(generator)
    parts = _split(flat, [kept.numel() for kept in maps.values()], "noise maps")
    return {name: part.view(kept.shape) for (name, kept), part in zip(maps.items(), parts, strict=True)}


def split_styles(layers: Sequence[LayerSpec], flat: Tensor) -> list[Tensor]:
    """Offsets ``[1, C_l]`` for each layer out of one array ``[n]``. Differentiable.

    Raises:
        StateError: The array is of another model.
    """
    return [part[None] for part in _split(flat, [layer.style_dim for layer in layers], "style offsets")]


def weight_sizes(generator: nn.Module, rank: int) -> list[tuple[str, tuple[int, int], int]]:
    """Which weights change: their names, as matrices ``(outputs, inputs)``, and the rank of each one's change."""
    sizes = []
    for name, weight in generator.named_parameters():
        if weight.ndim == _CONVOLUTION and not name.startswith(_MAPPING) and min(weight.shape) > 0:
            shape = (weight.shape[0], weight[0].numel())
            sizes.append((name, shape, min(rank, *shape)))
    return sizes


def changed_weights(generator: nn.Module, flat: Tensor) -> dict[str, Tensor]:
    """Weights after a change ``[n]``, by name: to each, the product of two thin matrices is added. Differentiable.

    Raises:
        StateError: The array is of another model.
    """
    sizes = weight_sizes(generator, _rank_of(generator, flat.numel()))
    lengths = [side * rank for _, shape, rank in sizes for side in shape]
    parts = iter(_split(flat, lengths, "changes of weights"))
    weights = dict(generator.named_parameters())
    changed = {}
    for name, (outputs, inputs), rank in sizes:
        tall, wide = next(parts).view(outputs, rank), next(parts).view(rank, inputs)
        weight = weights[name].detach()
        changed[name] = weight + (tall @ wide).view(weight.shape).to(weight.dtype)
    return changed


class Tunings:
    """Reads the tuning of states; keeps the last tuned generators. For one thread.

    Args:
        generator: As it is in its file.
        model: The hash of the file.
    """

    def __init__(self, generator: Generator, model: str) -> None:
        self._generator = generator
        self._model = model
        self._tuned: Recent[Generator] = Recent(2)

    def restrict(self, state: EditState) -> tuple[EditState, tuple[str, ...]]:
        """The state without a tuning of another model, and what was dropped, in words."""
        if state.tuning is None or state.tuning.model == self._model:
            return state, ()
        return replace(state, tuning=None), ("what a projection changed in another model",)

    def generator(self, tuning: Tuning | None, blobs: BlobStore | None) -> Generator:
        """The generator with the tuning's noise maps and weights.

        Raises:
            StateError: An array is missing, or of another model.
        """
        if tuning is None or (tuning.noise is None and tuning.weights is None):
            return self._generator
        return self._tuned.get((tuning.noise, tuning.weights), lambda: self._tune(tuning, blobs))

    def style(self, w_plus: Tensor, tuning: Tuning | None, blobs: BlobStore | None) -> list[Tensor]:
        """Each layer's style, with the tuning's offsets.

        Raises:
            StateError: An array is missing, or of another model.
        """
        styles = self._generator.style(w_plus)
        if tuning is None or tuning.styles is None:
            return styles
        offsets = split_styles(self._generator.spec.layers, _array(blobs, tuning.styles).to(w_plus.device))
        return [style + offset.to(style.dtype) for style, offset in zip(styles, offsets, strict=True)]

    def clear(self) -> None:
        """Forget the tuned generators."""
        self._tuned.clear()

    def _tune(self, tuning: Tuning, blobs: BlobStore | None) -> Generator:
        plain = self._generator
        assert isinstance(plain, nn.Module)
        changes: dict[str, Tensor] = {}
        if tuning.noise is not None:
            changes |= split_noise(plain, _array(blobs, tuning.noise))
        if tuning.weights is not None:
            flat = _array(blobs, tuning.weights).to(plain.w_avg().device)
            changes |= changed_weights(plain, flat)
        return _with(plain, changes)


def _with(generator: nn.Module, changes: Mapping[str, Tensor]) -> Generator:
    """A generator that shares every tensor but the changed ones."""
    shared = {id(tensor): tensor for tensor in (*generator.parameters(), *generator.buffers())}
    tuned = copy.deepcopy(generator, dict(shared))
    for name, value in changes.items():
        owner, _, last = name.rpartition(".")
        module = tuned.get_submodule(owner)
        old = getattr(module, last)
        value = value.detach().to(old)
        setattr(module, last, nn.Parameter(value, requires_grad=False) if isinstance(old, nn.Parameter) else value)
    return tuned


def _array(blobs: BlobStore | None, reference: BlobRef) -> Tensor:
    if blobs is None or reference not in blobs:
        raise StateError(f"the tuning {reference.sha256[:12]}... is not at hand: open the project that holds it")
    return torch.tensor(blobs.get(reference), dtype=torch.float32).reshape(-1)


def _split(flat: Tensor, lengths: Sequence[int], what: str) -> Iterator[Tensor]:
    if flat.numel() != sum(lengths):
        raise StateError(f"there are {flat.numel()} numbers of {what}, and this model takes {sum(lengths)}")
    return iter(flat.split(list(lengths)))


def _rank_of(generator: nn.Module, length: int) -> int:
    for rank in range(1, _LARGEST_RANK + 1):
        total = sum(size * sum(shape) for _, shape, size in weight_sizes(generator, rank))
        if total >= length:
            if total == length:
                return rank
            break
    raise StateError(f"{length} numbers are no change of this model's weights")
