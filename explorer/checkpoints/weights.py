"""PyTorch files of bare weights: what they are follows from the names of their tensors."""

from pathlib import Path

from explorer.checkpoints.lucidrains import is_lucidrains, read_lucidrains, side_options
from explorer.checkpoints.rosinality import is_rosinality, read_rosinality
from explorer.checkpoints.snapshot import Snapshot
from explorer.checkpoints.torch_container import read_torch_container
from explorer.errors import CheckpointError

__all__ = ["read_weights"]


def read_weights(data: memoryview, path: Path) -> Snapshot:
    """Read a file of ``torch.save``.

    Args:
        data: Its bytes, which must be writable since tensors become views of them.
        path: Where it lies, since some options are kept in a file beside it.

    Raises:
        CheckpointError: It is damaged, hostile, or of no kind that is known.
    """
    top = read_torch_container(data)
    if is_rosinality(top):
        assert isinstance(top, dict)
        return read_rosinality(top, size=len(data))
    if is_lucidrains(top):
        return read_lucidrains(top, size=len(data), options=side_options(path))
    held = ", ".join(str(key)[:40] for key in list(top)[:6]) if isinstance(top, dict) else f"a {type(top).__name__}"
    raise CheckpointError(
        f"these weights are of no kind that is known (the file holds {held or 'nothing'}): "
        "the StyleGAN2 state dicts of rosinality and of lucidrains are read"
    )
