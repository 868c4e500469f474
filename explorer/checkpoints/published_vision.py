"""Frozen networks inside published discriminators, which hold them whole as modules of the library timm.

Batch norms are folded into the convolutions before them; a transformer's last norm and classifier are left out.
"""

import torch
from torch import Tensor

from explorer.checkpoints.published_fields import Fields, agreed
from explorer.checkpoints.published_stylegan3 import agree
from explorer.errors import CheckpointError
from explorer.generators.efficientnet import BLOCKS
from explorer.generators.vision_transformer import VisionConfig

__all__ = ["check_conv", "lite_tensors", "vision_config", "vision_tensors"]

_LAYERS = (("norm1", "norm1"), ("attn.qkv", "qkv"), ("attn.proj", "project"))
_LAYERS += (("norm2", "norm2"), ("mlp.fc1", "widen"), ("mlp.fc2", "narrow"))
_HARMLESS = {"Identity", "Dropout", "DropPath"}
# Of a block: parts that newer networks have and that these do without.
_UNUSED = ("ls1", "ls2", "attn.q_norm", "attn.k_norm", "attn.norm", "mlp.norm")
_MAX_BLOCKS = 64


def check_conv(part: Fields, **expected: object) -> None:
    """Refuse a convolution with other options than the common ones, but for those in ``expected``.

    Raises:
        CheckpointError: It has.
    """
    axes = part.tensor("weight_orig" if "weight_orig" in part.record.parameters else "weight").ndim - 2
    common = {"stride": [1] * axes, "padding": [0] * axes, "dilation": [1] * axes, "groups": 1, "padding_mode": "zeros"}
    agree(part, **{**common, **expected})


def lite_tensors(layers: list[Fields]) -> dict[str, Tensor]:
    """EfficientNet-lite0's numbers under our names.

    Args:
        layers: Its modules in order, those of nested lists one after the other: convolution, batch norm, blocks.

    Raises:
        CheckpointError: It is another network, or damaged.
    """
    stem, norm, *rest = layers
    blocks = [part for part in rest if part.record.class_name not in ("ReLU6", "Identity")]
    if len(blocks) != len(BLOCKS):
        raise CheckpointError(f"this snapshot's {stem.name} belongs to {len(blocks)} blocks, not to EfficientNet-lite0")
    found: dict[str, Tensor] = {}
    _fold(found, "stem", stem, norm, stride=2)
    for index, (shape, block) in enumerate(zip(BLOCKS, blocks, strict=True)):
        name = f"blocks.{index}"
        if block.has("se") and block.child("se").record.class_name != "Identity":
            raise CheckpointError(
                f"this snapshot's {block.name} weighs its features, which EfficientNet-lite0 does not"
            )
        for key in ("act1", "act2"):
            inert = key == "act2" and shape.expansion == 1
            if block.has(key) and not inert and block.child(key).record.class_name not in ("ReLU6", "Identity"):
                raise CheckpointError(f"this snapshot's {block.name}.{key} is no ReLU6: another network")
        depthwise = {"stride": shape.stride, "groups": shape.inputs * shape.expansion}
        if shape.expansion > 1:
            _fold(found, f"{name}.expand", block.child("conv_pw"), block.child("bn1"))
            _fold(found, f"{name}.depthwise", block.child("conv_dw"), block.child("bn2"), **depthwise)
            _fold(found, f"{name}.project", block.child("conv_pwl"), block.child("bn3"))
        else:
            _fold(found, f"{name}.depthwise", block.child("conv_dw"), block.child("bn1"), **depthwise)
            _fold(found, f"{name}.project", block.child("conv_pw"), block.child("bn2"))
    return found


def _fold(found: dict[str, Tensor], name: str, conv: Fields, norm: Fields, *, stride: int = 1, groups: int = 1) -> None:
    weight = conv.tensor("weight").double()
    # Padding is TensorFlow's, which the module works out from the picture where that is not plain.
    agree(conv, stride=[stride] * 2, dilation=[1, 1], groups=groups)
    if "bias" in conv.record.parameters:
        raise CheckpointError(f"this snapshot's {conv.name} has a bias, which EfficientNet-lite0 does not")
    parts = [norm.tensor(key).double() for key in ("weight", "bias", "running_mean", "running_var")]
    if weight.ndim != 4 or any(part.shape != weight.shape[:1] for part in parts):
        raise CheckpointError(f"this snapshot's {conv.name} and {norm.name} do not fit: it is damaged")
    gain, bias, mean, variance = parts
    factor = gain * torch.rsqrt(variance + norm.number("eps"))
    found[f"{name}.weight"] = (weight * factor[:, None, None, None]).float()
    found[f"{name}.bias"] = (bias - mean * factor).float()


def vision_config(model: Fields) -> VisionConfig:
    """The shape of a vision transformer.

    Raises:
        CheckpointError: It has parts that DeiT and DINO have not, or is damaged.
    """
    patches = model.child("patch_embed").child("proj")
    width, colours, patch, across = patches.shape("weight", axes=4)
    if colours != 3 or patch != across:
        raise CheckpointError(f"this snapshot's {patches.name} should take square patches of three colours")
    check_conv(patches, stride=[patch, patch])
    for name in ("patch_embed.norm", "norm_pre"):
        _check_unused(model, name)
    blocks = _blocks(model)
    for block in blocks:
        for name in _UNUSED:
            _check_unused(block, name)
        activation = block.child("mlp").child("act")
        if activation.record.class_name != "GELU":
            raise CheckpointError(f"this snapshot's {activation.name} is no GELU: another network")
        agree(activation, approximate="none")
    tokens = sum(model.shape(name, axes=3)[1] for name in _tokens(model))
    _, places, _ = model.shape("pos_embed", axes=3)
    grid = round(max(places - tokens, 0) ** 0.5)
    norms = [block.child(name) for block in blocks for name in ("norm1", "norm2")]
    return VisionConfig(
        patch=patch,
        grid=grid,
        tokens=tokens,
        width=width,
        depth=len(blocks),
        heads=agreed("num_heads", [block.child("attn").whole("num_heads") for block in blocks]),
        mlp_width=blocks[0].child("mlp").child("fc1").shape("weight", axes=2)[0],
        epsilon=agreed("eps", [norm.number("eps") for norm in norms]),
    )


def vision_tensors(model: Fields) -> dict[str, Tensor]:
    """A vision transformer's numbers under our names.

    Raises:
        CheckpointError: One is missing.
    """
    patches = model.child("patch_embed").child("proj")
    found = {f"patches.{key}": patches.tensor(key) for key in ("weight", "bias")}
    found["tokens"] = torch.cat([model.tensor(name)[0] for name in _tokens(model)])
    found["positions"] = model.tensor("pos_embed")[0]
    for index, block in enumerate(_blocks(model)):
        for theirs, ours in _LAYERS:
            part = _inside(block, theirs)
            found |= {f"blocks.{index}.{ours}.{key}": part.tensor(key) for key in ("weight", "bias")}
    return found


def _tokens(model: Fields) -> list[str]:
    return ["cls_token"] + ["dist_token"] * ("dist_token" in model.record.parameters)


def _blocks(model: Fields) -> list[Fields]:
    listed = model.child("blocks")
    count = len(listed.record.children)
    if not 1 <= count <= _MAX_BLOCKS:
        raise CheckpointError(f"this snapshot's {listed.name} has {count} blocks: it is damaged")
    return [listed.child(str(i)) for i in range(count)]


def _inside(part: Fields, name: str) -> Fields:
    for key in name.split("."):
        part = part.child(key)
    return part


def _check_unused(part: Fields, name: str) -> None:
    *above, last = name.split(".")
    for key in above:
        part = part.child(key)
    if part.has(last) and part.child(last).record.class_name not in _HARMLESS:
        raise CheckpointError(
            f"this snapshot's {part.name}.{last} is no part of a plain vision transformer: not supported"
        )
