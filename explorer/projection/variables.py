"""What a search may change, and the picture that follows from it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor, nn

from explorer.generators.protocol import Generator
from explorer.generators.styles import broadcast
from explorer.projection.coordinates import Coordinates
from explorer.projection.found import Found
from explorer.rendering.tuning import changed_weights, noise_maps_of, split_noise, split_styles, weight_sizes
from explorer.state import Transform

__all__ = ["RANK", "Painter", "Variables", "joined", "matrices"]

RANK = 8
"""Of the change of each weight: an eighth to a twentieth of what the weights themselves take."""


@dataclass(frozen=True, slots=True, eq=False)
class Variables:
    """Numbers that a search changes, for several attempts at once. What is ``None`` stays as the model has it."""

    v: Tensor
    """One style for all layers, in `Coordinates`, ``[N, d]``."""
    rows: Tensor | None = None
    """What each layer's style is away from it, ``[N, num_ws, d]``."""
    place: Tensor | None = None
    """Shift to the right, shift downwards, in picture sizes, and rotation in radians, ``[N, 3]``."""
    styles: Tensor | None = None
    """Offsets in StyleSpace, in standard deviations of each entry, ``[n]``."""
    noise: Tensor | None = None
    """Noise maps, ``[n]``."""
    weights: Tensor | None = None
    """Changes of weights, ``[n]``."""

    def present(self) -> dict[str, Tensor]:
        """Those that are there, by name."""
        named = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in named.items() if value is not None}

    def one(self, index: int) -> "Variables":
        """A copy of a single attempt."""
        alone = {"v", "rows", "place"}
        return Variables(
            **{
                name: (value[index : index + 1] if name in alone else value).detach().clone()
                for name, value in self.present().items()
            }
        )


def joined(attempts: Sequence[Variables]) -> Variables:
    """Several attempts as one, to be run at once; each has a style for all layers, and perhaps a place."""
    places = [attempt.place for attempt in attempts if attempt.place is not None]
    return Variables(torch.cat([attempt.v for attempt in attempts]), place=torch.cat(places) if places else None)


class _Synthesis(nn.Module):
    """Lets torch exchange tensors of a generator for one call."""

    def __init__(self, generator: Generator) -> None:
        super().__init__()
        assert isinstance(generator, nn.Module)
        self.generator = generator

    def forward(self, s: Sequence[Tensor], transform: Tensor | None) -> Tensor:
        picture: Tensor = self.generator.synthesize(s, transform=transform)
        return picture


class Painter:
    """Makes pictures of variables, differentiable in them. It never changes the generator.

    Args:
        generator: The model.
        coordinates: Of its W.
    """

    def __init__(self, generator: Generator, coordinates: Coordinates) -> None:
        assert isinstance(generator, nn.Module)
        self.generator = generator
        self.coordinates = coordinates
        self._synthesis = _Synthesis(generator)
        self._deviations: Tensor | None = None

    def __call__(self, at: Variables) -> Tensor:
        """The pictures, ``[N, C, H, W]``."""
        styles = self.generator.style(self.w_plus(at))
        if at.styles is not None:
            offsets = split_styles(self.generator.spec.layers, at.styles * self.style_deviations())
            styles = [style + offset.to(style.dtype) for style, offset in zip(styles, offsets, strict=True)]
        transform = None if at.place is None else matrices(at.place)
        changes: dict[str, Tensor] = {}
        if at.noise is not None:
            changes |= split_noise(self._module, at.noise)
        if at.weights is not None:
            changes |= changed_weights(self._module, at.weights)
        if not changes:
            return self.generator.synthesize(styles, transform=transform).float()
        return self._changed(changes, styles, transform).float()

    def w_plus(self, at: Variables) -> Tensor:
        """The styles, ``[N, num_ws, w_dim]``."""
        if at.rows is None:
            return broadcast(self.coordinates.w(at.v), self.generator.spec.num_ws)
        return self.coordinates.w(at.v[:, None] + at.rows)

    def found(self, at: Variables) -> Found:
        """A single attempt as it is kept."""
        place = Transform()
        if at.place is not None:
            x, y, angle = at.place[0].tolist()
            place = Transform(x, y, float(torch.rad2deg(torch.tensor(angle))))
        return Found(
            self.w_plus(at)[0].detach().clone(),
            place,
            None if at.styles is None else at.styles.detach() * self.style_deviations(),
            None if at.noise is None else at.noise.detach().clone(),
            None if at.weights is None else at.weights.detach().clone(),
        )

    def with_rows(self, at: Variables) -> Variables:
        """The same point, where each layer may leave it."""
        return replace(at, rows=at.v.new_zeros(len(at.v), self.generator.spec.num_ws, at.v.shape[1]))

    def with_styles(self, at: Variables) -> Variables:
        """The same point, where each entry of StyleSpace may leave it."""
        return replace(at, styles=at.v.new_zeros(sum(layer.style_dim for layer in self.generator.spec.layers)))

    def with_noise(self, at: Variables) -> Variables:
        """The same point, where noise maps may leave those of the model; itself where there are none."""
        maps = noise_maps_of(self._module)
        return replace(at, noise=torch.cat([kept.flatten().float() for kept in maps.values()])) if maps else at

    def with_weights(self, at: Variables, random: torch.Generator) -> Variables:
        """The same point, where the weights may leave those of the model."""
        named = dict(self._module.named_parameters())
        parts = []
        for name, (outputs, inputs), rank in weight_sizes(self._module, RANK):
            # One of the two factors starts at zero, so that nothing changes yet.
            scale = float(named[name].detach().float().std()) / rank**0.5
            parts += [torch.zeros(outputs * rank), torch.randn(rank * inputs, generator=random) * scale]
        return replace(at, weights=torch.cat(parts).to(at.v.device))

    def style_deviations(self) -> Tensor:
        """How much each entry of StyleSpace differs between samples, ``[n]``."""
        if self._deviations is None:
            random = torch.Generator().manual_seed(0)
            v = torch.randn(64, len(self.coordinates.basis), generator=random).to(self.coordinates.mean)
            with torch.no_grad():
                styles = self.generator.style(broadcast(self.coordinates.w(v), self.generator.spec.num_ws))
            self._deviations = torch.cat([style.float().std(dim=0) for style in styles])
        return self._deviations

    @property
    def _module(self) -> nn.Module:
        return self._synthesis.generator

    def _changed(self, changes: Mapping[str, Tensor], styles: list[Tensor], transform: Tensor | None) -> Tensor:
        named = {f"generator.{name}": value for name, value in changes.items()}
        picture: Tensor = torch.func.functional_call(self._synthesis, named, (styles, transform))
        return picture


def matrices(place: Tensor) -> Tensor:
    """The user's matrices, ``[N, 3]`` to ``[N, 3, 3]``, as `explorer.rendering.synthesis.matrix_of` builds them."""
    x, y, angle = place.unbind(dim=1)
    cos, sin, zero, one = angle.cos(), angle.sin(), torch.zeros_like(x), torch.ones_like(x)
    return torch.stack([cos, sin, x, -sin, cos, y, zero, zero, one], dim=1).view(-1, 3, 3)
