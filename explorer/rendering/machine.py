"""How a picture is computed on this machine: threads and kernels, the same for the window and the command line."""

import os
from typing import TYPE_CHECKING

import torch

from explorer import ops
from explorer.errors import KernelUnavailable
from explorer.generators.protocol import Generator

if TYPE_CHECKING:
    from explorer.checkpoints import Checkpoint

__all__ = [
    "compile_kernels",
    "gpu_bytes",
    "kernel_reason",
    "kernels_in_use",
    "missing_device",
    "set_precision",
    "use_kernels",
    "use_threads",
    "weight_bytes",
]


def use_threads(threads: int | None = None) -> int:
    """Set torch's threads and return their number; without one, all cores but one, which is left to the window.

    The order in which a convolution sums may depend on it, so equal pictures need equal threads.
    """
    threads = max(1, (os.cpu_count() or 2) - 1) if threads is None else max(1, threads)
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    return threads


def compile_kernels() -> str:
    """Make the compiled kernels ready, which takes seconds the first time; why not, on a machine without them.

    May run beside a renderer, since it changes no picture.
    """
    try:
        ops.warm_up()
    except KernelUnavailable as error:
        return str(error)
    return ""


def use_kernels(compiled: bool = True) -> None:
    """Let the compiled kernels serve from now on, or torch. Pictures may change in their last bits: not during one."""
    ops.use("auto" if compiled else "torch")


def kernels_in_use() -> tuple[str, bool]:
    """What serves: pictures that were computed under another value are not to be mixed with new ones."""
    status = ops.kernel_status()
    return status.policy, status.compiled


def kernel_reason() -> str:
    """Which kernels serve and why, in a sentence."""
    return ops.kernel_status().reason


def set_precision(generator: Generator, precision: str) -> None:
    """Keep all of a generator but its mapping in ``float32``, ``bfloat16`` or ``float16``.

    W stays exact, so that psi, sliders and mixing mean the same; pictures differ by a level or two.
    """
    kinds = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
    assert isinstance(generator, torch.nn.Module)
    for name, part in generator.named_children():
        if name != "mapping":
            part.to(kinds[precision])


def missing_device(device: str) -> str:
    """Why this machine cannot compute on ``device``, ``cpu`` or ``cuda``; empty when it can."""
    if device == "cpu" or torch.cuda.is_available():
        return ""
    if torch.version.cuda is None:
        return "this torch was built for processors only: install one with CUDA"
    return "no NVIDIA GPU that torch can use was found"


def weight_bytes(checkpoint: "Checkpoint") -> int:
    """Memory of a model's networks."""
    networks = (checkpoint.generator, checkpoint.discriminator, checkpoint.text_encoder)
    parts = [network for network in networks if isinstance(network, torch.nn.Module)]
    tensors = {id(tensor): tensor for part in parts for tensor in (*part.parameters(), *part.buffers())}
    return sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())


def gpu_bytes() -> int | None:
    """Memory that torch holds on the GPU; ``None`` without one."""
    return int(torch.cuda.memory_reserved()) if torch.cuda.is_available() else None
