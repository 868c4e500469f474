"""Parts of a state in one word each, as the command line takes and gives them: written here, read back equal.

=========  ==========================================================================
latent     ``7`` a seed; ``7:0.5+8:0.5`` a blend of seeds; ``@3.5,0.25`` a point on the plane of seeds; ``mean``
classes    ``2``; ``2:0.5+3:0.5``
rows       ``0-3,7``; ``none``
slider     BASIS/INDEX/AMOUNT or BASIS/INDEX/AMOUNT/ROWS: ``pca/0/1.5``, ``axis/12/-2/0-3``
mix        LATENT/ROWS or LATENT/ROWS/AMOUNT: ``9/4-7``, ``@3.5,0.25/4-7/0.5``
share      LATENT=WEIGHT, a part of a blend of any latents: ``@3,0=0.5``
factor     LAYER=NUMBER: ``b16.conv1=0.5``
prompt     TEXT or TEXT=WEIGHT: ``a red cat``, ``a red cat=0.5``
=========  ==========================================================================
"""

import re
from collections.abc import Callable, Sequence

import click

from explorer.commands.numbers import finite
from explorer.errors import StateError
from explorer.state import ClassMix, Latent, Mix, SeedBlend, SeedPad, Slider

__all__ = [
    "Notation",
    "read_classes",
    "read_factor",
    "read_latent",
    "read_mix",
    "read_prompt",
    "read_share",
    "read_slider",
    "write_classes",
    "write_latent",
    "write_mix",
    "write_number",
    "write_prompt",
    "write_rows",
    "write_slider",
]

_MOST_ROWS = 65536


class Notation(click.ParamType):
    """A part of a state as a parameter of a command."""

    def __init__(self, name: str, read: Callable[[str], object], example: str) -> None:
        self.name = name
        self._read = read
        self._example = example

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> object:
        """The part."""
        if not isinstance(value, str):
            return value
        try:
            return self._read(value)
        except (ValueError, OverflowError) as error:
            self.fail(f"{value!r} is no {self.name} ({error}): write it like {self._example}", param, ctx)


def write_number(number: float) -> str:
    """The shortest text that reads back equal."""
    short = f"{number:g}"
    return short if float(short) == number else repr(float(number))


def write_rows(rows: Sequence[int]) -> str:
    """Rows in their order; neighbours that count up by one become a range."""
    if not rows:
        return "none"
    runs: list[list[int]] = []
    for row in rows:
        if runs and row == runs[-1][1] + 1:
            runs[-1][1] = row
        else:
            runs.append([row, row])
    return ",".join(str(first) if first == last else f"{first}-{last}" for first, last in runs)


def read_rows(text: str) -> tuple[int, ...]:
    """Rows from ``0-3,7``."""
    if text == "none":
        return ()
    rows: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"(\d{1,5})(?:-(\d{1,5}))?", part)
        if match is None:
            raise ValueError(f"{part!r} is neither a row nor a range of rows")
        rows.extend(range(int(match[1]), int(match[2] or match[1]) + 1))
        if len(rows) > _MOST_ROWS:
            raise ValueError(f"over {_MOST_ROWS} rows")
    return tuple(rows)


def write_latent(latent: Latent) -> str:
    """A seed, a blend of seeds or a point on their plane.

    Raises:
        StateError: It is of another kind.
    """
    if isinstance(latent, SeedPad):
        return f"@{write_number(latent.x)},{write_number(latent.y)}"
    if not isinstance(latent, SeedBlend):
        raise StateError("a latent that is kept as numbers cannot be written as words: save a project and render that")
    return _write_weights(latent.weights) if latent.weights else "mean"


def read_latent(text: str) -> SeedPad | SeedBlend:
    """A latent from its text."""
    if text == "mean":
        return SeedBlend(())
    if text.startswith("@"):
        x, y = text[1:].split(",")
        return SeedPad(finite(x), finite(y))
    return SeedBlend(_read_weights(text))


def write_classes(classes: ClassMix) -> str:
    """A class or a mix of them.

    Raises:
        StateError: It is a mix of none.
    """
    if not classes.weights:
        raise StateError("a mix of no classes cannot be written as words: save a project and render that")
    return _write_weights(classes.weights)


def read_classes(text: str) -> ClassMix:
    """A mix of classes from its text."""
    weights = _read_weights(text)
    if any(not 0 <= index < 2**31 for index, _ in weights):
        raise ValueError("classes count from 0")
    return ClassMix(weights)


def write_prompt(text: str, weight: float) -> str:
    """A text of a prompt and its weight, which is always written, since a text may end like one."""
    return f"{text}={write_number(weight)}"


def read_prompt(text: str) -> tuple[str, float]:
    """A text and its weight, 1 where none is given."""
    head, sign, tail = text.rpartition("=")
    try:
        return (head, finite(tail)) if sign else (text, 1.0)
    except ValueError:
        return text, 1.0


def write_slider(slider: Slider) -> str:
    """A slider without its name, which no picture shows."""
    parts = [slider.basis, str(slider.index), write_number(slider.amount)]
    return "/".join(parts if slider.layers is None else [*parts, write_rows(slider.layers)])


def read_slider(text: str) -> Slider:
    """A slider from its text."""
    basis, index, amount, *rows = text.split("/")
    if basis not in ("pca", "axis") or len(rows) > 1 or not re.fullmatch(r"\d{1,9}", index):
        raise ValueError("it needs pca or axis, an index and an amount")
    return Slider("pca" if basis == "pca" else "axis", int(index), finite(amount), read_rows(rows[0]) if rows else None)


def write_mix(mix: Mix) -> str:
    """Styles of another latent in some rows.

    Raises:
        StateError: Its latent is kept as numbers.
    """
    parts = [write_latent(mix.latent), write_rows(mix.layers)]
    return "/".join(parts if mix.amount == 1 else [*parts, write_number(mix.amount)])


def read_mix(text: str) -> Mix:
    """A mix from its text."""
    latent, rows, *amount = text.split("/")
    if len(amount) > 1:
        raise ValueError("it has too many parts")
    return Mix(read_latent(latent), read_rows(rows), finite(amount[0]) if amount else 1.0)


def read_share(text: str) -> tuple[SeedPad | SeedBlend, float]:
    """A part of a blend from ``LATENT=WEIGHT``."""
    latent, weight = text.rsplit("=", 1)
    return read_latent(latent), finite(weight)


def read_factor(text: str) -> tuple[str, float]:
    """A layer's factor from ``LAYER=NUMBER``."""
    name, factor = text.rsplit("=", 1)
    return name, finite(factor)


def _write_weights(weights: tuple[tuple[int, float], ...]) -> str:
    if len(weights) == 1 and weights[0][1] == 1:
        return str(weights[0][0])
    return "+".join(f"{index}:{write_number(weight)}" for index, weight in weights)


def _read_weights(text: str) -> tuple[tuple[int, float], ...]:
    weights = []
    # A weight may itself hold a plus, as in 1e+06: the next part begins with a whole number and a colon.
    for part in re.split(r"\+(?=-?\d+:)", text):
        match = re.fullmatch(r"(-?\d{1,19})(?::(.+))?", part)
        if match is None:
            raise ValueError(f"{part!r} is neither a number nor a number and its weight")
        number = int(match[1])
        if not -(2**63) <= number < 2**63:
            raise ValueError(f"{number} is out of range")
        weights.append((number, 1.0 if match[2] is None else finite(match[2])))
    return tuple(weights)
