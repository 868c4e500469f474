"""Which path serves an operation. The whole rule is in this file.

Paths
    reference   float64, states what the operation means; never chosen on its own
    torch       plain torch: any device and dtype, differentiable as often as wanted
    numba       compiled loops for float32 on a CPU
    cuda        not built yet

Asked for by name (``impl=``), a path serves or raises KernelUnavailable; nothing stands in for it.
Otherwise (``impl=None``) torch serves.
"""

from typing import Literal, get_args

from torch import Tensor

from explorer.errors import KernelUnavailable

Impl = Literal["reference", "torch", "numba", "cuda"]


def choose(operation: str, x: Tensor, impl: str | None) -> Impl:
    """Name the path that serves ``operation`` on ``x``.

    Raises:
        KernelUnavailable: The path asked for does not exist here.
        ValueError: There is no path of that name.
    """
    if impl is None or impl == "torch":
        return "torch"
    if impl == "reference":
        return "reference"
    if impl in get_args(Impl):
        raise KernelUnavailable(f"{operation} has no '{impl}' path yet: leave impl out, or ask for 'torch'")
    raise ValueError(f"impl must be one of {', '.join(get_args(Impl))} or None; it is {impl!r}")
