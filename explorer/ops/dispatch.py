"""Which path serves an operation. The whole rule is in this file.

Paths
    reference   float64, states what the operation means; never chosen on its own
    torch       plain torch: any device and dtype, differentiable as often as wanted
    numba       compiled loops for float32 on a CPU, gradients included
    cuda        kernels on an NVIDIA GPU, compiled by CuPy: float32, float16, bfloat16, gradients included

Asked for by name (``impl=``), a path serves or raises KernelUnavailable; nothing stands in for it.

Otherwise (``impl=None``) torch serves, until the process has called ``use("auto")``. From then on numba serves
where all of this holds, and torch elsewhere:
    - the kernels are compiled (`warm_up` has returned);
    - the operation and its arguments have a compiled form (see each operation's ``lacks``);
    - the work is large enough to pay for the call, by the thresholds that ``tests/benchmarks/ops.py`` measured;
    - no graph is being recorded for export.
On a GPU the CUDA kernels serve instead, where `warm_up` has found CuPy and has found them to agree with torch on that
very GPU; `kernel_status` tells why not.

The two paths agree to float32 rounding, not bit for bit. A process that compares frames by bits, or caches parts of
them, calls ``use`` between frames and keys its caches with ``kernel_status().policy``: within one policy a frame
depends on nothing but its inputs, however often it is made.
"""

import importlib.util
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from explorer.errors import KernelUnavailable
from explorer.served import Served

Impl = Literal["reference", "torch", "numba", "cuda"]
Policy = Literal["torch", "auto"]


@dataclass(frozen=True, slots=True)
class KernelStatus:
    """What serves operations that name no path."""

    policy: Policy
    """``torch``, or ``auto`` where compiled kernels may serve."""
    compiled: bool
    """Whether `warm_up` has finished."""
    cuda: bool
    """Whether the CUDA kernels have been checked, and serve on the GPU."""
    reason: str
    """One sentence for a person."""


class _Kernels:
    """The only state of this package: what this process has compiled, and what it has chosen."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.compiled = False
        self.policy: Policy = "torch"
        self.cuda = False
        self.cuda_reason = "not tried yet"
        self.served: Counter[tuple[str, Impl, str]] = Counter()


_kernels = _Kernels()


def warm_up() -> KernelStatus:
    """Compile the kernels, or load them from numba's cache on disk: seconds the first time, then below one.

    Meant for a background thread; other threads go on computing meanwhile. It changes no result: call
    ``use("auto")`` for that, when a frame may change in its last bits.

    Raises:
        KernelUnavailable: numba is not installed.
    """
    with _kernels.lock:
        if not _kernels.compiled:
            if importlib.util.find_spec("numba") is None:
                raise KernelUnavailable("the compiled kernels need numba, which is not installed: pip install numba")
            try:
                from explorer.ops import numba_conv, numba_ends, numba_path
            except RuntimeError as error:
                # numba says so when neither the package's folder nor the user's cache folder can be written.
                raise KernelUnavailable(f"the compiled kernels need a folder for numba's cache: {error}") from error

            numba_path.compile_all()
            numba_conv.compile_all()
            numba_ends.compile_all()
            _kernels.cuda, _kernels.cuda_reason = _check_cuda()
            _kernels.compiled = True
    return kernel_status()


def use(policy: Policy) -> KernelStatus:
    """Choose what serves operations that name no path, for the whole process and from the next call on.

    Args:
        policy: ``torch``, or ``auto`` for compiled kernels where they exist, are ready and pay.
    """
    if policy not in get_args(Policy):
        raise ValueError(f"policy must be one of {', '.join(get_args(Policy))}; it is {policy!r}")
    _kernels.policy = policy
    return kernel_status()


def kernel_status() -> KernelStatus:
    """Tell which path serves, and why."""
    policy, compiled = _kernels.policy, _kernels.compiled
    if policy == "torch":
        reason = "torch serves: compiled kernels are " + ("ready but not in use" if compiled else "not compiled yet")
    elif not compiled:
        reason = "torch serves until the compiled kernels are ready"
    else:
        reason = "compiled kernels serve large float32 work on the CPU, torch the rest"
    if torch.cuda.is_available():
        reason += f"; on the GPU {'CUDA kernels serve' if _kernels.cuda and policy == 'auto' else 'torch serves'}"
        reason += "" if _kernels.cuda else f", since {_kernels.cuda_reason}"
    elif compiled:
        reason += f"; no GPU serves: {_kernels.cuda_reason}"
    return KernelStatus(policy, compiled, _kernels.cuda, reason)


def _check_cuda() -> tuple[bool, str]:
    """Whether the CUDA kernels may serve here, and why not."""
    from cuda.kernels import why_unavailable

    if (reason := why_unavailable()) is not None:
        return False, reason
    from explorer.ops.cuda_check import disagreement

    found = disagreement(torch.device("cuda"))
    return found is None, found or ""


def choose(
    operation: str,
    x: Tensor,
    impl: str | None,
    *,
    lacks: str | None,
    pays: Callable[[], bool],
    cuda_lacks: str | None = None,
) -> Impl:
    """Name the path that serves ``operation`` on ``x``.

    Args:
        operation: Its name, for messages.
        x: Its main argument.
        impl: What the caller asked for.
        lacks: What keeps the compiled path from these arguments, None if nothing does.
        pays: Tells whether the compiled path is faster at this size. Asked only where that decides.
        cuda_lacks: What keeps the CUDA kernels from these arguments.

    Raises:
        KernelUnavailable: The path asked for does not exist here.
        ValueError: There is no path of that name.
    """
    if impl is None:
        fast: Impl = "cuda" if x.device.type == "cuda" else "numba"
        lack = cuda_lacks if fast == "cuda" else lacks
        why_not = _why_not_compiled(fast, lack, pays)
        path: Impl = "torch" if why_not else fast
        _kernels.served[operation, path, why_not] += 1
        return path
    if impl == "torch":
        return "torch"
    if impl == "reference":
        return "reference"
    if impl == "numba":
        if lacks is not None:
            raise KernelUnavailable(f"{operation} has no compiled path for {lacks}: leave impl out, or ask for 'torch'")
        warm_up()
        return "numba"
    if impl == "cuda":
        from cuda.kernels import device_for

        if cuda_lacks is not None:
            raise KernelUnavailable(
                f"{operation} has no CUDA kernel for {cuda_lacks}: leave impl out, or ask for 'torch'"
            )
        device_for(x)
        return "cuda"
    raise ValueError(f"impl must be one of {', '.join(get_args(Impl))} or None; it is {impl!r}")


def take_served() -> tuple[Served, ...]:
    """Which paths served since the last call, most used first. For one thread, which computes nothing meanwhile."""
    served, _kernels.served = _kernels.served, Counter()
    return tuple(Served(*key, calls) for key, calls in served.most_common())


def _why_not_compiled(fast: Impl, lack: str | None, pays: Callable[[], bool]) -> str:
    """Why a compiled path, ``numba`` or ``cuda``, does not serve; empty when it does."""
    if _kernels.policy != "auto":
        return "compiled kernels are not in use"
    if not _kernels.compiled:
        return "not compiled yet"
    if fast == "cuda" and not _kernels.cuda:
        return _kernels.cuda_reason
    if lack is not None:
        return f"no compiled form for {lack}"
    if exporting():
        return "a graph is being recorded"
    return "" if fast == "cuda" or pays() else "too small to pay"


def exporting() -> bool:
    """Whether a graph is being recorded, which has tensors without values and no batch size."""
    return torch.compiler.is_exporting()


def numba_lacks(x: Tensor, *filters: Tensor | None) -> str | None:
    """What keeps the compiled path from a tensor and its filters: None if nothing does."""
    if x.device.type != "cpu":
        return f"tensors on {x.device}"
    if str(x.dtype) != "torch.float32":
        return str(x.dtype)
    if any(f is not None and f.requires_grad for f in filters):
        return "filters that need a gradient"
    return None


def cuda_lacks(x: Tensor, *filters: Tensor | None) -> str | None:
    """What keeps the CUDA kernels from a tensor and its filters: None if nothing does."""
    if x.dtype not in (torch.float32, torch.float16, torch.bfloat16):
        return str(x.dtype)
    if any(f is not None and f.requires_grad for f in filters):
        return "filters that need a gradient"
    return None
