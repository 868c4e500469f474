"""Build a network around tensors that already exist, so that its weights are never in memory twice."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from explorer.errors import CheckpointError

__all__ = ["build_from_tensors"]

M = TypeVar("M", bound=nn.Module)

FLOATS = (torch.float32, torch.float16, torch.bfloat16, torch.float64)


def build_from_tensors(build: Callable[[], M], tensors: Mapping[str, Tensor], *, idle: str | None = None) -> M:
    """Call `build` without taking memory, then give its parameters and buffers the `tensors`.

    The network comes ready for use: no gradients (``requires_grad_(True)`` turns them on) and in
    evaluation mode. Tensors of one floating type are used as they are; mixed types become float32.

    Args:
        build: Makes the network, for example ``lambda: Generator(config)``.
        tensors: One for each name of the network's state dict, and no other.
        idle: Names with this ending may be more than the network has; those are left out.

    Raises:
        CheckpointError: A tensor is missing, unknown, of another shape, or holds no numbers.
    """
    with torch.device("meta"), _ShapesOnly():
        network = build()
    wanted = network.state_dict()
    if idle is not None:
        tensors = {name: tensor for name, tensor in tensors.items() if name in wanted or not name.endswith(idle)}
    _check_names(wanted, tensors)
    mixed = len({tensor.dtype for tensor in tensors.values()}) > 1
    ready = {name: tensor.float() if mixed else tensor for name, tensor in tensors.items()}
    network.load_state_dict(ready, strict=True, assign=True)
    return network.eval().requires_grad_(False)


def _check_names(wanted: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> None:
    for name, place in wanted.items():
        tensor = tensors.get(name)
        if tensor is None:
            raise CheckpointError(f"the tensor {name} is missing")
        if tensor.shape != place.shape:
            raise CheckpointError(
                f"the tensor {name} has shape {list(tensor.shape)}, and the options say {list(place.shape)}"
            )
        if tensor.dtype not in FLOATS or tensor.layout != torch.strided or tensor.is_meta:
            raise CheckpointError(f"the tensor {name} should hold floating point numbers, not {tensor.dtype}")
        # A stride of 0 lets a few bytes pose as a tensor of any size.
        if tensor.numel() * tensor.element_size() > tensor.untyped_storage().nbytes():
            raise CheckpointError(f"the tensor {name} claims more numbers than the file holds")
    unknown = sorted(tensors.keys() - wanted.keys())
    if unknown:
        raise CheckpointError(f"the tensor {unknown[0]} has no place in a network of these options")


_RANDOM = frozenset({"randn", "rand"})
_ELEMENTWISE = frozenset(
    {"add", "sub", "mul", "div", "pow", "square", "sqrt", "rsqrt", "exp", "__rsub__", "__rpow__", "__rdiv__", "outer"}
)


class _ShapesOnly(TorchFunctionMode):
    """Arithmetic on tensors without memory, shapes alone.

    torch itself can do this, but its first such operation imports its compiler, which takes longer than
    reading a large snapshot.
    """

    def __torch_function__(
        self, func: Callable[..., Any], types: object, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        name = func.__name__
        if name in _RANDOM:
            return torch.empty(*args, **(kwargs or {}))
        tensors = [arg for arg in args if isinstance(arg, Tensor)]
        if name in _ELEMENTWISE and not kwargs and any(tensor.is_meta for tensor in tensors):
            shapes = [tensor.shape for tensor in tensors]
            # Tensors are the only operands that have a shape; numbers take the other's.
            shape = (*shapes[0], *shapes[1]) if name == "outer" else np.broadcast_shapes(*shapes)
            return torch.empty(shape, dtype=tensors[0].dtype, device="meta")
        return func(*args, **(kwargs or {}))
