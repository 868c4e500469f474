"""Feature networks of random numbers, as other programs save them."""

import torch
from torch import Tensor

TORCHVISION = (0, 2, 5, 7, 10, 12, 14, 17, 19, 21, 24, 26, 28)
SHAPES = ((64, 3), (64, 64), (128, 64), (128, 128), (256, 128), (256, 256), (256, 256))
SHAPES += ((512, 256), (512, 512), (512, 512), (512, 512), (512, 512), (512, 512))
STAGES = (1, 1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5)
WIDTHS = (64, 128, 256, 512, 512)


def convolutions(names: list[str]) -> dict[str, Tensor]:
    random = torch.Generator().manual_seed(0)
    state = {}
    for name, (outputs, inputs) in zip(names, SHAPES, strict=True):
        state[f"{name}.weight"] = torch.randn(outputs, inputs, 3, 3, generator=random) * (2 / inputs / 9) ** 0.5
        state[f"{name}.bias"] = torch.randn(outputs, generator=random) * 0.1
    return state


def torchvision_vgg() -> dict[str, Tensor]:
    return {**convolutions([f"features.{index}" for index in TORCHVISION]), "classifier.0.weight": torch.zeros(4, 4)}


def lpips() -> dict[str, Tensor]:
    names = [f"net.slice{stage}.{index}" for stage, index in zip(STAGES, TORCHVISION, strict=True)]
    heads = {f"lin{stage}.model.1.weight": torch.rand(1, width, 1, 1) for stage, width in enumerate(WIDTHS)}
    copies = {f"lins.{stage}.model.1.weight": heads[f"lin{stage}.model.1.weight"] for stage in range(5)}
    scaling = {"scaling_layer.shift": torch.tensor([-0.030, -0.088, -0.188]).view(1, 3, 1, 1)}
    return {**scaling, **convolutions(names), **heads, **copies}


def torchvision_features(state: dict[str, Tensor], images: Tensor) -> list[Tensor]:
    """What torchvision's VGG16 computes, written plainly: pictures of 0 to 1, ImageNet's mean and deviation."""
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    x = (images - mean.view(3, 1, 1)) / deviation.view(3, 1, 1)
    found = []
    for stage in range(1, 6):
        x = x if stage == 1 else torch.nn.functional.max_pool2d(x, 2)
        for index in (index for place, index in zip(STAGES, TORCHVISION, strict=True) if place == stage):
            weight, bias = state[f"features.{index}.weight"], state[f"features.{index}.bias"]
            x = torch.relu(torch.nn.functional.conv2d(x, weight, bias, padding=1))
        found.append(x)
    return found
