"""PyTorch files of bare weights: what they are follows from the names of their tensors."""

from explorer.checkpoints.rosinality import is_rosinality, read_rosinality
from explorer.checkpoints.snapshot import Snapshot
from explorer.checkpoints.torch_container import read_torch_container
from explorer.errors import CheckpointError

__all__ = ["read_weights"]


def read_weights(data: memoryview) -> Snapshot:
    """Read a file of ``torch.save`` from its bytes, which must be writable since tensors become views of them.

    Raises:
        CheckpointError: It is damaged, hostile, or of no kind that is known.
    """
    top = read_torch_container(data)
    if is_rosinality(top):
        assert isinstance(top, dict)
        return read_rosinality(top, size=len(data))
    held = ", ".join(str(key)[:40] for key in list(top)[:6]) if isinstance(top, dict) else f"a {type(top).__name__}"
    raise CheckpointError(
        f"these weights are of no kind that is known (the file holds {held or 'nothing'}): "
        "the StyleGAN2 state dicts of rosinality and of lucidrains are read"
    )
