"""Work in the background that a person can see and stop."""

import threading

__all__ = ["Job"]


class Job:
    """Its name, how far it is and how it ended. Safe to read from any thread."""

    def __init__(self, name: str) -> None:
        self.name = name
        """For a person."""
        self.progress: float | None = None
        """0 to 1, or ``None`` where it is not known."""
        self.error: str | None = None
        """Why it failed, in words; ``None`` while it runs and when it went well."""
        self._done = threading.Event()
        self._cancelled = threading.Event()

    @property
    def done(self) -> bool:
        """Whether it ended: well, failed or cancelled."""
        return self._done.is_set()

    @property
    def cancelled(self) -> bool:
        """Whether it was told to stop."""
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Tell it to stop; its result, if one still comes, is dropped."""
        self._cancelled.set()

    def wait(self, timeout_s: float | None = None) -> bool:
        """Wait for the end; false when it did not come in time."""
        return self._done.wait(timeout_s)

    def finish(self, error: str | None = None) -> None:
        """Mark the end. For whoever runs the job."""
        self.error = error
        self._done.set()
