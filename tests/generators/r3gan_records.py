"""R3GAN networks of random numbers as the published program pickles them, and what they compute, written plainly."""

import torch
import torch.nn.functional as F
from torch import Tensor

from explorer.checkpoints.record import ModuleRecord


def generator_record(
    *,
    channels: tuple[int, ...] = (12, 8, 8),
    groups: tuple[int, ...] = (3, 2, 4),
    blocks: tuple[int, ...] = (2, 1, 2),
    z_dim: int = 6,
    c_dim: int = 0,
    expansion: int = 2,
) -> ModuleRecord:
    random = torch.Generator().manual_seed(0)
    embed = 5 if c_dim else 0
    stages = []
    for i, width in enumerate(channels):
        if i == 0:
            first = _module("GenerativeBasis", parameters={"Basis": _normal(random, width, 4, 4)})
            first.children["LinearLayer"] = _linear(_normal(random, width, z_dim + embed) * 0.3)
        else:
            first = _change("UpsampleLayer", random, channels[i - 1], width)
        stages.append([first, *_blocks(random, width, groups[i], blocks[i], expansion)])
    model = _model("Generator", stages)
    model.children["AggregationLayer"] = _conv(random, channels[-1], 3)
    if c_dim:
        model.children["EmbeddingLayer"] = _linear(_normal(random, embed, c_dim))
    told = {"z_dim": z_dim, "c_dim": c_dim, "img_resolution": 4 << len(channels) - 1}
    return _module("Generator", told, children={"Model": model})


def discriminator_record(
    *,
    channels: tuple[int, ...] = (12, 8, 8),
    groups: tuple[int, ...] = (3, 2, 4),
    blocks: tuple[int, ...] = (2, 1, 2),
    c_dim: int = 0,
    expansion: int = 2,
) -> ModuleRecord:
    random = torch.Generator().manual_seed(1)
    embed = 5 if c_dim else 1
    stages = []
    for i in reversed(range(len(channels))):
        width = channels[i]
        if i == 0:
            last = _module("DiscriminativeBasis")
            sums = {"groups": width, "stride": (1, 1), "padding": (0, 0), "dilation": (1, 1)}
            last.children["Basis"] = _module("Conv2d", sums, {"weight": _normal(random, width, 1, 4, 4) * 0.2})
            last.children["LinearLayer"] = _linear(_normal(random, embed, width) * 0.3)
        else:
            last = _change("DownsampleLayer", random, width, channels[i - 1])
        stages.append([*_blocks(random, width, groups[i], blocks[i], expansion), last])
    model = _model("Discriminator", stages)
    model.children["ExtractionLayer"] = _conv(random, 3, channels[-1])
    if c_dim:
        model.children["EmbeddingLayer"] = _linear(_normal(random, embed, c_dim))
    return _module("Discriminator", children={"Model": model})


def plain_picture(record: ModuleRecord, z: Tensor, c: Tensor | None = None) -> Tensor:
    """The picture of latents, from the record's tensors alone."""
    model = record.children["Model"]
    if c is not None:
        z = torch.cat([z, c @ model.children["EmbeddingLayer"].parameters["weight"].T], dim=1)
    x = z
    for stage in model.children["MainLayers"].children.values():
        first, *blocks = stage.children["Layers"].children.values()
        if "Basis" in first.parameters:
            x = (x @ first.children["LinearLayer"].parameters["weight"].T)[:, :, None, None] * first.parameters["Basis"]
        else:
            x = _plain_conv(first.children["LinearLayer"], x) if "LinearLayer" in first.children else x
            count = x.shape[1]
            x = F.conv_transpose2d(x, 4 * _kernel(first).expand(count, 1, 4, 4), stride=2, padding=1, groups=count)
        for block in blocks:
            x = _plain_block(block, x)
    return _plain_conv(model.children["AggregationLayer"], x)


def plain_logits(record: ModuleRecord, image: Tensor, c: Tensor | None = None) -> Tensor:
    """The logits ``[N, 1]`` of pictures, from the record's tensors alone."""
    model = record.children["Model"]
    x = _plain_conv(model.children["ExtractionLayer"], image)
    for stage in model.children["MainLayers"].children.values():
        *blocks, last = stage.children["Layers"].children.values()
        for block in blocks:
            x = _plain_block(block, x)
        if "Basis" in last.children:
            count = x.shape[1]
            x = F.conv2d(x, last.children["Basis"].parameters["weight"], groups=count).flatten(1)
            x = x @ last.children["LinearLayer"].parameters["weight"].T
        else:
            count = x.shape[1]
            x = F.conv2d(x, _kernel(last).expand(count, 1, 4, 4), stride=2, padding=1, groups=count)
            x = _plain_conv(last.children["LinearLayer"], x) if "LinearLayer" in last.children else x
    if c is not None:
        x = (x * (c @ model.children["EmbeddingLayer"].parameters["weight"].T)).sum(dim=1, keepdim=True)
    return x


def _plain_block(block: ModuleRecord, x: Tensor) -> Tensor:
    y = x
    for i in (1, 2):
        y = _plain_conv(block.children[f"LinearLayer{i}"], y)
        y = F.leaky_relu(y + block.children[f"NonLinearity{i}"].parameters["Bias"][:, None, None], 0.2)
    return x + _plain_conv(block.children["LinearLayer3"], y)


def _plain_conv(part: ModuleRecord, x: Tensor) -> Tensor:
    layer = part.children["Layer"]
    weight = layer.parameters["weight"]
    return F.conv2d(x, weight, padding=weight.shape[-1] // 2, groups=layer.attributes["groups"])


def _kernel(part: ModuleRecord) -> Tensor:
    return part.children["Resampler"].buffers["Kernel"]


def _model(name: str, stages: list[list[ModuleRecord]]) -> ModuleRecord:
    listed = [_module(f"{name}Stage", children={"Layers": _listed(parts)}) for parts in stages]
    return _module(name, children={"MainLayers": _listed(listed)})


def _listed(parts: list[ModuleRecord]) -> ModuleRecord:
    return _module("ModuleList", children={str(i): part for i, part in enumerate(parts)})


def _change(name: str, random: torch.Generator, inputs: int, outputs: int) -> ModuleRecord:
    kernel = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    part = _module(name, children={"Resampler": _module("Resampler", buffers={"Kernel": torch.outer(kernel, kernel)})})
    if inputs != outputs:
        part.children["LinearLayer"] = _conv(random, inputs, outputs)
    return part


def _blocks(random: torch.Generator, width: int, groups: int, count: int, expansion: int) -> list[ModuleRecord]:
    wide = width * expansion
    return [
        _module(
            "ResidualBlock",
            children={
                "LinearLayer1": _conv(random, width, wide),
                "LinearLayer2": _conv(random, wide, wide, kernel=3, groups=groups),
                "LinearLayer3": _conv(random, wide, width),
                "NonLinearity1": _module("BiasedActivation", parameters={"Bias": _normal(random, wide) * 0.2}),
                "NonLinearity2": _module("BiasedActivation", parameters={"Bias": _normal(random, wide) * 0.2}),
            },
        )
        for _ in range(count)
    ]


def _conv(random: torch.Generator, inputs: int, outputs: int, *, kernel: int = 1, groups: int = 1) -> ModuleRecord:
    weight = _normal(random, outputs, inputs // groups, kernel, kernel) / (inputs // groups * kernel**2) ** 0.5
    told = {"groups": groups, "stride": (1, 1), "padding": (kernel // 2,) * 2, "dilation": (1, 1)}
    told["padding_mode"] = "zeros"
    return _module("Convolution", children={"Layer": _module("Conv2d", told, {"weight": weight})})


def _linear(weight: Tensor) -> ModuleRecord:
    return _module("Linear", parameters={"weight": weight})


def _normal(random: torch.Generator, *shape: int) -> Tensor:
    return torch.randn(shape, generator=random)


def _module(
    name: str,
    attributes: dict[str, object] | None = None,
    parameters: dict[str, Tensor] | None = None,
    buffers: dict[str, Tensor | None] | None = None,
    children: dict[str, ModuleRecord | None] | None = None,
) -> ModuleRecord:
    return ModuleRecord(name, attributes or {}, parameters or {}, buffers or {}, children or {})
