"""The synthesis stage: layer by layer, resumed after the layers that have not changed.

A layer's result depends on the styles up to it, the noise and the transform. The steps of the last pictures are
kept, and a new picture starts from the one that shares the longest beginning with it.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields, replace

import torch
from torch import Tensor

from explorer.errors import Cancelled
from explorer.generators.protocol import Generator, Step
from explorer.state import GeneratorSpec, Noise, Transform

__all__ = ["SynthesisStage", "matrix_of"]


_PARTS = tuple(part.name for part in fields(Step))


@dataclass(slots=True, eq=False)
class _Picture:
    """The steps of one picture, as far as it got."""

    s: list[Tensor]
    noise: Noise
    transform: Transform
    steps: dict[int, Step] = field(default_factory=dict)


class SynthesisStage:
    """Reads the styles, the noise and the transform; keeps the steps of the last pictures within a bound."""

    def __init__(self, generator: Generator, device: torch.device, *, pictures: int = 2, memory: int = 2**30) -> None:
        self._generator = generator
        self._device = device
        self._pictures = pictures
        self._memory = memory
        self._kept: list[_Picture] = []
        self.layers_run = 0
        """Layers computed by the last call."""

    def image(
        self,
        s: Sequence[Tensor],
        noise: Noise,
        transform: Transform,
        *,
        cancel: Callable[[], bool] | None = None,
        on_step: Callable[[Step], None] | None = None,
    ) -> Tensor:
        """The picture ``[1, C, H, W]``, about -1 to 1.

        Raises:
            Cancelled: ``cancel`` answered true between two layers. What was computed is kept.
        """
        spec = self._generator.spec
        picture = _Picture(list(s), noise_read(noise, spec), transform)
        start = self._resume(picture, spec)
        self._keep(picture)
        self.layers_run = 0
        last = len(spec.layers) - 1
        if start is None or start.index < last:
            start = self._run(picture, start, cancel, on_step)
        assert start is not None
        assert start.index == last
        image = start.image if start.image is not None else start.x
        assert image is not None
        return image

    def activation(
        self,
        s: Sequence[Tensor],
        noise: Noise,
        transform: Transform,
        name: str,
        *,
        cancel: Callable[[], bool] | None = None,
    ) -> Tensor:
        """The activations ``[1, C, H, W]`` of one layer; what comes after it is not computed.

        Args:
            s: Styles, one a layer.
            noise: Which maps.
            transform: Where the picture lies.
            name: One of ``spec.activations``.
            cancel: Asked between layers.

        Raises:
            Cancelled: ``cancel`` answered true between two layers. What was computed is kept.
        """
        spec = self._generator.spec
        if name == spec.activations[-1]:
            return self.image(s, noise, transform, cancel=cancel)
        picture = _Picture(list(s), noise_read(noise, spec), transform)
        first = _first_layer(name, spec)
        self.layers_run = 0
        start = self._resume(picture, spec, below=first)
        self._keep(picture)
        if start is None or start.index < first - 1:
            start = self._run(picture, start, cancel, None, last=first - 1) if first else None
        self.layers_run += 1
        return self._generator.synthesize(
            s, noise=picture.noise, transform=matrix_of(transform, self._device), start=start, until=name
        )

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()

    def memory(self) -> int:
        """Bytes of the steps that are kept. What several of them share is counted once."""
        return _bytes(step for picture in self._kept for step in picture.steps.values())

    def _run(
        self,
        picture: _Picture,
        start: Step | None,
        cancel: Callable[[], bool] | None,
        on_step: Callable[[Step], None] | None,
        *,
        last: int | None = None,
    ) -> Step | None:
        steps = self._generator.steps(
            picture.s, noise=picture.noise, transform=matrix_of(picture.transform, self._device), start=start
        )
        if cancel is not None and cancel():
            raise Cancelled("a newer picture was asked for")
        last = len(self._generator.spec.layers) - 1 if last is None else last
        for step in steps:
            self.layers_run += 1
            start = step
            self._remember(picture, step)
            if step.index == last:
                break
            if on_step is not None:
                on_step(step)
            if cancel is not None and cancel():
                raise Cancelled("a newer picture was asked for")
        return start

    def _resume(self, picture: _Picture, spec: GeneratorSpec, *, below: int | None = None) -> Step | None:
        # The longest beginning that a kept picture shares, then the last of its steps within it.
        best: Step | None = None
        for kept in self._kept:
            shared = _shared(kept, picture, spec)
            usable = [step for index, step in kept.steps.items() if index < shared]
            picture.steps.update({step.index: step for step in usable if step.index not in picture.steps})
            for step in usable:
                if (best is None or step.index > best.index) and (below is None or step.index < below):
                    best = step
        return best

    def _keep(self, picture: _Picture) -> None:
        # A picture whose steps all begin the new one adds nothing.
        self._kept = [
            kept for kept in self._kept if not set(map(id, kept.steps.values())) <= set(map(id, picture.steps.values()))
        ]
        self._kept = [picture, *self._kept][: self._pictures]

    def _remember(self, picture: _Picture, step: Step) -> None:
        picture.steps[step.index] = step
        # The older picture goes first; a step that still does not fit is not kept.
        while self.memory() > self._memory and len(self._kept) > 1:
            self._kept.pop()
        if self.memory() > self._memory:
            del picture.steps[step.index]


def matrix_of(transform: Transform, device: torch.device) -> Tensor | None:
    """The user's matrix ``[3, 3]``: scaled and sheared, rotated, then shifted; ``None`` for the identity."""
    if transform == Transform():
        return None
    angle = torch.deg2rad(torch.tensor(transform.rotate_deg, dtype=torch.float64))
    cos, sin = float(angle.cos()), float(angle.sin())
    # Rotation [[cos, sin], [-sin, cos]] times shear [[1, shear], [0, 1]], as large as it is to be.
    scale, shear = transform.scale, transform.shear
    rows = [
        [cos * scale, (cos * shear + sin) * scale, transform.translate_x],
        [-sin * scale, (cos - sin * shear) * scale, transform.translate_y],
        [0.0, 0.0, 1.0],
    ]
    return torch.tensor(rows, dtype=torch.float32, device=device)


def noise_read(noise: Noise, spec: GeneratorSpec) -> Noise:
    """The noise with fields that nothing reads set to their defaults, so that they cost no new picture."""
    if not spec.has_noise:
        return Noise()
    named = dict(reversed(noise.layers))
    factors = tuple((layer.name, named[layer.name]) for layer in spec.layers if layer.noisy and layer.name in named)
    factors = tuple((name, factor) for name, factor in factors if factor != 1)
    if noise.mode == "none" or noise.strength == 0:
        return Noise("none")
    return replace(noise, seed=noise.seed if noise.mode == "random" else 0, layers=factors)


def _first_other_noise(a: Noise, b: Noise, spec: GeneratorSpec) -> int:
    """The first layer whose noise differs; the number of layers when none does."""
    same_maps = (a.mode, a.seed) == (b.mode, b.seed)
    for index, layer in enumerate(spec.layers):
        if layer.noisy and not (same_maps and a.strength_of(layer.name) == b.strength_of(layer.name)):
            return index
    return len(spec.layers)


def _shared(kept: _Picture, wanted: _Picture, spec: GeneratorSpec) -> int:
    """How many layers two pictures have in common from the start."""
    if kept.transform != wanted.transform:
        return 0
    shared = _first_other_noise(kept.noise, wanted.noise, spec)
    for index in range(shared):
        if not torch.equal(kept.s[index], wanted.s[index]):
            return index
    return shared


def _first_layer(name: str, spec: GeneratorSpec) -> int:
    """The first layer that must not have run yet when activations of that name are asked for.

    A layer's own name is that layer; others are of a block (``b16:0``, ``b16.skip``), and its layers share its name.
    """
    names = [layer.name for layer in spec.layers]
    if name in names:
        return names.index(name)
    block = re.split(r"[.:]", name)[0]
    return next((i for i, layer in enumerate(names) if re.split(r"[.:]", layer)[0] == block), 0)


def _bytes(steps: Iterable[Step]) -> int:
    tensors = {id(part): part for step in steps for part in map(step.__getattribute__, _PARTS)}
    return sum(part.numel() * part.element_size() for part in tensors.values() if isinstance(part, Tensor))
