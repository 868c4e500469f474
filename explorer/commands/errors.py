"""Every input error of the command line is one line on stderr and the exit code 2, never a traceback."""

import sys
from collections.abc import Sequence

import click

from explorer.errors import ExplorerError

__all__ = ["run"]

INPUT_ERROR = 2
INTERRUPTED = 130


def run(command: click.Command, arguments: Sequence[str], *, name: str = "latent-explorer") -> int:
    """Run a command and return the exit code for the process."""
    try:
        result = command.main(list(arguments), prog_name=name, standalone_mode=False)
    except click.ClickException as error:
        return _refuse(error.format_message())
    except ExplorerError as error:
        return _refuse(str(error))
    except OSError as error:
        # What a person named could not be read or written: the folder is missing, the disk is full.
        return _refuse(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    return result if isinstance(result, int) else 0


def _refuse(message: str) -> int:
    print("error:", " ".join(message.split()), file=sys.stderr)
    return INPUT_ERROR
