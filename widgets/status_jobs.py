"""What is under way, at the end of the status line: each job with how far it is and a way to stop it."""

from typing import TYPE_CHECKING

import dearpygui.dearpygui as dpg

from widgets.controls import Kit, show_value, tooltip

if TYPE_CHECKING:
    from explorer.session import Job

__all__ = ["JobsInStatus", "describe_job", "more_words"]

_SHOWN = 2


def describe_job(name: str, progress: float | None) -> str:
    """A job in words."""
    return f"{name}…" if progress is None else f"{name}… {progress:.0%}"


def more_words(count: int) -> str:
    """How many jobs have no room."""
    return f"and {count} more" if count > 0 else ""


class JobsInStatus:
    """The oldest two jobs, each with its own Cancel, and how many more there are."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._jobs: tuple[Job, ...] = ()
        look = kit.look
        for place in range(_SHOWN):
            with dpg.group(tag=f"status_job_row_{place}", horizontal=True, show=False):
                dpg.add_text("", tag=f"status_job_{place}", color=(*look.palette.accent, 255))
                dpg.add_button(
                    label="Cancel", tag=f"status_cancel_{place}", small=True, user_data=place, callback=self._cancel
                )
        dpg.add_text("", tag="status_more", color=(*look.palette.quiet, 255))
        tooltip(look, "status_more", "They wait for their turn, or run beside the others.")

    def refresh(self, jobs: "tuple[Job, ...]") -> None:
        """Show how far they are."""
        self._jobs = jobs[:_SHOWN]
        for place in range(_SHOWN):
            job = jobs[place] if place < len(jobs) else None
            if job is not None:
                words = f"{job.name}: stopping…" if job.cancelled else describe_job(job.name, job.progress)
                show_value(f"status_job_{place}", words)
                if dpg.is_item_enabled(f"status_cancel_{place}") == job.cancelled:
                    dpg.configure_item(f"status_cancel_{place}", enabled=not job.cancelled)
            if dpg.is_item_shown(f"status_job_row_{place}") != (job is not None):
                dpg.configure_item(f"status_job_row_{place}", show=job is not None)
        show_value("status_more", more_words(len(jobs) - _SHOWN))

    def _cancel(self, _sender: int | str, _value: object, place: int) -> None:
        # The one that was shown under the hand, whatever ended meanwhile.
        if place < len(self._jobs):
            self._jobs[place].cancel()
