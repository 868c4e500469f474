"""Which text encoder a model's prompts go through, or why none, and what to do about it."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from widgets.controls import Kit, set_enabled, show_value, tooltip

if TYPE_CHECKING:
    from explorer.rendering.text_finding import FoundEncoder

__all__ = ["EncoderLines", "encoder_words"]

_FOLDER = "A folder with a text encoder as it is published for the library transformers; it is remembered."
_AGAIN = "After something was installed."


def encoder_words(found: "FoundEncoder | None") -> str:
    """An encoder in a line, or why there is none."""
    if found is None:
        return ""
    return found.reason or f"Read by {found.name}, from {found.source}"


class EncoderLines:
    """A line about the encoder, and two buttons.

    Args:
        kit: Look and session.
        choose: Asks for a folder.
    """

    def __init__(self, kit: Kit, choose: Callable[[], None]) -> None:
        self._kit = kit
        self._choose = choose
        self._shown: FoundEncoder | None = None

    def build(self) -> None:
        """Make the controls."""
        look = self._kit.look
        dpg.add_spacer(height=look.px(2))
        dpg.add_text("", tag="encoder", wrap=0, color=(*look.palette.quiet, 255))
        with dpg.group(horizontal=True):
            dpg.add_button(tag="encoder_folder", label="Encoder's folder…", callback=lambda: self._choose())
            dpg.add_button(
                tag="encoder_again",
                label="Look again",
                width=-1,
                callback=lambda: self._kit.session.find_text_encoder(),
            )
        tooltip(look, "encoder_folder", _FOLDER)
        tooltip(look, "encoder_again", _AGAIN)

    def refresh(self, *, usable: bool) -> None:
        """Grey the buttons where no text is read."""
        set_enabled(("encoder_folder", "encoder_again"), usable)
        dpg.configure_item("encoder", show=usable)
        self.poll()

    def poll(self) -> bool:
        """Show which encoder there is; whether that changed."""
        found = self._kit.session.text_encoder
        if found is self._shown:
            return False
        self._shown = found
        show_value("encoder", encoder_words(found))
        return True
