"""Motion as a pure function of time, and the way between two states. Neither leaves any trace in a history."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, TypeVar

from explorer.state.edit_state import (
    Blend,
    ClassMix,
    Condition,
    EditState,
    Latent,
    Mix,
    Noise,
    Prompt,
    SeedPad,
    Slider,
    Transform,
    Truncation,
)

Key = TypeVar("Key", int, str)

__all__ = ["Animation", "Circle", "Motion", "along", "animate", "interpolate"]


@dataclass(frozen=True, slots=True)
class Motion:
    """How one number moves away from where it was."""

    speed: float = 0.0
    """Units a second; below 0 the other way."""
    mode: Literal["on", "loop", "bounce"] = "on"
    """``on`` for ever; ``loop``: jump back after `extent`; ``bounce``: turn round there and at the start."""
    extent: float = 1.0
    """How far ``loop`` and ``bounce`` go, in units, above 0."""

    def __post_init__(self) -> None:
        if not self.extent > 0 or not math.isfinite(self.extent) or not math.isfinite(self.speed):
            raise ValueError(
                f"a motion of {self.speed} a second over {self.extent}: both must be finite, extent above 0"
            )

    def after(self, elapsed_s: float) -> float:
        """How far it got."""
        way = abs(self.speed) * elapsed_s
        if self.mode == "loop":
            way %= self.extent
        elif self.mode == "bounce":
            way = self.extent - abs(way % (2 * self.extent) - self.extent)
        return math.copysign(way, self.speed)


@dataclass(frozen=True, slots=True)
class Circle:
    """How the picture goes round; it begins at the lowest point, where it was, and comes back there."""

    radius: float = 0.0
    """In picture widths and heights; 0 stands still."""
    turns_s: float = 0.1
    """Turns a second, to the right first; below 0 the other way."""

    def __post_init__(self) -> None:
        if not math.isfinite(self.radius) or not math.isfinite(self.turns_s):
            raise ValueError(f"a circle of {self.radius}, {self.turns_s} turns a second: both must be finite")

    def after(self, elapsed_s: float) -> tuple[float, float]:
        """How far it got, to the right and down."""
        angle = 2 * math.pi * math.remainder(self.turns_s * elapsed_s, 1)
        return self.radius * math.sin(angle), self.radius * (math.cos(angle) - 1)


@dataclass(frozen=True, slots=True)
class Animation:
    """What moves, and how. A motion that stands still leaves its field alone."""

    seed_x: Motion = field(default_factory=Motion)
    """Over the plane of seeds, in seeds."""
    seed_y: Motion = field(default_factory=Motion)
    """Over the plane of seeds, in rows of a hundred."""
    translate_x: Motion = field(default_factory=Motion)
    """To the right, in image widths."""
    translate_y: Motion = field(default_factory=Motion)
    """Downwards, in image heights."""
    rotate_deg: Motion = field(default_factory=Motion)
    """In degrees."""
    circle: Circle = field(default_factory=Circle)
    """Of the picture, on top of its other motions."""
    stops: tuple[EditState, ...] = ()
    """States to go through one after the other, such as saved points; fewer than two do nothing."""
    seconds_per_stop: float = 2.0
    """From one stop to the next, above 0."""
    path: Literal["once", "loop", "bounce"] = "loop"
    """At the last stop: stay, go on to the first, or go back the same way."""
    smooth: bool = True
    """Slow down at each stop."""

    def __post_init__(self) -> None:
        if not self.seconds_per_stop > 0:
            raise ValueError(f"{self.seconds_per_stop} seconds from stop to stop: choose more than 0")

    @property
    def moves_picture(self) -> bool:
        """Whether the transform changes."""
        straight = any(motion.speed for motion in (self.translate_x, self.translate_y, self.rotate_deg))
        return straight or bool(self.circle.radius and self.circle.turns_s)


def animate(state: EditState, animation: Animation, dt_s: float) -> EditState:
    """Where an animation stands some time after it began.

    Everything is counted from the beginning, so no error adds up and any moment can be asked for.

    Args:
        state: Where it began. Stops replace it but for the model and the output.
        animation: What moves.
        dt_s: Seconds since the beginning, 0 or more.
    """
    if len(animation.stops) > 1:
        stop = _on_path(animation, dt_s)
        state = replace(stop, checkpoint=state.checkpoint, output=state.output)
    if (animation.seed_x.speed or animation.seed_y.speed) and isinstance(state.latent, SeedPad):
        x, y = animation.seed_x.after(dt_s), animation.seed_y.after(dt_s)
        state = replace(state, latent=SeedPad(state.latent.x + x, state.latent.y + y))
    if animation.moves_picture:
        was, (right, down) = state.transform, animation.circle.after(dt_s)
        turned = was.rotate_deg + animation.rotate_deg.after(dt_s)
        moved = replace(
            was,
            translate_x=was.translate_x + animation.translate_x.after(dt_s) + right,
            translate_y=was.translate_y + animation.translate_y.after(dt_s) + down,
            # Once round is no turn: kept small, since large angles lose their fraction.
            rotate_deg=math.remainder(turned, 360) if animation.rotate_deg.speed else was.rotate_deg,
        )
        state = replace(state, transform=moved)
    return state


def interpolate(a: EditState, b: EditState, share: float) -> EditState:
    """A state between two: their numbers are blended, and what cannot be blended changes half way.

    Args:
        a: Where ``share`` is 0 or below; then the result is ``a`` itself.
        b: Where ``share`` is 1 or above.
        share: How far from ``a`` to ``b``.
    """
    if share <= 0:
        return a
    if share >= 1:
        return b
    nearer = a if share < 0.5 else b
    return replace(
        nearer,
        condition=_condition(a.condition, b.condition, share),
        latent=_latent(a.latent, b.latent, share),
        sliders=_sliders(a.sliders, b.sliders, share),
        mixing=_mixing(a.mixing, b.mixing, share),
        truncation=_truncation(a.truncation, b.truncation, share),
        noise=_noise(a.noise, b.noise, share),
        transform=_transform(a.transform, b.transform, share),
    )


def along(stops: Sequence[EditState], position: float) -> EditState:
    """A state on the way through several.

    Args:
        stops: One or more.
        position: 0 is the first stop, 1 the second; outside of the way, its nearer end.
    """
    index = min(max(int(position), 0), max(len(stops) - 2, 0))
    return interpolate(stops[index], stops[min(index + 1, len(stops) - 1)], position - index)


def _on_path(animation: Animation, elapsed_s: float) -> EditState:
    stops, position = animation.stops, elapsed_s / animation.seconds_per_stop
    last = len(stops) - 1
    if animation.path == "once":
        position = min(position, float(last))
    elif animation.path == "bounce":
        position = last - abs(position % (2 * last) - last)
    else:
        position %= len(stops)
    index = min(int(position), len(stops) - 1)
    share = position - index
    if animation.smooth:
        share = share * share * (3 - 2 * share)
    return interpolate(stops[index], stops[(index + 1) % len(stops)], share)


def _between(a: float, b: float, share: float) -> float:
    return a if a == b else a + (b - a) * share


def _weights(latent: Latent, weight: float) -> tuple[tuple[Latent, float], ...]:
    if isinstance(latent, Blend):
        return tuple((part, own * weight) for part, own in latent.weights)
    return ((latent, weight),)


def _latent(a: Latent, b: Latent, share: float) -> Latent:
    if a == b:
        return a
    both = (*_weights(a, 1 - share), *_weights(b, share))
    return Blend(tuple((part, weight) for part, weight in both if not isinstance(part, Blend)))


def _condition(a: Condition, b: Condition, share: float) -> Condition:
    if a == b:
        return a
    if isinstance(a, ClassMix) and isinstance(b, ClassMix):
        return ClassMix(_mixed(a.weights, b.weights, share))
    if isinstance(a, Prompt) and isinstance(b, Prompt):
        return Prompt(_mixed(a.weights, b.weights, share))
    return a if share < 0.5 else b


def _mixed(
    a: tuple[tuple[Key, float], ...], b: tuple[tuple[Key, float], ...], share: float
) -> tuple[tuple[Key, float], ...]:
    weights: dict[Key, float] = {}
    for mix, part in ((a, 1 - share), (b, share)):
        for key, weight in mix:
            weights[key] = weights.get(key, 0.0) + weight * part
    return tuple(weights.items())


def _sliders(a: tuple[Slider, ...], b: tuple[Slider, ...], share: float) -> tuple[Slider, ...]:
    if a == b:
        return a
    # Sliders add up, so each fades in or out on its own.
    faded = [replace(slider, amount=slider.amount * (1 - share)) for slider in a]
    for slider in b:
        same = next((i for i, old in enumerate(faded) if replace(old, amount=slider.amount) == slider), None)
        coming = slider.amount * share
        if same is None:
            faded.append(replace(slider, amount=coming))
        else:
            faded[same] = replace(faded[same], amount=faded[same].amount + coming)
    return tuple(faded)


def _mixing(a: tuple[Mix, ...], b: tuple[Mix, ...], share: float) -> tuple[Mix, ...]:
    if a == b:
        return a
    return (
        *(replace(mix, amount=mix.amount * (1 - share)) for mix in a),
        *(replace(mix, amount=mix.amount * share) for mix in b),
    )


def _truncation(a: Truncation, b: Truncation, share: float) -> Truncation:
    return replace(a if share < 0.5 else b, psi=_between(a.psi, b.psi, share))


def _noise(a: Noise, b: Noise, share: float) -> Noise:
    return replace(a if share < 0.5 else b, strength=_between(a.strength, b.strength, share))


def _transform(a: Transform, b: Transform, share: float) -> Transform:
    return Transform(
        translate_x=_between(a.translate_x, b.translate_x, share),
        translate_y=_between(a.translate_y, b.translate_y, share),
        rotate_deg=_between(a.rotate_deg, b.rotate_deg, share),
        scale=_between(a.scale, b.scale, share),
        shear=_between(a.shear, b.shear, share),
    )
