"""Which network a table of tensors is, by the names in it; published layouts are rewritten to ours.

Batch norms are folded into the convolutions before them, and what colours are divided by into the first one.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from explorer.checkpoints.state_dict import StateDict
from explorer.errors import CheckpointError
from explorer.features.vgg import LAYERS, Vgg16, stage_of
from explorer.generators.efficientnet import BLOCKS, EfficientNetLite0

__all__ = ["build_features"]

_BATCH_NORM_EPS = 1e-3
# Of ImageNet, for colours of 0 to 1, as everything of torchvision's expects.
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Where torchvision's list of layers has the convolutions.
_TORCHVISION = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)


def build_features(tensors: StateDict) -> EfficientNetLite0 | Vgg16:
    """The network, in evaluation mode and without gradients for its own numbers.

    Raises:
        CheckpointError: It is of no kind that is known, or a tensor is missing, left over or of a wrong shape.
    """
    for mark, build in _KINDS:
        if mark in tensors:
            network = build(tensors)
            tensors.finish()
            return network.eval().requires_grad_(False)
    held = ", ".join(sorted(tensors.names)[:4])
    raise CheckpointError(
        f"these weights are no feature network that is known (the file holds {held}): give the state dict of "
        "VGG16 or of LPIPS with VGG16 (torchvision's names), of EfficientNet-lite0, or a file converted from them"
    )


def _own_efficientnet(tensors: StateDict) -> EfficientNetLite0:
    return _filled(EfficientNetLite0(), tensors)


def _published_efficientnet(tensors: StateDict) -> EfficientNetLite0:
    network = EfficientNetLite0()
    tensors.drop(r".*\.num_batches_tracked")

    def place(convolution: nn.Conv2d, name: str, norm: str) -> None:
        _assign(convolution, *_folded(tensors, name, norm))

    place(network.stem, "_conv_stem", "_bn0")
    for index, (spec, block) in enumerate(zip(BLOCKS, network.blocks, strict=True)):
        start = f"_blocks.{index}."
        if spec.expansion > 1:
            place(block.expand, f"{start}_expand_conv", f"{start}_bn0")
        place(block.depthwise, f"{start}_depthwise_conv", f"{start}_bn1")
        place(block.project, f"{start}_project_conv", f"{start}_bn2")
    place(network.head, "_conv_head", "_bn1")
    _assign(network.classifier, tensors.take("_fc.weight", axes=2), tensors.take("_fc.bias", axes=1))
    return network


def _folded(tensors: StateDict, name: str, norm: str) -> tuple[Tensor, Tensor]:
    """A convolution's weight ``[O, I, k, k]`` and bias ``[O]`` that act as it and the batch norm behind it."""
    gain, bias, mean, variance = (
        tensors.take(f"{norm}.{part}", axes=1).double() for part in ("weight", "bias", "running_mean", "running_var")
    )
    factor = gain * torch.rsqrt(variance + _BATCH_NORM_EPS)
    weight = tensors.take(f"{name}.weight", axes=4).double() * factor[:, None, None, None]
    return weight.float(), (bias - mean * factor).float()


def _own_vgg(tensors: StateDict) -> Vgg16:
    stages = len({name.partition("_")[0] for name in tensors.names if name.startswith("convolutions.conv")})
    return _filled(Vgg16(stages=stages, name="VGG16 (HED)"), tensors)


def _torchvision_vgg(tensors: StateDict) -> Vgg16:
    tensors.drop(r"classifier\..*")
    return _imagenet_vgg(tensors, [f"features.{index}" for index in _TORCHVISION], "VGG16", None)


def _lpips(tensors: StateDict) -> Vgg16:
    # The heads are listed twice, and the scaling is the same for every file.
    tensors.drop(r"(lins\.|scaling_layer\.).*")
    names = [f"net.slice{stage_of(layer)}.{index}" for (layer, _, _), index in zip(LAYERS, _TORCHVISION, strict=True)]
    heads = [tensors.take(f"lin{stage}.model.1.weight", axes=4).flatten().clamp_min(0) for stage in range(5)]
    return _imagenet_vgg(tensors, names, "LPIPS (VGG16)", heads)


def _imagenet_vgg(tensors: StateDict, names: list[str], title: str, heads: list[Tensor] | None) -> Vgg16:
    network = Vgg16(stages=5, name=title, heads=heads)
    for (layer, _, _), name in zip(LAYERS, names, strict=True):
        weight, bias = tensors.take(f"{name}.weight", axes=4), tensors.take(f"{name}.bias", axes=1)
        if layer == LAYERS[0][0]:
            # From 0 to 1 to -1 to 1: half as steep.
            weight = weight / (2 * torch.tensor(_DEVIATION))[:, None, None]
        _assign(network.convolutions[layer], weight, bias)
    network.shift.copy_(2 * torch.tensor(_MEAN) - 1)
    return network


def _assign(layer: nn.Module, weight: Tensor, bias: Tensor) -> None:
    with torch.no_grad():
        for place, value in ((layer.weight, weight), (layer.bias, bias)):
            if place.shape != value.shape:
                raise CheckpointError(
                    f"a tensor of this feature network has the shape {tuple(value.shape)}: "
                    f"it should have {tuple(place.shape)}"
                )
            place.copy_(value)


def _filled(network: EfficientNetLite0 | Vgg16, tensors: StateDict) -> EfficientNetLite0 | Vgg16:
    with torch.no_grad():
        for name, place in network.state_dict().items():
            value = tensors.take(name, axes=place.ndim)
            if value.shape != place.shape:
                raise CheckpointError(f"{name} of this feature network has the shape {tuple(value.shape)}: damaged")
            place.copy_(value)
    return network


# By a tensor that only this kind has.
_KINDS: tuple[tuple[str, Callable[[StateDict], EfficientNetLite0 | Vgg16]], ...] = (
    ("stem.weight", _own_efficientnet),
    ("_conv_stem.weight", _published_efficientnet),
    ("convolutions.conv1_1.weight", _own_vgg),
    ("features.0.weight", _torchvision_vgg),
    ("net.slice1.0.weight", _lpips),
)
