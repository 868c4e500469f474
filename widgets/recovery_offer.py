"""Asks what becomes of work that an earlier window left behind."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from widgets.toasts import Answer, Toasts

if TYPE_CHECKING:
    from explorer.session import Recoverable, Session

__all__ = ["offer_recovery"]


def offer_recovery(session: "Session", toasts: Toasts) -> None:
    """Ask about the newest such work, and about the one before when that is not restored."""
    _ask(session, toasts, session.recoverable())


def _ask(session: "Session", toasts: Toasts, works: "list[Recoverable]") -> None:
    if not works:
        return
    work, *others = works

    def restore() -> None:
        # The others are asked about at the next start: one piece of work is enough to go on with.
        session.recover(work)

    def discard() -> None:
        try:
            session.discard(work)
        except OSError as error:
            toasts.say("error", f"{work.path} cannot be removed: {error.strerror or error}")
        _ask(session, toasts, others)

    def ask_again() -> None:
        toasts.ask(
            f"Work {where} is gone for good when it is discarded.",
            Answer("Keep", "recovery_keep", lambda: _ask(session, toasts, works)),
            Answer("Discard for good", "recovery_discard_for_good", discard),
        )

    where = f"in {Path(work.project).name}" if work.project else "that was never saved"
    ended = time.strftime("%d %B, %H:%M", time.localtime(work.changed_s))
    toasts.ask(
        f"The app ended unexpectedly on {ended}. Work {where} is still here; its last step: {work.label}. "
        "Later asks again at the next start.",
        Answer("Restore", "recovery_restore", restore),
        Answer("Discard…", "recovery_discard", ask_again),
        Answer("Later", "recovery_later", lambda: _ask(session, toasts, others)),
    )
