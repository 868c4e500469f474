"""Files of bare weights, PyTorch's and safetensors: what they are follows from the names of their tensors."""

from pathlib import Path

from torch import Tensor

from explorer.checkpoints.lucidrains import is_lucidrains, read_lucidrains, side_options
from explorer.checkpoints.rosinality import is_rosinality, read_rosinality
from explorer.checkpoints.safetensors_format import decode, read_header
from explorer.checkpoints.snapshot import Snapshot
from explorer.checkpoints.stylegan_state_dict import is_stylegan, read_stylegan, side_config
from explorer.checkpoints.torch_container import read_torch_container
from explorer.errors import CheckpointError

__all__ = ["read_plain_safetensors", "read_weights", "recognise_table"]


def read_weights(data: memoryview, path: Path) -> Snapshot:
    """Read a file of ``torch.save``.

    Args:
        data: Its bytes, which must be writable since tensors become views of them.
        path: Where it lies, since some options are kept in a file beside it.

    Raises:
        CheckpointError: It is damaged, hostile, or of no kind that is known.
    """
    return _recognised(read_torch_container(data), size=len(data), path=path, what="these weights are")


def read_plain_safetensors(data: memoryview, path: Path) -> Snapshot:
    """Read a safetensors file of anybody's, as hubs keep them; arguments and errors as of `read_weights`."""
    table = decode(data, read_header(data, foreign=True), "", half_to_float=True)
    what = "this safetensors file was not made by Latent Explorer, and its weights are"
    # Half precision became single.
    return _recognised(_unfolded(table), size=2 * len(data), path=path, what=what)


def recognise_table(table: dict[str, Tensor], *, path: Path) -> Snapshot:
    """The model of one flat table, which stands for a file at ``path``; errors as of `read_weights`."""
    size = sum(tensor.nbytes for tensor in table.values())
    return _recognised(_unfolded(table), size=size, path=path, what="these files hold weights that are")


def _unfolded(table: dict[str, Tensor]) -> dict[str, object]:
    """One flat table as the tables of several networks, where all its names begin with theirs."""
    known = ("g_ema", "g", "d", "GAN")
    parts = {name.partition(".")[0] for name in table}
    if not parts <= {*known, "latent_avg"}:
        return dict(table)
    unfolded: dict[str, object] = {name: table[name] for name in ("latent_avg",) if name in table}
    for part in parts - {"latent_avg"}:
        below = {name.removeprefix(f"{part}."): item for name, item in table.items() if name.startswith(f"{part}.")}
        unfolded[part] = below
    return unfolded


def _recognised(top: object, *, size: int, path: Path, what: str) -> Snapshot:
    if is_rosinality(top):
        assert isinstance(top, dict)
        return read_rosinality(top, size=size)
    if is_lucidrains(top):
        return read_lucidrains(top, size=size, options=side_options(path))
    if is_stylegan(top):
        return read_stylegan(top, size=size, options=side_config(path))
    held = ", ".join(str(key)[:40] for key in list(top)[:6]) if isinstance(top, dict) else f"a {type(top).__name__}"
    raise CheckpointError(
        f"{what} of no kind that is known (the file holds {held or 'nothing'}): state dicts of StyleGAN2, "
        "StyleGAN2-ADA, StyleGAN3, StyleGAN-XL and StyleGAN-T, and those of rosinality and of lucidrains are read"
    )
