"""Every error that a person may meet, in one tree.

ExplorerError
├── CheckpointError     a file that cannot be opened as a model
├── ProjectFileError    a project that cannot be read or written
├── DatasetError        a data set that cannot be read
├── PhotoError          a photo that cannot be read
├── StateError          an edit that the open model cannot follow (layer 99 of 12, a class that does not exist)
├── KernelUnavailable   an operation was asked for by a path that this machine lacks
└── Cancelled           the work was given up because a newer request replaced it

A message says what is wrong, what was given and what to do, in one line.
"""

__all__ = [
    "Cancelled",
    "CheckpointError",
    "DatasetError",
    "ExplorerError",
    "KernelUnavailable",
    "PhotoError",
    "ProjectFileError",
    "StateError",
]


class ExplorerError(Exception):
    """The root: everything below it is shown to the user as it reads."""


class CheckpointError(ExplorerError):
    """A file that cannot be opened as a model."""


class ProjectFileError(ExplorerError):
    """A project that cannot be read or written."""


class DatasetError(ExplorerError):
    """A data set that cannot be read."""


class PhotoError(ExplorerError):
    """A photo that cannot be read."""


class StateError(ExplorerError):
    """An edit that the open model cannot follow."""


class KernelUnavailable(ExplorerError):
    """An operation was asked for by a path that this machine lacks."""


class Cancelled(ExplorerError):
    """The work was given up because a newer request replaced it."""
