"""Named tensors out of a file that is no model of ours: a state dict of PyTorch's or any safetensors file."""

import os
from pathlib import Path

from torch import Tensor

from explorer.checkpoints.file_bytes import damage_reported, read_whole
from explorer.checkpoints.safetensors_format import decode, read_header
from explorer.checkpoints.sniff import sniff
from explorer.checkpoints.state_dict import StateDict, is_table_of_tensors
from explorer.checkpoints.torch_container import read_torch_container
from explorer.errors import CheckpointError

__all__ = ["read_tensors"]

# Where trainers put the weights among what else they save.
_WRAPPERS = ("state_dict", "model", "model_state_dict", "net")


def read_tensors(path: str | os.PathLike[str], *, what: str) -> StateDict:
    """Every tensor of a file, by name; nothing in the file is ever executed.

    Args:
        path: A file of ``torch.save`` or safetensors.
        what: The file is expected to hold, for messages: ``feature network``.

    Raises:
        CheckpointError: The file is missing, damaged, hostile, a TorchScript program, or holds no table of tensors.
    """
    path = Path(path)
    kind = sniff(path)
    if kind not in ("torch", "safetensors"):
        raise CheckpointError(f"{path.name} holds no plain weights: give a state dict (.pth) or a .safetensors file")
    with damage_reported():
        data = read_whole(path)
        if kind == "torch":
            found = read_torch_container(data)
        else:
            found = decode(data, read_header(data, foreign=True), "", half_to_float=True)
        for name in _WRAPPERS:
            if isinstance(found, dict) and is_table_of_tensors(found.get(name)):
                found = found[name]
        if not isinstance(found, dict) or not is_table_of_tensors(found):
            raise CheckpointError(f"{path.name} holds no table of tensors: save the network's state_dict and give that")
        tensors: dict[str, Tensor] = {
            name.removeprefix("module."): tensor.float().clone() if tensor.is_floating_point() else tensor.clone()
            for name, tensor in found.items()
        }
    return StateDict(tensors, what=what)
