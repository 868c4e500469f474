"""Which implementation served an operation: told by `explorer.ops`, shown by a window that loads no framework."""

from dataclasses import dataclass

__all__ = ["Served"]


@dataclass(frozen=True, slots=True)
class Served:
    """How often one path served one operation, for one reason."""

    operation: str
    """Its name, such as ``upfirdn2d``."""
    path: str
    """``torch``, ``numba`` or ``cuda``."""
    why: str
    """Why not the compiled one; empty where it served."""
    calls: int
    """How often."""
