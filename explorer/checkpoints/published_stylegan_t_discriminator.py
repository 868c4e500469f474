"""Published discriminators of StyleGAN-T out of the records of their modules; the DINO lies whole in a snapshot."""

import torch
from torch import Tensor

from explorer.checkpoints.published_fields import Fields, agreed
from explorer.checkpoints.published_projected import spectral
from explorer.checkpoints.published_stylegan3 import agree, check_linear
from explorer.checkpoints.published_vision import check_conv, vision_config, vision_tensors
from explorer.checkpoints.record import ModuleRecord
from explorer.errors import CheckpointError
from explorer.generators.stylegan_t_discriminator import TextDiscriminator, TextDiscriminatorConfig

__all__ = ["is_discriminator", "read_discriminator"]

_SLOPE = 0.2
_QUARTERS = 4


def is_discriminator(record: ModuleRecord) -> bool:
    """Whether this is a StyleGAN-T discriminator: a DINO and heads."""
    return {"dino", "heads"} <= record.children.keys()


def read_discriminator(record: ModuleRecord) -> TextDiscriminator:
    """Build the discriminator from the record's tensors.

    Raises:
        CheckpointError: A part is missing, of another network, or options and tensors contradict each other.
    """
    root = Fields(record, "D")
    dino = root.child("dino")
    model = dino.child("model").child("model")
    listed = root.child("heads")
    heads = [listed.child(str(i)) for i in range(len(listed.record.children))]
    if len(heads) not in (_QUARTERS, _QUARTERS + 1):
        raise CheckpointError(f"this snapshot's {listed.name} has {len(heads)} heads: StyleGAN-T has 4 or 5")
    norms = [norm for head in heads for _, _, norm in _lines(head)]
    wide = [conv.shape("weight_orig", axes=3)[2] for head in heads for name, conv, _ in _lines(head) if name == "wide"]
    c_dim = root.whole("c_dim")
    config = TextDiscriminatorConfig(
        c_dim=c_dim,
        cmap_dim=agreed("cmap_dim", [head.whole("cmap_dim") for head in heads]),
        vision=vision_config(model),
        patches_too=len(heads) > _QUARTERS,
        seen_side=dino.whole("img_resolution"),
        kernel_size=agreed("kernel size", wide),
        group=agreed("virtual_bs", [norm.whole("virtual_bs") for norm in norms]),
        epsilon=agreed("eps", [norm.number("eps") for norm in norms]),
    )
    tensors = {f"frozen.{name}": tensor for name, tensor in vision_tensors(model).items()}
    for i, head in enumerate(heads):
        for name, tensor in _head_tensors(head, config).items():
            tensors[f"heads.{i}.{name}"] = tensor
    for name, tensor in tensors.items():
        if not bool(torch.isfinite(tensor).all()):
            raise CheckpointError(f"this snapshot's discriminator holds values that are not numbers ({name})")
    return TextDiscriminator.from_tensors(config, tensors)


def _lines(head: Fields) -> list[tuple[str, Fields, Fields]]:
    """The two layers of a head: our name, convolution, normalisation."""
    near, wide = head.child("main").child("0"), head.child("main").child("1").child("fn")
    return [("near", near.child("0"), near.child("1")), ("wide", wide.child("0"), wide.child("1"))]


def _head_tensors(head: Fields, config: TextDiscriminatorConfig) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}
    for name, conv, norm in _lines(head):
        kernel = conv.shape("weight_orig", axes=3)[2]
        check_conv(conv, padding=[kernel // 2], padding_mode="circular")
        found |= {f"{name}.conv.{key}": tensor for key, tensor in spectral(conv).items()}
        found |= {f"{name}.norm.{key}": norm.tensor(key) for key in ("weight", "bias")}
    agree(head.child("main").child("0").child("2"), negative_slope=_SLOPE)
    check_conv(head.child("cls"))
    found |= {f"last.{key}": tensor for key, tensor in spectral(head.child("cls")).items()}
    if config.c_dim:
        text = head.child("cmapper")
        check_linear(text, in_features=config.c_dim, out_features=config.cmap_dim)
        found |= {f"text.{key}": text.tensor(key) for key in ("weight", "bias")}
    return found
