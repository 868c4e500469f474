"""What the session tells a person."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Level", "Message"]

Level = Literal["info", "warning", "error"]


@dataclass(frozen=True, slots=True)
class Message:
    """One line for a person."""

    level: Level
    """``error``: what was asked for did not happen; ``warning``: it did, but not all of it."""
    text: str
    """What is wrong, what was given and what to do."""
