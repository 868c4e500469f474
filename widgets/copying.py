"""What goes to the clipboard: the seed, and the command that makes the picture again."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from explorer.commands.command_line import command_line
from explorer.commands.notation import write_latent
from explorer.errors import StateError
from explorer.state import EditState, SeedPad
from widgets.seed_plane import seed_at, weights

if TYPE_CHECKING:
    from explorer.session import Session

__all__ = ["Copying", "seed_words"]


class Copying:
    """Edit > Copy seed, Edit > Copy command line.

    Args:
        session: What is shown.
        say: Tells a person what was copied, or why nothing was.
    """

    def __init__(self, session: "Session", say: Callable[[str, str], None]) -> None:
        self._session = session
        self._say = say

    def seed(self) -> None:
        """The seed, or what ``render --latent`` takes for a place between seeds."""
        self._copy(lambda: seed_words(self._session.state))

    def command(self) -> None:
        """The command that renders exactly this picture."""
        self._copy(self._command)

    def _command(self) -> str:
        session, state = self._session, self._session.state
        if state.checkpoint is None:
            raise StateError("no model is open: open one first")
        saved = None if session.is_dirty else session.project_path
        return command_line(state, state.checkpoint.hint, project=saved, extra=tuple(self._how()))

    def _how(self) -> Iterator[str]:
        """Options for what the state does not hold but the last bits of a picture depend on."""
        if self._session.compute.precision != "float32":
            yield f"--precision={self._session.compute.precision}"
        if not self._session.compiled:
            yield "--no-compiled"

    def _copy(self, write: Callable[[], str]) -> None:
        if self._session.spec is None:
            return
        try:
            text = write()
        except StateError as error:
            self._say("warning", f"Nothing was copied: {error}")
            return
        dpg.set_clipboard_text(text)
        self._say("info", f"Copied {text}")


def seed_words(state: EditState) -> str:
    """A state's seed as a number, or its place between seeds as the command line takes it.

    Raises:
        StateError: The latent is none of the seeds'.
    """
    if isinstance(state.latent, SeedPad) and len(corners := weights(state.latent)) == 1:
        seed = seed_at(*corners[0][:2])
        if seed >= 0:
            return str(seed)
    return write_latent(state.latent)
