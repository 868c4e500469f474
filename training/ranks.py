"""Several processes that train one model: what ``torchrun`` sets up."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
import torch.distributed as dist

from training.parts import Parts

__all__ = ["one_of_several"]


@contextmanager
def one_of_several(device: str) -> Iterator[tuple[Parts, str]]:
    """This process's place among those that ``torchrun`` started, and its device; alone without it.

    Each process takes a GPU of its own, and they speak over NCCL; on processors over gloo.
    """
    ranks = int(os.environ.get("WORLD_SIZE", "1"))
    if ranks == 1:
        yield Parts(), device
        return
    if device == "cuda":
        device = f"cuda:{os.environ.get('LOCAL_RANK', '0')}"
        torch.cuda.set_device(device)
    dist.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield Parts(rank=dist.get_rank(), ranks=ranks), device
    finally:
        dist.destroy_process_group()
