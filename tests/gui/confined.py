"""The app for hands that know no better: it writes into one folder only and stays until the testing channel says so.

    python -m tests.gui.confined FOLDER [arguments of main.py]

What lies elsewhere looks read-only, so a random hand in a dialog meets the error that a person would, and harms
nothing. Quitting asks as ever, and then stays.
"""

import errno
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

__all__ = ["Confinement"]

_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES = {
    "os.remove": 1,
    "os.rmdir": 1,
    "os.mkdir": 1,
    "os.truncate": 1,
    "os.chmod": 1,
    "os.rename": 2,
    "os.link": 2,
    "os.symlink": 2,
}
_CHANNEL = "widgets.testing_channel"


class Confinement:
    """Refuses what would change a file outside a folder; Python tells it of every one before it happens.

    Args:
        folder: Where everything may be written.
    """

    def __init__(self, folder: Path) -> None:
        # Compiled kernels are kept beside their sources, as in every run.
        self._inside = (f"{folder.resolve()}{os.sep}", "/dev/", "/proc/self/")

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        """As `sys.addaudithook` calls it."""
        if event == "open":
            path, _, flags = arguments
            if isinstance(path, str | bytes | os.PathLike) and isinstance(flags, int) and flags & _WRITES:
                self._check(path)
        elif event in _CHANGES:
            for path in arguments[: _CHANGES[event]]:
                # An open file was checked when it was opened.
                if not isinstance(path, int):
                    self._check(path)

    def _check(self, path: str | bytes | os.PathLike[str]) -> None:
        full = os.path.abspath(os.fsdecode(path))
        if not full.startswith(self._inside) and "__pycache__" not in full:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), full)


def main() -> None:
    folder, *arguments = sys.argv[1:]
    import dearpygui.dearpygui as dpg

    # Loaded when centres are first looked for, 300,000 objects and 80 MB, which would be taken for a leak.
    import_module("sklearn.cluster")
    stop = dpg.stop_dearpygui

    def stop_when_told() -> None:
        if sys._getframe(1).f_globals["__name__"] == _CHANNEL:
            stop()

    dpg.stop_dearpygui = stop_when_told
    sys.addaudithook(Confinement(Path(folder)))
    from main import main as begin

    begin(arguments)


if __name__ == "__main__":
    main()
