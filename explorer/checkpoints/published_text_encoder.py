"""The text encoder inside a published StyleGAN-T generator: CLIP's text half, as open_clip lays it out.

The model was trained with exactly these numbers, and the second phase of its training even moved them.
"""

from collections.abc import Mapping

from torch import Tensor

from explorer.checkpoints.file_bytes import damage_reported
from explorer.checkpoints.published_fields import Fields, agreed
from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError
from explorer.generators.assign import build_from_tensors
from explorer.generators.config import config_from_json
from explorer.text import ClipConfig, ClipText

__all__ = ["PREFIX", "read_text_encoder"]

PREFIX = "mapping.clip."
"""Where the published code keeps it, in the names of tensors."""

_ACTIVATIONS = {"QuickGELU": "quick_gelu", "GELU": "gelu"}
_PARTS = {
    "ln_1.weight": "norm1.weight",
    "ln_1.bias": "norm1.bias",
    "attn.in_proj_weight": "joint.weight",
    "attn.in_proj_bias": "joint.bias",
    "attn.out_proj.weight": "out.weight",
    "attn.out_proj.bias": "out.bias",
    "ln_2.weight": "norm2.weight",
    "ln_2.bias": "norm2.bias",
    "mlp.c_fc.weight": "wide.weight",
    "mlp.c_fc.bias": "wide.bias",
    "mlp.c_proj.weight": "narrow.weight",
    "mlp.c_proj.bias": "narrow.bias",
}


def read_text_encoder(record: ModuleRecord) -> tuple[ClipText | None, tuple[str, ...]]:
    """The encoder of a generator, and what the user should know of it.

    Args:
        record: The generator.

    Returns:
        ``None`` when the file has none, or one that cannot be read: pictures can be made without it.
    """
    mapping = record.children.get("mapping")
    held = None if mapping is None else mapping.children.get("clip")
    # Every snapshot names the part; one that was made small leaves its content out.
    if held is None or not held.state_dict():
        return None, ()
    try:
        with damage_reported():
            return _read(Fields(held, "G.mapping.clip").child("model")), ()
    except CheckpointError as error:
        return None, (f"The text encoder could not be read: {error}.",)


def _read(model: Fields) -> ClipText:
    # Newer versions of open_clip keep the text half in a part of its own.
    model = model.child("text") if model.has("text") else model
    blocks = model.child("transformer").child("resblocks")
    layers = [blocks.child(str(i)) for i in range(len(blocks.record.children))]
    if not layers:
        raise CheckpointError("it has no layers")
    projection = _projection(model)
    tokens = model.child("token_embedding").tensor("weight")
    options = {
        "vocabulary": len(tokens),
        "length": model.shape("positional_embedding", axes=2)[0],
        "width": tokens.shape[-1],
        "hidden": layers[0].child("mlp").child("c_fc").shape("weight", axes=2)[0],
        "heads": agreed("number of heads", [layer.child("attn").whole("num_heads") for layer in layers]),
        "layers": len(layers),
        "features": len(projection),
        "activation": agreed("activation", [_activation(layer.child("mlp")) for layer in layers]),
        "epsilon": agreed("eps", [layer.child(name).number("eps") for layer in layers for name in ("ln_1", "ln_2")]),
    }
    config = config_from_json(ClipConfig, options)
    tensors = {
        "tokens": tokens,
        "places": model.tensor("positional_embedding"),
        "norm.weight": model.child("ln_final").tensor("weight"),
        "norm.bias": model.child("ln_final").tensor("bias"),
        "projection.weight": projection,
    }
    for i, layer in enumerate(layers):
        tensors |= _renamed(layer.record.state_dict(), i)
    return build_from_tensors(lambda: ClipText(config), tensors)


def _projection(model: Fields) -> Tensor:
    """``[features, width]``; a bare matrix is stored the other way round."""
    if model.has("text_projection"):
        return model.child("text_projection").tensor("weight")
    matrix = model.tensor("text_projection")
    if matrix.ndim != 2:
        raise CheckpointError(f"its text_projection has shape {list(matrix.shape)}, and should be a matrix")
    return matrix.T.contiguous()


def _activation(mlp: Fields) -> str:
    name = mlp.child("gelu").record.class_name
    if name not in _ACTIVATIONS:
        raise CheckpointError(f"its activation is {name[:40]!r}, and can be {', '.join(_ACTIVATIONS)}")
    return _ACTIVATIONS[name]


def _renamed(held: Mapping[str, Tensor], index: int) -> dict[str, Tensor]:
    if unknown := sorted(set(held) - set(_PARTS)):
        raise CheckpointError(f"its tensor {unknown[0][:80]} has no place in CLIP")
    return {f"layers.{index}.{_PARTS[name]}": tensor for name, tensor in held.items()}
