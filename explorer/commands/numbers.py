"""Lists of numbers as people write them: ``0-3,7``, ``0.1,0``."""

import re

import click

__all__ = ["PAIR", "RANGES", "PairParam", "RangesParam", "read_ranges"]

_MOST = 1_000_000


def read_ranges(text: str) -> tuple[int, ...]:
    """Whole numbers and ranges of them, both ends included, in the order given: ``0-3,7`` is 0, 1, 2, 3, 7.

    Raises:
        ValueError: The text is no such list.
    """
    numbers: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,10})(?:\s*-\s*(\d{1,10}))?\s*", part)
        if match is None:
            raise ValueError(f"{text!r} is no list of numbers: write ranges and numbers like 0-3,7")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise ValueError(f"{part.strip()!r} runs backwards: write {last}-{first}")
        if len(numbers) + last - first >= _MOST:
            raise ValueError(f"{text!r} is over {_MOST} numbers: ask for fewer at a time")
        numbers.extend(range(first, last + 1))
    return tuple(numbers)


class RangesParam(click.ParamType):
    """Whole numbers and ranges of them; see `read_ranges`."""

    name = "numbers"

    def convert(
        self, value: str | tuple[int, ...], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, ...]:
        """The numbers, in the order given."""
        if isinstance(value, tuple):
            return value
        try:
            return read_ranges(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class PairParam(click.ParamType):
    """Two numbers: ``0.1,0``."""

    name = "x,y"

    def convert(
        self, value: str | tuple[float, float], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[float, float]:
        """Both numbers."""
        if isinstance(value, tuple):
            return value
        try:
            x, y = (finite(part) for part in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is not two numbers: write them like 0.1,0", param, ctx)
        return x, y


class FiniteParam(click.ParamType):
    """One number that is neither NaN nor infinite."""

    name = "number"

    def convert(self, value: str | float, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number."""
        try:
            return finite(value)
        except ValueError:
            self.fail(f"{value!r} is no number", param, ctx)


def finite(text: str | float) -> float:
    """A number within reason, a billion on either side of zero.

    Raises:
        ValueError: The text is no such number.
    """
    number = float(text)
    if not -1e9 <= number <= 1e9:
        raise ValueError(f"{text!r} is out of range")
    return number


RANGES = RangesParam()
PAIR = PairParam()
FINITE = FiniteParam()
