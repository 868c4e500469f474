"""Build a network around tensors that already exist, so that its weights are never in memory twice."""

from collections.abc import Callable, Mapping
from typing import TypeVar

import torch
from torch import Tensor, nn

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
    with torch.device("meta"):
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
