"""The panels, one file each: ``build`` makes the controls, ``refresh`` makes them show a state.

Which panel stands where is one table, in registry.py. What else a panel may do, it says by having the method.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from explorer.state import EditState, GeneratorSpec
from widgets.shortcuts import Shortcut
from widgets.texture import PictureTexture

if TYPE_CHECKING:
    from explorer.session import Frame

__all__ = ["Drawing", "Keyed", "Moving", "Panel", "Polled", "Receiving", "Watching"]


class Panel(Protocol):
    """A group of controls that belong together."""

    title: str
    """On its tab."""

    def build(self) -> None:
        """Make the controls inside the container that is open."""

    def refresh(self, state: EditState, spec: GeneratorSpec | None) -> None:
        """Show a state of a model; ``None`` before one is open. Called only when something changed."""


@runtime_checkable
class Polled(Protocol):
    """A panel that does something in every frame."""

    def poll(self, now_s: float) -> bool:
        """Follow a hand, move an animation on, take in what a job made.

        Args:
            now_s: The time, in seconds of `time.perf_counter`.

        Returns:
            Whether something on screen changed, so that the window stays at full rate for a while.
        """


@runtime_checkable
class Moving(Protocol):
    """A panel that may need frames although no hand moves."""

    @property
    def is_moving(self) -> bool:
        """Whether it does now: an animation runs, a picture is awaited."""


@runtime_checkable
class Keyed(Protocol):
    """A panel with keys of its own."""

    @property
    def shortcuts(self) -> tuple[Shortcut, ...]:
        """Bound once, when all panels are built."""


@runtime_checkable
class Watching(Protocol):
    """A panel that shows something about the newest picture."""

    def see(self, frame: "Frame") -> None:
        """Take in a picture that was just put on screen; early, coarse ones too."""


@runtime_checkable
class Receiving(Protocol):
    """A panel that takes dropped files of its own kind."""

    def receive(self, paths: Sequence[Path]) -> tuple[Path, ...]:
        """Take of the files and folders that were dropped at once what is of its kind; returns what it took."""


@runtime_checkable
class Drawing(Protocol):
    """A panel that shows a large picture of its own."""

    def attach(self, texture: PictureTexture) -> None:
        """Draw with this texture from now on; called once, when the window is shown."""
