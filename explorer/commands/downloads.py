"""How far a download is, on the error stream, for the verbs that open a model."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from explorer.remote import Progress, fetch, parse_address

__all__ = ["on_this_machine", "progress_bar"]


@contextmanager
def progress_bar() -> Iterator[Callable[[Progress], None]]:
    """A bar that appears with the first bytes, for a person alone: nothing is drawn where no terminal is."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, TimeRemainingColumn, TransferSpeedColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)
    columns = (BarColumn(), DownloadColumn(binary_units=True), TransferSpeedColumn(), TimeRemainingColumn())
    with Bars(*columns, console=console, disable=not console.is_terminal, transient=True) as bars:
        task = bars.add_task("", total=None, visible=False)
        yield lambda progress: bars.update(task, completed=progress.done, total=progress.total, visible=True)


def on_this_machine(source: str) -> Path:
    """The file that a path or an address means, fetched where it has to be.

    Raises:
        CheckpointError: The address cannot be fetched.
    """
    address = parse_address(source)
    if address is None:
        return Path(source)
    with progress_bar() as progress:
        return fetch(address, progress=progress)
