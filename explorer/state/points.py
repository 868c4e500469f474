"""Points that a person saved to come back to."""

from dataclasses import dataclass

from explorer.state.edit_state import EditState

__all__ = ["Point"]


@dataclass(frozen=True, slots=True)
class Point:
    """A state with a name."""

    name: str
    """For a person; several may be called the same."""
    state: EditState
    """What to come back to."""
