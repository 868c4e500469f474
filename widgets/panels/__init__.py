"""The panels, one file each: ``build`` makes the controls, ``refresh`` makes them show a state."""

from typing import Protocol

from explorer.state import EditState, GeneratorSpec

__all__ = ["Panel"]


class Panel(Protocol):
    """A group of controls that belong together."""

    title: str
    """On its tab."""

    def build(self) -> None:
        """Make the controls inside the container that is open."""

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show a state of a model; ``None`` before one is open."""
