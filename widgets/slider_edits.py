"""Arithmetic of the W sliders: which there are, and states with one of them changed."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from explorer.state import EditState, Slider
from widgets.mixes import rows_in_words

__all__ = [
    "Basis",
    "Direction",
    "Layers",
    "amount_of",
    "cleared",
    "in_use",
    "listed",
    "name_in",
    "on_layers",
    "slider_words",
    "with_amount",
    "words_of",
]

Basis = Literal["pca", "axis"]
Layers = tuple[int, ...] | None
"""Rows of ``w_plus``; all of them when ``None``."""


@dataclass(frozen=True, slots=True)
class Direction:
    """What one slider moves along, and where."""

    basis: Basis
    """``pca``: principal directions; ``axis``: coordinates of w."""
    index: int
    """Which, from 0."""
    layers: Layers = None
    """Rows of ``w_plus`` that move; all when ``None``."""

    def moves(self, slider: Slider) -> bool:
        """Whether a slider of a state is this one."""
        return (slider.basis, slider.index, slider.layers) == (self.basis, self.index, self.layers)


def amount_of(state: EditState, direction: Direction) -> float:
    """The offset along a direction on its layers, 0 when the state holds none."""
    return sum(slider.amount for slider in state.sliders if direction.moves(slider))


def with_amount(state: EditState, direction: Direction, amount: float, *, name: str = "") -> EditState:
    """The state with another offset along a direction; an offset of 0 leaves nothing behind.

    Args:
        state: Before.
        direction: Which, and on which layers; the same direction on others stays.
        amount: In standard deviations.
        name: What a person calls it, for whoever opens the project.
    """
    others = tuple(slider for slider in state.sliders if not direction.moves(slider))
    if amount == 0:
        return replace(state, sliders=others)
    new = Slider(direction.basis, direction.index, amount, direction.layers, name)
    return replace(state, sliders=tuple(sorted((*others, new), key=_order)))


def on_layers(state: EditState, direction: Direction, layers: Layers) -> EditState:
    """The state with an offset moved to other layers; one that is there already is added to, as offsets are."""
    if layers == direction.layers:
        return state
    moved, target = amount_of(state, direction), replace(direction, layers=layers)
    name = name_in(state, direction)
    total = round(moved + amount_of(state, target), 6)
    return with_amount(with_amount(state, direction, 0), target, total, name=name)


def name_in(state: EditState, direction: Direction) -> str:
    """What a state calls a direction on any layers; empty when it does not."""
    names = (slider.name for slider in state.sliders if (slider.basis, slider.index) == _place(direction))
    return next((name for name in names if name), "")


def cleared(state: EditState) -> EditState:
    """The state without any offset."""
    return replace(state, sliders=())


def in_use(state: EditState) -> tuple[Direction, ...]:
    """Every direction that a state moves along, in order, each once."""
    return tuple(dict.fromkeys(_direction(slider) for slider in sorted(state.sliders, key=_order)))


def listed(
    state: EditState, places: Iterable[tuple[Basis, int]], layers_of: Callable[[Basis, int], Layers]
) -> tuple[Direction, ...]:
    """A slider for each of some directions, and more where the state has the same one on different layers.

    Args:
        state: What is shown.
        places: Bases and indices, in order.
        layers_of: The layers of one that the state does not move along.
    """
    there: dict[tuple[Basis, int], list[Direction]] = {}
    for direction in in_use(state):
        there.setdefault(_place(direction), []).append(direction)
    rows: list[Direction] = []
    for place in places:
        rows.extend(there.get(place) or [Direction(*place, layers_of(*place))])
    return tuple(rows)


def words_of(basis: Basis, index: int) -> str:
    """A direction without a name, counted from 1."""
    return f"{'Direction' if basis == 'pca' else 'Axis'} {index + 1}"


def slider_words(direction: Direction, amount: float, name: str = "") -> str:
    """A slider at some offset, as the label of a step."""
    layers = "" if direction.layers is None else f" on {rows_in_words(direction.layers) or 'no layers'}"
    return f"{name or words_of(direction.basis, direction.index)}{layers} {amount:+.2f}"


def _place(direction: Direction) -> tuple[Basis, int]:
    return direction.basis, direction.index


def _direction(slider: Slider) -> Direction:
    return Direction(slider.basis, slider.index, slider.layers)


def _order(slider: Slider) -> tuple[bool, int, bool, tuple[int, ...]]:
    # Principal directions first; all layers before some.
    return slider.basis == "axis", slider.index, slider.layers is not None, slider.layers or ()
