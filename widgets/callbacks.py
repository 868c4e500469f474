"""The edge between a hand and the window: what a control sets off, and what happens when that fails."""

import logging
from collections.abc import Callable

import dearpygui.dearpygui as dpg

__all__ = ["run_callbacks"]

_log = logging.getLogger(__name__)


def run_callbacks(say: Callable[[str, str], None]) -> None:
    """Do what was set off since the last call; one that fails stops neither the others nor the window.

    Args:
        say: Tells a person what failed, by level and text.
    """
    for job in dpg.get_callback_queue() or ():
        try:
            dpg.run_callbacks([job])
        except Exception as error:
            # The hand's edge: a mistake of ours in one control must not cost a person the window.
            _log.exception("a control failed")
            say(
                "error",
                f"this control failed ({type(error).__name__}: {error}): everything else goes on; undo the last step "
                "if the picture is not as it was, and please report it",
            )
